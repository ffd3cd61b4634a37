"""`zmhook snapshots COMMAND`."""

from __future__ import annotations

from importlib import import_module

import pytest

from zmhook.cli import snapshots

COMMANDS = ("run", "status", "list", "show", "export")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        snapshots.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: zmhook snapshots {command}" in capsys.readouterr().out


def test_the_script_has_its_own_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["/opt/zmhook/bin/zm_snapshots.py"])
    with pytest.raises(SystemExit):
        snapshots.main(["run", "--help"])
    assert "usage: zm_snapshots.py [-h]" in capsys.readouterr().out


def test_arguments_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("zmhook.cli.snapshots_run")
    monkeypatch.setattr(
        module, "run", lambda args: 7 if (args.topic, args.check) == ("t", True) else 0
    )
    assert snapshots.main(["run", "-t", "t", "--check"]) == 7


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        snapshots.main(["lst"])
    assert ended.value.code == 2
    assert "did you mean 'list'?" in capsys.readouterr().err
