"""Where the collector's settings come from, and which of them wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.settings import Settings
from zmhook.snapshots import environment

INI = """
[mqtt]
mqtt_host = from.ini
mqtt_user = ini-user
mqtt_topic = ini/topic
[snapshots]
snapshot_path = /ini/path
"""


def read(tmp_path: Path, *, ini: str = "", env: str = "", must_exist: bool = False, **given):
    if ini:
        (tmp_path / "objectconfig.ini").write_text(ini)
    if env:
        (tmp_path / "environment.env").write_text(env)
    return environment.read(
        str(tmp_path / "objectconfig.ini"),
        must_exist=must_exist,
        file=str(tmp_path / "environment.env"),
        **{"variables": {}, **given},
    ).general


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.mqtt == Settings().mqtt
    assert found.mqtt.mqtt_topic == ("track_topic",)
    assert found.snapshots.snapshot_path == "images"


def test_a_configuration_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        read(tmp_path, must_exist=True)


def test_each_outdoes_those_after_it(tmp_path: Path) -> None:
    env = "MQTT_HOST=from.file\nMQTT_USER=file-user\nMQTT_PASS='file pass'\n"
    found = read(
        tmp_path,
        ini=INI,
        env=env,
        variables={"MQTT_HOST": "from.env", "MQTT_USER": "env-user"},
        flags={"broker": "from.flag", "broker-user": None},
    )
    assert found.mqtt.mqtt_host == "from.flag"
    assert found.mqtt.mqtt_user == "env-user"
    assert found.mqtt.mqtt_password.reveal() == "file pass"
    assert found.mqtt.mqtt_topic == ("ini/topic",)
    assert found.snapshots.snapshot_path == "/ini/path"


@pytest.mark.parametrize(
    ("name", "flag", "where"),
    [
        ("GEMINI_API_KEY", "api-key", lambda found: found.gemini.gemini_key.reveal()),
        ("MQTT_USER", "broker-user", lambda found: found.mqtt.mqtt_user),
        ("MQTT_PASS", "broker-password", lambda found: found.mqtt.mqtt_password.reveal()),
        ("MQTT_HOST", "broker", lambda found: found.mqtt.mqtt_host),
        ("MQTT_TOPIC", "topic", lambda found: ",".join(found.mqtt.mqtt_topic)),
        ("IMAGE_PATH", "storage", lambda found: found.snapshots.snapshot_path),
    ],
)
def test_every_earlier_name(tmp_path: Path, name: str, flag: str, where) -> None:
    assert where(read(tmp_path, env=f"{name}=here\n")) == "here"
    assert where(read(tmp_path, variables={name: "there"})) == "there"
    assert where(read(tmp_path, flags={flag: "flagged"})) == "flagged"


def test_what_is_empty_is_not_given(tmp_path: Path) -> None:
    found = read(tmp_path, ini=INI, env="MQTT_USER=\nMQTT_HOST\n", variables={"MQTT_TOPIC": ""})
    assert found.mqtt.mqtt_user == "ini-user"
    assert found.mqtt.mqtt_host == "from.ini"
    assert found.mqtt.mqtt_topic == ("ini/topic",)


@pytest.mark.parametrize("password", ["!secret", "{{x}}", "a=b # c", "$HOME", "ünïcode"])
def test_a_password_is_taken_as_it_is(tmp_path: Path, password: str) -> None:
    found = read(tmp_path, variables={"MQTT_PASS": password})
    assert found.mqtt.mqtt_password.reveal() == password


def test_overrides_come_before_the_file_and_after_the_environment(tmp_path: Path) -> None:
    overrides = ["mqtt.mqtt_host=over", "mqtt.mqtt_port=99", "snapshots.snapshot_path=/over"]
    found = read(tmp_path, ini=INI, overrides=overrides, variables={"MQTT_HOST": "env"})
    assert (found.mqtt.mqtt_host, found.mqtt.mqtt_port) == ("env", 99)
    (tmp_path / "objectconfig.ini").unlink()
    assert read(tmp_path, overrides=overrides).snapshots.snapshot_path == "/over"


def test_the_key_for_google_goes_to_nobody_else(tmp_path: Path) -> None:
    openai = "[gemini]\ngemini_backend = openai\ngemini_url = http://127.0.0.1:1\n"
    found = read(tmp_path, ini=openai, variables={"GEMINI_API_KEY": "AIza"})
    assert not found.gemini.gemini_key
    found = read(tmp_path, flags={"api-key": "other"})
    assert found.gemini.gemini_key.reveal() == "other"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"A=" + b"x" * 2_000_000, "it is larger than 1 MiB"),
        (b"MQTT_TOPIC=a/#/b\n", "MQTT_TOPIC: expected MQTT topics"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, env: bytes, says: str) -> None:
    (tmp_path / "environment.env").write_bytes(env)
    with pytest.raises(SettingsError, match=says) as told:
        read(tmp_path)
    assert "environment.env" in str(told.value)


def test_nothing_of_the_file_becomes_part_of_the_environment(tmp_path: Path) -> None:
    read(tmp_path, env="MQTT_PASS=s3cret\n")
    assert "MQTT_PASS" not in os.environ


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "environment.env").write_text("MQTT_HOST=x\n")
    code = (
        "import sys; sys.modules['dotenv'] = None\n"
        "from zmhook.snapshots import environment\n"
        "environment.read('nowhere', must_exist=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert "python-dotenv" in done.stderr
    assert "--with mqtt" in done.stderr


def test_the_example_names_every_variable(root: Path) -> None:
    text = (root / "environment.env.example").read_text()
    assert {name.variable for name in environment.NAMES} == {
        line.partition("=")[0] for line in text.splitlines() if line and line[0] != "#"
    }


def test_what_is_given_holds_for_each_monitor(tmp_path: Path) -> None:
    config = tmp_path / "objectconfig.ini"
    config.write_text("[monitor-2]\nsnapshot_classes = human\n", encoding="utf-8")
    found = environment.read(
        str(config), must_exist=True, variables={"GEMINI_API_KEY": "k"}, file=str(tmp_path / "no")
    )
    assert found.for_monitor(2).gemini.gemini_key.reveal() == "k"
    assert found.for_monitor(2).snapshots.snapshot_classes == ("human",)
    assert found.general.snapshots.snapshot_classes == ()
