"""Where passwords come from."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from zmhook.cli import passwords
from zmhook.errors import CameraError
from zmhook.settings import Secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "password"


@pytest.mark.parametrize("text", ["s3cret", "s3cret\n", "s3cret\r\nmore\n"])
def test_a_file_s_first_line_is_it(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    assert passwords.find(str(file), "NOBODY_SETS_THIS", "?") == Secret("s3cret")


def test_a_file_outdoes_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "from-there")
    file.write_text("from-here")
    assert passwords.find(str(file), "A_PASSWORD", "?") == Secret("from-here")
    assert passwords.find(None, "A_PASSWORD", "?") == Secret("from-there")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed\n"))
    assert passwords.find(None, "NOBODY_SETS_THIS", "?") is None


def test_at_a_terminal_somebody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"answer to {prompt}")
    assert passwords.find(None, "NOBODY_SETS_THIS", "Who") == Secret("answer to Who: ")


@pytest.mark.parametrize("data", [b"", b"\nsecond", b"\xff\xfe"])
def test_a_file_without_password_is_told_and_not_shown(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(CameraError, match="on the first line") as caught:
        passwords.read(str(file))
    assert "second" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(CameraError, match=r"password: cannot be read"):
        passwords.read(str(file))
