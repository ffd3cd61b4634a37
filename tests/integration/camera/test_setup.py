"""Setting a camera up, looking at it and undoing it, against a camera that answers by HTTP."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OURS = {
    "id": "zmhook-1",
    "data_source_key": "com.axis.scene.object_track.v1#1",
    "mqtt_topic": "axis/front/track",
    "qos": 1,
    "retain": False,
    "use_topic_prefix": False,
}
EARLIER = {
    "server": {"protocol": "ssl", "host": "cloud.example.org", "port": 8883},
    "username": "acme",
    "clientId": "axis-acme",
    "lastWillTestament": {"useDefault": True},
    "ssl": {"validateServerCert": True, "CACertID": "acme-ca"},
}


@pytest.fixture
def remembered(tmp_path: Path, camera: Any) -> Path:
    return tmp_path / "data" / "cache" / f"camera-{camera.host.replace(':', '_')}.json"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "broker-password"
    file.write_text("br0ker-pass\n")
    return file


@pytest.fixture
def setup(zmhook: Callable[..., Any], camera: Any, password_file: Path) -> Callable[..., Any]:
    def run(*more: object) -> Any:
        return zmhook(
            *("setup", "--host", camera.host, "--user", "root", "--broker", "192.0.2.5"),
            *("--broker-user", "camera", "--broker-password-file", password_file),
            *("--topic", "axis/front/track", "--wait", "0.2", *more),
        )

    return run


@pytest.fixture
def undo(zmhook: Callable[..., Any], camera: Any) -> Callable[..., Any]:
    return lambda *more: zmhook("undo", "--host", camera.host, "--user", "root", *more)


# -- setup ---------------------------------------------------------------------------------------


def test_a_new_camera_is_set_up(setup: Callable[..., Any], camera: Any) -> None:
    said = setup("--monitor", 3)
    assert (said.code, said.err) == (0, "")
    assert camera.config["server"] == {"protocol": "tcp", "host": "192.0.2.5", "port": 1883}
    assert camera.config["username"] == "camera"
    assert camera.mqtt_password == "br0ker-pass"
    assert camera.config["clientId"] == "axis-ACCC8E000001"
    assert camera.active
    assert camera.snapshots == {"enabled": True, "margin": True}
    assert list(camera.publishers.values()) == [OURS]
    assert "[mqtt-topic-front]\ntopic = axis/front/track\nmonitor = 3\n" in said.out
    assert "The camera is connected to tcp://192.0.2.5:1883." in said.out


def test_what_is_printed_for_the_configuration_is_one(
    setup: Callable[..., Any], tmp_path: Path
) -> None:
    from zmhook.settings import load

    said = setup("--monitor", 3)
    file = tmp_path / "printed.ini"
    file.write_text("[mqtt-topic" + said.out.partition("[mqtt-topic")[2].partition("\n\n")[0])
    [topic] = load(file).general.topics
    assert (topic.topic, topic.monitor, topic.camera) == ("axis/front/track", 3, "front")


def test_a_second_time_changes_nothing(setup: Callable[..., Any], camera: Any) -> None:
    setup()
    camera.asked.clear()
    said = setup()
    assert said.code == 0
    assert camera.changes == []
    assert "already set up" in said.out
    assert "note:" not in said.out


def test_a_password_that_others_can_read_is_told(
    setup: Callable[..., Any], camera: Any, make_camera: Callable[..., Any], certificates: Any
) -> None:
    assert "note: the broker's password goes to the camera unencrypted" in setup().out
    encrypted = make_camera((certificates.server, certificates.server_key))
    said = setup("--host", encrypted.host, "--https", "--insecure")
    assert (said.code, "note:" in said.out) == (0, False)


def test_what_else_was_configured_stays(setup: Callable[..., Any], camera: Any) -> None:
    camera.config = {**EARLIER, "deviceTopicPrefix": "acme/cam7"}
    said = setup()
    assert "as camera, instead of ssl://cloud.example.org:8883" in said.out
    assert camera.config["deviceTopicPrefix"] == "acme/cam7"
    assert camera.config["lastWillTestament"] == {"useDefault": True}
    assert camera.config["clientId"] == "axis-acme"
    assert "ssl" not in camera.config


def test_a_publisher_with_other_contents_is_replaced(
    setup: Callable[..., Any], camera: Any
) -> None:
    camera.publishers["zmhook-1"] = {**OURS, "mqtt_topic": "axis/old/track", "qos": 0}
    camera.publishers["theirs"] = {**OURS, "id": "theirs", "mqtt_topic": "theirs"}
    setup()
    assert camera.changes[-2:] == [
        "DELETE /config/rest/analytics-mqtt/v1/publishers/zmhook-1",
        "POST /config/rest/analytics-mqtt/v1/publishers",
    ]
    assert camera.publishers["zmhook-1"] == OURS
    assert camera.publishers["theirs"]["mqtt_topic"] == "theirs"


def test_a_publisher_that_does_the_same_under_another_name_is_enough(
    setup: Callable[..., Any], camera: Any
) -> None:
    camera.publishers["mine"] = {**OURS, "id": "mine"}
    setup()
    assert list(camera.publishers) == ["mine"]


def test_the_broker_is_the_configured_one_as_the_camera_sees_it(
    zmhook: Callable[..., Any], camera: Any, settings_file: Callable[[str], Path]
) -> None:
    settings_file("[mqtt]\nmqtt_port = 1884\nmqtt_user = zm\nmqtt_password = s3cret-b\n")
    said = zmhook("setup", "--host", camera.host, "--user", "root")
    assert said.code == 0
    assert camera.config["server"] == {"protocol": "tcp", "host": "127.0.0.1", "port": 1884}
    assert (camera.config["username"], camera.mqtt_password) == ("zm", "s3cret-b")
    assert camera.publishers["zmhook-1"]["mqtt_topic"] == "axis/ACCC8E000001/track"


def test_websockets_have_a_path_and_tls_a_certificate(
    setup: Callable[..., Any], camera: Any
) -> None:
    setup("--transport", "wss", "--broker-ca", "house-ca")
    assert camera.config["server"] == {
        "protocol": "wss",
        "host": "192.0.2.5",
        "port": 443,
        "basepath": "mqtt",
    }
    assert camera.config["ssl"] == {"validateServerCert": True, "CACertID": "house-ca"}


def test_an_older_firmware_has_the_older_names(setup: Callable[..., Any], camera: Any) -> None:
    camera.snapshot_path = "/config/rest/best-snapshot/v1"
    camera.analytics_path = "/config/rest/analytics-mqtt/v1beta"
    camera.sources = ("com.axis.consolidated_track.v1.beta#1",)
    camera.connects = "connected"
    assert setup().code == 0
    assert camera.snapshots == {"enabled": True, "margin": True}
    key = camera.publishers["zmhook-1"]["data_source_key"]
    assert key == "com.axis.consolidated_track.v1.beta#1"


def test_the_other_spelling_of_a_data_source_is_known(
    setup: Callable[..., Any], camera: Any
) -> None:
    camera.sources = ("axis.scene.object_snapshot_v1#2", "axis.scene.object_track_v1#2")
    assert setup("--format", "object_snapshot", "--channel", "2").code == 0
    key = camera.publishers["zmhook-2"]["data_source_key"]
    assert key == "axis.scene.object_snapshot_v1#2"


# -- dry run -------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_calls_and_makes_none(
    setup: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    said = setup("--dry-run")
    assert said.code == 0
    assert camera.changes == []
    assert not remembered.exists()
    assert f"POST {camera.base}/axis-cgi/mqtt/client.cgi " in said.out
    assert '"password":"***"' in said.out
    assert f'PATCH {camera.base}/config/rest/object-snapshot/v1 {{"data":' in said.out
    assert f"POST {camera.base}/config/rest/analytics-mqtt/v1/publishers " in said.out
    assert "br0ker-pass" not in said.out + said.err


def test_a_dry_run_of_what_is_there_says_so(setup: Callable[..., Any], camera: Any) -> None:
    setup()
    assert f"{camera.base}: nothing would be changed\n" in setup("--dry-run").out


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_camera_that_does_not_find_its_broker_is_told(
    setup: Callable[..., Any], camera: Any
) -> None:
    camera.connects = "Connecting"
    said = setup()
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "its connection to tcp://192.0.2.5:1883 is 'Connecting'" in said.err
    assert camera.publishers["zmhook-1"] == OURS
    assert "[mqtt-topic-front]" in said.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"has_client": False}, "AXIS OS 9.80 or later"),
        ({"analytics_path": "/nowhere"}, "AXIS OS 11.11 or later"),
        ({"snapshot_path": "/nowhere"}, "cannot make snapshots of objects"),
        ({"sources": ("com.axis.analytics_scene_description.v0.beta#1",)}, "it offers: com.axis"),
    ],
)
def test_a_firmware_that_is_too_old_is_named_before_anything_is_changed(
    setup: Callable[..., Any], camera: Any, change: dict[str, Any], words: str
) -> None:
    for name, value in change.items():
        setattr(camera, name, value)
    said = setup()
    assert said.code == 1
    assert words in said.err
    assert said.err.count("\n") == 1
    assert camera.changes == []


def test_a_topic_that_a_camera_refuses_is_refused_here(
    setup: Callable[..., Any], camera: Any
) -> None:
    said = setup("--topic", "axis/front.door/track")
    assert "no dots" in said.err
    assert camera.changes == []


def test_an_error_with_status_200_is_one(setup: Callable[..., Any], camera: Any) -> None:
    camera.refuse["configureClient"] = (2104, "Invalid value br0ker-pass specified\nTrace")
    said = setup()
    assert said.code == 1
    assert "broker tcp://192.0.2.5:1883 as camera" in said.err
    assert "error 2104, Invalid value *** specified Trace" in said.err
    assert camera.publishers == {}


def test_an_error_of_the_configuration_api_is_told(setup: Callable[..., Any], camera: Any) -> None:
    camera.refuse["publish"] = (1, "Internal error")
    said = setup()
    assert said.code == 1
    assert "publisher zmhook-1" in said.err
    assert "error 1, Internal error" in said.err


def test_nothing_is_changed_that_could_not_be_put_back(
    setup: Callable[..., Any], camera: Any, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("not a folder")
    said = setup()
    assert said.code == 1
    assert "nothing could be put back" in said.err
    assert camera.changes == []


def test_a_user_without_password_needs_one(zmhook: Callable[..., Any], camera: Any) -> None:
    said = zmhook("setup", "--host", camera.host, "--user", "root", "--broker-user", "camera")
    assert "the broker's user 'camera' needs a password" in said.err
    assert camera.changes == []


# -- undo ----------------------------------------------------------------------------------------


def test_the_memory_is_its_owner_s_and_has_no_password(
    setup: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    camera.config, camera.mqtt_password, camera.active = EARLIER, "acme-pass", True
    setup()
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600
    text = remembered.read_text()
    assert "pass" not in text.replace("password_kept", "")
    assert json.loads(text)["parts"]["mqtt"]["before"]["config"] == EARLIER


def test_undo_of_a_new_camera_leaves_it_as_it_was(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    setup()
    said = undo()
    assert (said.code, said.err) == (0, "")
    assert camera.publishers == {}
    assert camera.snapshots == {"enabled": False, "margin": False}
    assert not camera.active
    assert (camera.config["username"], camera.mqtt_password) == ("", "")
    assert not remembered.exists()


def test_undo_puts_an_earlier_broker_back_and_says_what_it_cannot(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any
) -> None:
    camera.config, camera.mqtt_password, camera.active = EARLIER, "acme-pass", True
    camera.snapshots = {"enabled": True, "margin": False}
    camera.publishers["zmhook-1"] = {**OURS, "mqtt_topic": "axis/old/track"}
    setup()
    setup("--topic", "axis/yard/track")
    said = undo()
    assert camera.config == EARLIER
    assert camera.active
    assert camera.snapshots == {"enabled": True, "margin": False}
    assert camera.publishers["zmhook-1"]["mqtt_topic"] == "axis/old/track"
    assert "the password of the broker's user 'acme' cannot be read from a camera" in said.out


def test_undo_changes_only_what_was_changed(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any
) -> None:
    camera.config = {
        "server": {"protocol": "tcp", "host": "192.0.2.5", "port": 1883},
        "username": "camera",
    }
    camera.active, camera.snapshots = True, {"enabled": True, "margin": True}
    setup()
    camera.asked.clear()
    undo()
    assert camera.changes == ["DELETE /config/rest/analytics-mqtt/v1/publishers/zmhook-1"]


def test_undo_leaves_alone_what_somebody_changed_since(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    setup()
    camera.publishers["zmhook-1"] = {**OURS, "mqtt_topic": "somebody/elses"}
    said = undo()
    assert camera.publishers["zmhook-1"]["mqtt_topic"] == "somebody/elses"
    assert "note: zmhook-1 was changed since and is left as it is" in said.out
    assert camera.snapshots == {"enabled": False, "margin": False}
    assert not remembered.exists()


def test_a_set_up_that_stopped_halfway_can_be_undone(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any
) -> None:
    """The publisher was deleted to be replaced, and the new one was refused."""
    earlier = {**OURS, "mqtt_topic": "axis/old/track"}
    camera.publishers["zmhook-1"] = earlier
    camera.refuse["publish"] = (1, "Internal error")
    setup()
    assert camera.publishers == {}
    camera.refuse.clear()
    undo()
    assert camera.publishers == {"zmhook-1": earlier}
    assert not camera.active


def test_an_undo_that_stopped_halfway_goes_on_from_there(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    setup()
    camera.refuse["deactivateClient"] = (1100, "Internal error")
    assert undo().code == 1
    assert camera.publishers == {}
    assert list(json.loads(remembered.read_text())["parts"]) == ["mqtt"]
    camera.refuse.clear()
    assert undo().code == 0
    assert not camera.active
    assert not remembered.exists()


def test_a_dry_run_of_undo_changes_nothing(
    setup: Callable[..., Any], undo: Callable[..., Any], camera: Any, remembered: Path
) -> None:
    setup()
    camera.asked.clear()
    said = undo("--dry-run")
    assert camera.changes == []
    assert f"DELETE {camera.base}/config/rest/analytics-mqtt/v1/publishers/zmhook-1" in said.out
    assert remembered.exists()


def test_without_a_set_up_there_is_nothing_to_undo(undo: Callable[..., Any], camera: Any) -> None:
    said = undo()
    assert said.code == 1
    assert f"so there is no setup of {camera.host} to undo" in said.err
    assert camera.asked == []


# -- status --------------------------------------------------------------------------------------


def test_status_shows_what_is_sent_where(
    setup: Callable[..., Any], zmhook: Callable[..., Any], camera: Any
) -> None:
    status = ("status", "--host", camera.host, "--user", "root")
    before = zmhook(*status).out
    assert "MQTT client: inactive, not connected, no broker" in before
    assert "publishers: none" in before
    assert "undo would restore: nothing" in before
    setup()
    after = zmhook(*status).out
    assert f"AXIS P3265-V Dome Camera at {camera.base}" in after
    assert "AXIS OS 12.8.61" in after
    assert "MQTT client: active, Connected, tcp://192.0.2.5:1883 as camera" in after
    assert "best snapshots: on, with margin" in after
    assert "zmhook-1  com.axis.scene.object_track.v1#1  axis/front/track    1" in after
    assert "undo would restore: mqtt, snapshots, zmhook-1" in after
