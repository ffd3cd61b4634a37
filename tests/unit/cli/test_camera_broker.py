"""The broker and the passwords of `zmhook camera`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from zmhook.camera.plan import CameraBroker
from zmhook.cli import camera
from zmhook.cli.camera_broker import broker_of, host_and_port, password_from, readable_settings
from zmhook.errors import CameraError
from zmhook.settings import Mqtt, Secret, Settings

SETUP = ("setup", "--host", "192.0.2.7", "--user", "root")


def broker(mqtt: Mqtt, *more: str) -> CameraBroker:
    return broker_of(camera.make_parser().parse_args([*SETUP, *more]), mqtt)


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

    monkeypatch.setattr("zmhook.cli.camera_broker.own_address", own_address)
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


def test_without_a_configuration_the_defaults_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("zmhook.cli.camera_broker.CONFIG", str(tmp_path / "nothing.ini"))
    assert readable_settings(str(tmp_path / "nothing.ini")) == Settings()


# -- passwords -----------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "password"


@pytest.mark.parametrize("text", ["s3cret", "s3cret\n", "s3cret\r\nmore\n"])
def test_a_file_s_first_line_is_it(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    assert password_from(str(file), "NOBODY_SETS_THIS", "?") == Secret("s3cret")


def test_a_file_outdoes_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "from-there")
    file.write_text("from-here")
    assert password_from(str(file), "A_PASSWORD", "?") == Secret("from-here")
    assert password_from(None, "A_PASSWORD", "?") == Secret("from-there")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed\n"))
    assert password_from(None, "NOBODY_SETS_THIS", "?") is None


def test_at_a_terminal_somebody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"answer to {prompt}")
    assert password_from(None, "NOBODY_SETS_THIS", "Who") == Secret("answer to Who: ")


@pytest.mark.parametrize("data", [b"", b"\nsecond", b"\xff\xfe"])
def test_a_file_without_password_is_told_and_not_shown(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(CameraError, match="on the first line") as caught:
        password_from(str(file), "NOBODY_SETS_THIS", "?")
    assert "second" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(CameraError, match=r"password: cannot be read"):
        password_from(str(file), "NOBODY_SETS_THIS", "?")
