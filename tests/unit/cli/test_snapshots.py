"""`zmhook snapshots COMMAND`."""

from __future__ import annotations

from importlib import import_module

import pytest

from zmhook.cli import snapshots


@pytest.mark.parametrize("command", snapshots.COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        snapshots.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: zmhook snapshots {command}" in capsys.readouterr().out


def test_the_help_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        snapshots.main(["--help"])
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in snapshots.COMMANDS)


def test_arguments_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    module = import_module("zmhook.cli.snapshots_run")
    monkeypatch.setattr(module, "main", lambda argv: given.append(argv) or 7)
    assert snapshots.main(["run", "-p", "-x", "--check", "y"]) == 7
    assert given == [["-p", "-x", "--check", "y"]]


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        snapshots.main(["nope"])
    assert ended.value.code == 2
    assert "nope" in capsys.readouterr().err
