"""The arguments of `zmhook camera`, and what they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from zmhook.camera.plan import Broker
from zmhook.cli import camera
from zmhook.cli.camera_setup import broker_of, host_and_port
from zmhook.cli.camera_simulate import topic_of
from zmhook.errors import CameraError
from zmhook.settings import Mqtt, Secret, Settings, Topic


def arguments(*more: str) -> Any:
    return camera._parser().parse_args(["setup", "--host", "192.0.2.7", "--user", "root", *more])


def broker(mqtt: Mqtt, *more: str) -> Broker:
    return broker_of(arguments(*more), mqtt)


@pytest.mark.parametrize(
    ("mqtt", "more", "address"),
    [
        ({"mqtt_host": "10.0.0.2"}, (), "tcp://10.0.0.2:1883"),
        ({"mqtt_host": "10.0.0.2", "mqtt_tls": True}, (), "ssl://10.0.0.2:8883"),
        ({"mqtt_host": "10.0.0.2", "mqtt_port": 1884}, (), "tcp://10.0.0.2:1884"),
        (
            {"mqtt_host": "10.0.0.2", "mqtt_transport": "websockets", "mqtt_path": "/ws/"},
            (),
            "ws://10.0.0.2:9001/ws",
        ),
        (
            {"mqtt_host": "10.0.0.2", "mqtt_transport": "websockets", "mqtt_tls": True},
            (),
            "wss://10.0.0.2:443/mqtt",
        ),
        ({"mqtt_port": 1884}, ("--broker", "b.example"), "tcp://b.example:1884"),
        ({"mqtt_port": 1884}, ("--broker", "b.example:99"), "tcp://b.example:99"),
        (
            {"mqtt_port": 1884},
            ("--broker", "b.example", "--transport", "ssl"),
            "ssl://b.example:8883",
        ),
        (
            {"mqtt_host": "/run/mosquitto", "mqtt_transport": "unix", "mqtt_port": 5},
            ("--broker", "b.example"),
            "tcp://b.example:1883",
        ),
    ],
)
def test_the_broker_is_the_collector_s_unless_told_otherwise(
    mqtt: dict[str, Any], more: tuple[str, ...], address: str
) -> None:
    assert str(broker(Mqtt(**mqtt), *more)) == address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_has_another_address_for_the_camera(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def own_address(seen_from: str) -> str:
        asked.append(seen_from)
        return "192.0.2.5"

    monkeypatch.setattr("zmhook.cli.camera_setup._own_address", own_address)
    assert broker(Mqtt(mqtt_host=host)).host == "192.0.2.5"
    assert asked == ["192.0.2.7"]


def test_the_password_goes_with_its_user_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZMHOOK_BROKER_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    mqtt = Mqtt(mqtt_host="b.example", mqtt_user="zm", mqtt_password=Secret("s3cret"))
    assert broker(mqtt).password == Secret("s3cret")
    assert broker(mqtt, "--broker-user", "camera").password is None
    assert broker(mqtt, "--broker-user", "") == broker(mqtt)._replace(user="", password=None)


@pytest.mark.parametrize("text", ["192.0.2.7", "cam-1.lan", "[2001:db8::7]"])
def test_hosts(text: str) -> None:
    assert host_and_port(text, "--host") == (text, 0)
    assert host_and_port(f"{text}:8080", "--host") == (text, 8080)


@pytest.mark.parametrize("text", ["", "http://a", "a b", "u:p@a", "a:99999", "a/b", "a:"])
def test_what_is_no_host_is_told(text: str) -> None:
    with pytest.raises(CameraError, match=r"--host .*expected a name or an address"):
        host_and_port(text, "--host")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--channel", "0"),
        ("--monitor", "x"),
        ("--timeout", "0"),
        ("--wait", "1e9"),
        ("--wait", "nan"),
        ("--transport", "udp"),
        ("--password", "on-the-command-line"),
    ],
)
def test_what_is_no_value_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(*wrong)
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.parametrize("box", ["1,2,3", "0.5,0,0.2,1", "0,0,2,1", "a,b,c,d", "nan,0,1,1"])
def test_what_is_no_box_is_refused(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        camera._parser().parse_args(["simulate", "--photos", "x", "--box", box])
    assert "such as 0.2,0.3,0.5,0.9" in capsys.readouterr().err


# -- simulate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listened", "topic"),
    [
        ("track_topic", "track_topic"),
        ("axis/{camera}/track", "axis/yard/track"),
        ("zm/{monitor}/+", "zm/7/yard"),
        ("axis/#", "axis/yard"),
        ("$share/group/axis/+/track", "axis/yard/track"),
    ],
)
def test_the_topic_is_one_that_is_listened_to(listened: str, topic: str) -> None:
    settings = Settings(mqtt=Mqtt(mqtt_topic=(listened,)))
    assert topic_of(settings, "yard", 7) == topic


def test_a_section_of_a_topic_comes_first() -> None:
    settings = structs.replace(Settings(), topics=(Topic(name="front", topic="axis/front/track"),))
    assert topic_of(settings, "yard", None) == "axis/front/track"


def test_a_monitor_s_number_must_be_told() -> None:
    with pytest.raises(CameraError, match="--monitor says which"):
        topic_of(Settings(mqtt=Mqtt(mqtt_topic=("zm/{monitor}",))), "yard", None)


def test_without_a_configuration_the_defaults_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("zmhook.cli.camera_setup.CONFIG", str(tmp_path / "nothing.ini"))
    from zmhook.cli.camera_setup import settings_of

    assert settings_of(str(tmp_path / "nothing.ini")) == Settings()
