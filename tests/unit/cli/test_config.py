from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.cli.config import check, main
from zmhook.settings.reference import reference


def test_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference"]) == 0
    assert capsys.readouterr().out == reference()


def test_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[general]\nmodels=hog\nversion=6\n[monitor-3]\n")
    assert main(["check", "-c", str(path), "-O", "general.wait=1"]) == 0
    assert capsys.readouterr() == (
        "",
        (
            f"note: {path}: [general] version: no longer used\n"
            f"{path}: right, with settings of its own for monitor 3\n"
        ),
    )


def test_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[general]\nwait=x\nusr=1\nversion=6\n")
    assert check(str(path)) == 2
    assert capsys.readouterr() == (
        "",
        (
            f"{path}: [general] usr: unknown key; the nearest known is user\n"
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
