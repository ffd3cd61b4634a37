from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zmhook.cli.config import check, main

PLAIN = "[general]\npassword=geheim\nwait=2\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.ini"
    path.write_text(PLAIN)
    path.chmod(0o664)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "objectconfig.ini"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_to_stdout(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old)]) == 0
    said = capsys.readouterr()
    assert "\nwait = 2\n" in said.out
    assert "note: [general] password: a plain password" in said.err
    assert "geheim" not in said.err


def test_to_a_file(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old), "-o", str(new)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith(f"{new}: written; the configuration is valid\n")
    assert (check(str(new)), mode(new)) == (0, 0o660), "it holds a password"


def test_with_a_secrets_file(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = new.with_name("secrets.ini")
    assert main(["migrate", str(old), "-o", str(new), "--secrets", str(secrets)]) == 0
    assert secrets.read_text() == "[secrets]\nZM_PASSWORD=geheim\n"
    assert (mode(secrets), mode(new)) == (0o640, 0o664)
    assert "geheim" not in new.read_text() + capsys.readouterr().err
    assert check(str(new)) == 0


def test_a_secrets_file_stays_as_closed_as_it_was(old: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.ini"
    secrets.write_text("[secrets]\nA=1\n")
    secrets.chmod(0o600)
    assert main(["migrate", str(old), "--secrets", str(secrets)]) == 0
    assert secrets.read_text() == "[secrets]\nZM_PASSWORD=geheim\nA=1\n"
    assert mode(secrets) == 0o600


def test_the_files_belong_to_whom_the_old_one_belongs_to(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(os, "fchown", lambda _, *given: asked.append(given))
    monkeypatch.setattr(os, "chown", lambda *_: pytest.fail("a name may lead elsewhere by now"))
    assert main(["migrate", str(old), "-o", str(new)]) == 0
    assert asked == [(old.stat().st_uid, old.stat().st_gid)]


def test_who_may_not_give_it_away_keeps_it(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    assert main(["migrate", str(old), "-o", str(new)]) == 0


def test_what_is_there_is_not_replaced(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new.write_text("mine")
    assert main(["migrate", str(old), "-o", str(new)]) == 2
    assert capsys.readouterr().err == f"{new}: already exists; --force overwrites it\n"
    assert new.read_text() == "mine"
    assert main(["migrate", str(old), "-o", str(new), "--force"]) == 0
    assert check(str(new)) == 0


def test_the_old_file_is_never_replaced(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old), "-o", str(old), "--force"]) == 2
    assert "cannot overwrite the file being read" in capsys.readouterr().err
    assert old.read_text() == PLAIN


def test_secrets_are_no_yaml(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old), "--secrets", "s.yml"]) == 2
    assert "the secrets file must be an ini file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["old.ini", "old.yml"])
def test_no_such_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(tmp_path / name)]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_folder_that_is_not_there(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(old), "-o", str(old.parent / "no" / "new.ini")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_without_pyyaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "old.yml").write_text("general: {}\n")
    assert main(["migrate", str(tmp_path / "old.yml")]) == 2
    assert "needs the Python package PyYAML" in capsys.readouterr().err


def test_a_result_that_cannot_be_used_yet(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old.write_text("[general]\nsecrets=none.ini\nuser=!U\n[ml]\ndisable_locks=no\n")
    assert main(["migrate", str(old), "-o", str(new)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("not carried over: [ml] disable_locks: not needed")
    assert lines[-1] == "the result cannot be used until this is corrected"
    assert new.exists()
