from __future__ import annotations

import os
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.settings import inifile


def wrong(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        inifile.read(str(path))
    assert {problem.file for problem in caught.value.problems} == {str(path)}
    return [problem.message.removeprefix("cannot be read: ") for problem in caught.value.problems]


def test_values_are_taken_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(
        b"\xef\xbb\xbf[General]\r\n# a comment\r\n; another\r\n"
        b"Key = a#b%c%(d)s=e:f \"g\" 'h' \xc3\xa4 # comment\r\nempty=\r\n"
    )
    assert inifile.read(str(path)) == {
        "General": {"key": "a#b%c%(d)s=e:f \"g\" 'h' ä", "empty": ""}
    }


def test_without_inline_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[secrets]\nA=x # y\n# B=z\n")
    assert inifile.read(str(path), inline_comments=()) == {"secrets": {"a": "x # y"}}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[a]\nb=1\n\n[a]\n", "line 4: section [a] is there twice: join the two"),
        (b"[a]\nb=1\nB=2\n", "line 3: [a] b is there twice: keep one"),
        (b"password hunter2\n[a]\n", "line 1: there is text before the first [section]"),
        (b"[a]\npassword hunter2\n", "line 2: neither a section, a key = value nor a comment"),
        (b"[a]\n\nb=\xff\n", "line 3 is not UTF-8 text"),
        ("[a]\nb=1".encode("utf-16"), "it holds NUL bytes, so it is not a text file"),
        (b"#" * (1024 * 1024 + 1), "it is larger than 1 MiB"),
    ],
)
def test_not_an_ini_file(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.ini").write_bytes(data)
    assert wrong(tmp_path / "a.ini") == [reason]


def test_every_bad_line_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[a]\nhunter2\nb=1\nhunter3\n")
    assert [reason.split(":")[0] for reason in wrong(tmp_path / "a.ini")] == ["line 2", "line 4"]


def test_missing(tmp_path: Path) -> None:
    assert wrong(tmp_path / "gone.ini") == ["No such file or directory"]


def test_folder(tmp_path: Path) -> None:
    assert wrong(tmp_path) == ["Is a directory"]


def test_endless() -> None:
    assert wrong(Path("/dev/zero")) == ["is no regular file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="optional: root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "a.ini").touch(mode=0)
    assert wrong(tmp_path / "a.ini") == ["Permission denied"]


def test_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inifile, "reading", denied)
    assert wrong(tmp_path / "a.ini") == ["Permission denied"]
