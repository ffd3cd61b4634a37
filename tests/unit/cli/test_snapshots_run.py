"""`zmhook snapshots run`: its arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.cli import snapshots, snapshots_run
from zmhook.errors import SettingsError
from zmhook.settings import Settings


def settings(*argv: str) -> Settings:
    return snapshots_run.settings_of(snapshots.make_parser().parse_args(["run", *argv])).general


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(snapshots_run, "CONFIG", str(tmp_path / "objectconfig.ini"))
    monkeypatch.delenv("ZMHOOK_CONFIG", raising=False)


@pytest.mark.parametrize(
    "argv",
    [
        "-k K -u U -p P -b B -t T -s S",
        "--api-key=K --broker-user=U --broker-password=P --broker=B --topic=T --storage=S",
        "--api_key=K --mqtt_username=U --mqtt_password=P --mqtt_host=B --mqtt_topic=T --storage=S",
    ],
)
def test_flags_and_their_earlier_spellings(argv: str) -> None:
    found = settings(*argv.split())
    mqtt = found.mqtt
    assert (mqtt.mqtt_user, mqtt.mqtt_password.reveal(), mqtt.mqtt_host) == ("U", "P", "B")
    assert (mqtt.mqtt_topic, found.snapshots.snapshot_path) == (("T",), "S")
    assert found.gemini.gemini_key.reveal() == "K"


def test_a_configuration_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert settings().mqtt.mqtt_port == 0
    (tmp_path / "objectconfig.ini").write_text("[mqtt]\nmqtt_port = 5\n")
    assert settings().mqtt.mqtt_port == 5
    assert settings("-O", "mqtt.mqtt_port=6").mqtt.mqtt_port == 6


def test_one_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError):
        settings("-c", "nowhere.ini")
    monkeypatch.setenv("ZMHOOK_CONFIG", "nowhere.ini")
    with pytest.raises(SettingsError):
        settings()


def test_what_is_secret_in_the_arguments() -> None:
    argv = ["-k", "K", "-p", "P", "-O", "mqtt.mqtt_password=Q", "-O", "mqtt.mqtt_port=5"]
    argv += ["-O", "monitor-1.gemini_key=R"]
    args = snapshots.make_parser().parse_args(["run", *argv])
    assert snapshots_run.secret_arguments(args) == ["K", "P", "Q", "R"]


def test_another_file_with_the_earlier_names(tmp_path: Path) -> None:
    (tmp_path / "other.env").write_text("MQTT_HOST=other\n")
    assert settings("--environment", "other.env").mqtt.mqtt_host == "other"
