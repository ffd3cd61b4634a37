from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.cli.config import check, main
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
    assert (
        capsys.readouterr().err
        == f"{tmp_path}/gone.ini: cannot be read: No such file or directory\n"
    )


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
