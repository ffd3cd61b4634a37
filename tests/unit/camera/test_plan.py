"""What is changed on a camera, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook.camera.axis import (
    CameraDevice,
    CameraRequest,
    CameraState,
    MqttClientState,
    Publisher,
    SnapshotState,
)
from zmhook.camera.plan import CameraBroker, SetupRequest, changes, check_topic, data_source
from zmhook.camera.setup import CameraBackup, undo_plan
from zmhook.errors import CameraError
from zmhook.settings import Secret

TRACK, OLD = "com.axis.scene.object_track.v1", "com.axis.consolidated_track.v1.beta"
SNAPSHOTS = "/config/rest/object-snapshot/v1"
BROKER = CameraBroker("tcp", "192.0.2.5", 1883, user="camera", password=Secret("s3cret"))
WANTED = SetupRequest(BROKER, "axis/front/track")


def state(**known: Any) -> CameraState:
    made = CameraState(
        device=CameraDevice("AXIS", "ACCC8E000001", "12.8.61"),
        client=MqttClientState({}, active=False, connection="not connected"),
        snapshots=SnapshotState(SNAPSHOTS, enabled=False, margin=False),
        analytics="/config/rest/analytics-mqtt/v1",
        sources=(f"{OLD}#1", f"{TRACK}#1"),
        publishers=(),
    )
    return made._replace(**known)


def client(*, connection: str = "connected", active: bool = True, **config: Any) -> MqttClientState:
    server = {"protocol": "tcp", "host": "192.0.2.5", "port": 1883}
    return MqttClientState({"server": server, "username": "camera", **config}, active, connection)


def params(found: CameraState, broker: CameraBroker = BROKER) -> dict[str, Any]:
    change = changes(found, WANTED._replace(broker=broker))[0]
    assert change.part == "mqtt"
    body = change.requests[0].body
    assert body
    given: dict[str, Any] = body["params"]
    return given


def test_everything_is_changed_on_a_new_camera_broker_first() -> None:
    assert [one.part for one in changes(state(), WANTED)] == ["mqtt", "snapshots", "zmhook-1"]


def test_nothing_is_changed_where_everything_is_there() -> None:
    publisher = Publisher("zmhook-1", f"{TRACK}#1", "axis/front/track", qos=1)
    snapshots = SnapshotState(SNAPSHOTS, enabled=True, margin=True)
    found = state(client=client(), snapshots=snapshots, publishers=(publisher,))
    assert changes(found, WANTED) == []


@pytest.mark.parametrize(
    "found",
    [
        client(active=False),
        client(connection="connecting"),
        client(username="another"),
        client(server={"protocol": "tcp", "host": "192.0.2.5", "port": 1884}),
        client(server={"protocol": "ssl", "host": "192.0.2.5", "port": 1883}),
    ],
)
def test_a_client_that_is_not_there_yet_is_configured(found: MqttClientState) -> None:
    assert changes(state(client=found), WANTED)[0].part == "mqtt"


def test_without_a_password_the_camera_keeps_its_own_of_the_same_user() -> None:
    broker = BROKER._replace(password=None, port=1884)
    given = params(state(client=client()), broker)
    assert given["keepExistingPassword"] is True
    assert "password" not in given


def test_without_user_nothing_of_an_earlier_login_stays() -> None:
    given = params(state(client=client()), BROKER._replace(user="", password=None))
    assert (given["username"], given["password"]) == ("", "")


def test_a_certificate_is_checked_only_where_one_is_named() -> None:
    encrypted = BROKER._replace(protocol="ssl", port=8883)
    assert params(state(), encrypted)["ssl"] == {"validateServerCert": False}
    named = params(state(), encrypted._replace(authority="house"))
    assert named["ssl"] == {"validateServerCert": True, "CACertID": "house"}
    assert "ssl" not in params(
        state(client=client(ssl={"validateServerCert": True})), BROKER._replace(port=1884)
    )


def test_no_password_is_printed() -> None:
    printed = [
        request.shown("http://192.0.2.7")
        for change in changes(state(), WANTED)
        for request in change.requests
    ]
    assert "s3cret" not in "".join(printed) + repr(WANTED)
    assert '"password":"***"' in printed[0]
    assert CameraRequest("DELETE", "/x").shown("http://a") == "DELETE http://a/x"


def test_the_best_data_source_is_taken_unless_one_is_named() -> None:
    assert data_source(state(), "", 1) == f"{TRACK}#1"
    assert data_source(state(), "consolidated_track", 1) == f"{OLD}#1"
    assert data_source(state(sources=(f"{OLD}#1",)), "", 1) == f"{OLD}#1"


def test_a_channel_without_data_is_told_with_what_there_is() -> None:
    with pytest.raises(CameraError, match=rf"on channel 2 .*12\.8\.61.*{OLD}#1"):
        data_source(state(), "object_track", 2)


@pytest.mark.parametrize("topic", ["a", "axis/front/track", "A_b-9/c", "a" * 128])
def test_topics_that_a_camera_takes(topic: str) -> None:
    check_topic(topic)


@pytest.mark.parametrize(
    "topic", ["", "/a", "a/", "a//b", "a.b", "a b", "a/#", "a/+", "ä", "a\n", "a" * 129]
)
def test_topics_that_a_camera_refuses(topic: str) -> None:
    with pytest.raises(CameraError, match="letters, digits"):
        check_topic(topic)


# -- the way back --------------------------------------------------------------------------------


def remembered(found: CameraState) -> CameraBackup:
    memory = CameraBackup("camera")
    for change in changes(found, WANTED):
        memory.note(change)
    return memory


def test_what_was_on_before_stays_on() -> None:
    found = state(snapshots=SnapshotState(SNAPSHOTS, enabled=True, margin=False))
    memory = remembered(found)
    after = state(client=client(), snapshots=SnapshotState(SNAPSHOTS, enabled=True, margin=True))
    changed = {one.part: one for one in undo_plan(after, memory).changes}
    assert changed["snapshots"].requests[0].body == {"data": {"enabled": True, "margin": False}}


def test_the_same_user_keeps_a_password_and_is_told_which() -> None:
    found = state(client=client(server={"protocol": "tcp", "host": "192.0.2.9", "port": 1883}))
    way = undo_plan(state(client=client()), remembered(found))
    body = next(one for one in way.changes if one.part == "mqtt").requests[0].body
    assert body
    assert body["params"]["keepExistingPassword"] is True
    assert way.notes == ["the broker's user 'camera' keeps the password that the set-up gave"]


def test_a_second_set_up_does_not_forget_what_was_before_the_first() -> None:
    memory = remembered(state())
    again = state(client=client(connection="connecting"))
    memory.note(changes(again, WANTED)[0])
    assert memory.parts["mqtt"].before == {"config": {}, "active": False}


def test_what_somebody_set_between_two_set_ups_is_what_was_before() -> None:
    memory = remembered(state())
    theirs = client(server={"protocol": "tcp", "host": "192.0.2.9", "port": 1883})
    memory.note(changes(state(client=theirs), WANTED)[0])
    assert memory.parts["mqtt"].before == {"config": theirs.config, "active": True}
