"""What really is sent is in tests/integration/test_notify.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.cli import notify
from zmhook.cli.main import COMMANDS
from zmhook.errors import SettingsError


@pytest.fixture
def config(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "objectconfig.ini"
        path.write_text(f"[general]\nbase_data_path = {tmp_path}\n{text}", encoding="utf-8")
        return str(path)

    return write


def test_it_is_a_command() -> None:
    assert COMMANDS["notify"][0] == notify.__name__


def test_no_channel_is_configured(config, capsys) -> None:
    assert notify.main(["test", "-c", config("")]) == notify.NOTHING_SET
    assert "[notify] has no channel: set notify_mqtt" in capsys.readouterr().err


def test_each_one_is_told_and_the_others_go_on(config, endpoint, capsys) -> None:
    endpoint.answers.append((500, {}, b""))
    text = (
        f"[notify]\nnotify_webhook = {endpoint.url}/k3y\nnotify_apprise = json://{endpoint.place}"
    )
    assert notify.main(["test", "-c", config(text)]) == notify.SOME_FAILED
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["failed", "webhook:"],
        ["sent", "apprise"],
    ]
    assert "k3y" not in out
    assert notify.main(["test", "-c", config(text)]) == notify.ALL_WORKED


def test_as_a_monitor(config, endpoint) -> None:
    text = f"[monitor-4]\nnotify_webhook = {endpoint.url}/four\n"
    assert notify.main(["test", "-c", config(text)]) == notify.NOTHING_SET
    assert notify.main(["test", "-c", config(text), "--monitor", "4"]) == notify.ALL_WORKED
    assert b'"monitor_id":4' in endpoint.got[0].body


def test_a_configuration_that_is_wrong(config) -> None:
    with pytest.raises(SettingsError):
        notify.main(["test", "-c", config("[notify]\nnotify_max_tries = many\n")])
