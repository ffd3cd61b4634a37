"""`zmhook config`: check, reference and migrate."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zmhook.cli.config import check, main, named_once
from zmhook.settings.reference import reference


def test_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference"]) == 0
    assert capsys.readouterr().out == reference()


def test_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[general]\nmodels=hog\nversion=6\n[monitor-3]\n")
    assert main(["check", "-c", str(path), "-O", "general.wait=1"]) == 0
    assert capsys.readouterr() == (
        "",
        (
            f"note: {path}: [general] version: no longer used\n"
            f"{path}: valid, with own settings for monitor 3\n"
        ),
    )


def test_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[general]\nwait=x\nusr=1\nversion=6\n")
    assert check(str(path)) == 2
    assert capsys.readouterr() == (
        "",
        (
            f"{path}: [general] usr: unknown key; did you mean 'user'?\n"
            f"{path}: [general] wait: 'x': expected a number from 0 to 300\n"
            f"note: {path}: [general] version: no longer used\n"
        ),
    )


def test_unknown_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[general]\nmodels=hog\n[monitor-3]\nmodels=hogg\n[monitor-4]\nmodels=hogg\n")
    assert check(str(path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: [general] models: there is no model 'hogg'; known: ")
    assert line.endswith("; did you mean 'hog'?")


def test_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(str(tmp_path / "gone.ini")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/gone.ini: there is no such file: install.sh")


def test_file_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ini").write_text("[general]\nmodels=hog\n")
    monkeypatch.setenv("ZMHOOK_CONFIG", str(tmp_path / "a.ini"))
    assert main(["check"]) == 0


def test_missing_model_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text(f"[general]\nmodels=yolo\n[yolo]\nweights={tmp_path}/w.onnx\n[monitor-3]\n")
    assert check(str(path)) == 0
    missing, valid = capsys.readouterr().err.splitlines()
    assert missing.startswith(f"missing: [yolo] weights: {tmp_path}/w.onnx does not exist")
    assert valid.startswith(f"{path}: valid")


def test_live_says_by_its_exit_code_whether_all_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ini"
    path.write_text(f"[general]\nbase_data_path={tmp_path}\nmodels=hog\n")
    assert main(["check", "-c", str(path), "--live"]) == 0
    assert "works  model hog: loaded (" in capsys.readouterr().out
    override = ["-O", "general.models=yolo", "-O", f"yolo.weights={tmp_path}/w"]
    assert main(["check", "-c", str(path), "--live", *override]) == 1
    assert "FAILS  model yolo: [yolo] weights" in capsys.readouterr().out
    path.write_text("[general]\nwait=x\n")
    assert main(["check", "-c", str(path), "--live"]) == 2


# -- migrate -------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("name", "message", "line"),
    [
        (
            "model yolo",
            "yolo: yolox_s.onnx on ONNX Runtime",
            "model yolo: yolox_s.onnx on ONNX Runtime",
        ),
        (
            "broker (monitor 2)",
            "broker h:1883: refuses us",
            "broker (monitor 2): h:1883: refuses us",
        ),
        (
            "portal",
            "https://zm/zm: ZoneMinder 1.36.33",
            "portal: https://zm/zm: ZoneMinder 1.36.33",
        ),
        ("known faces", "/x: 12 pictures", "known faces: /x: 12 pictures"),
    ],
)
def test_what_was_tried_is_named_once(name: str, message: str, line: str) -> None:
    assert named_once(name, message) == line
