from __future__ import annotations

import os
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameNotNeeded, FrameUnavailable, PictureError
from zmhook.frames.base import waited_for
from zmhook.frames.file import FileSource, read
from zmhook.storage import regular

LIMIT = 50_000_000


def test_its_picture_in_the_place_of_the_first_frame(photo) -> None:
    source = FileSource(photo("dog.jpg"), LIMIT)
    snapshot = waited_for(source, "snapshot", Deadline(5))
    with pytest.raises(FrameNotNeeded, match=r"7: .*dog\.jpg has been looked at"):
        waited_for(source, "7", Deadline(5))
    assert snapshot.id == "file"
    assert snapshot.origin == str(photo("dog.jpg"))
    assert snapshot.data == photo("dog.jpg").read_bytes()
    source.close()
    source.close()


def said(path: Path | str) -> tuple[str, bool]:
    with pytest.raises(FrameUnavailable) as caught:
        read(Path(path))
    assert "\n" not in str(caught.value)
    return str(caught.value), caught.value.retry


def test_missing(tmp_path: Path) -> None:
    assert said(tmp_path / "no.jpg") == (f"{tmp_path}/no.jpg: there is no such file", True)


def test_folder(tmp_path: Path) -> None:
    text, retry = said(tmp_path)
    assert text.startswith(f"{tmp_path}: is a folder: name a picture in it")
    assert not retry


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "p.jpg"
    file.write_bytes(b"x")
    if os.geteuid():
        file.chmod(0)
    else:  # nothing is forbidden to root

        def refuse(*_: object, **__: object) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(regular, "read", refuse)
    text, retry = said(file)
    assert text.startswith(f"{file}: no permission to read it: run as a user who may")
    assert not retry


def test_what_would_be_read_for_ever() -> None:
    assert said("/dev/zero")[0] == "/dev/zero: is not a regular file"


def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert said(tmp_path / "pipe")[0].endswith("is not a regular file")


def test_too_big(tmp_path: Path) -> None:
    file = tmp_path / "big.jpg"
    with file.open("wb") as out:
        out.truncate(300 * 1024 * 1024)
    assert "has 314572800 bytes; at most" in said(file)[0]


def test_name_that_no_file_can_have() -> None:
    assert "cannot be read" in said("a\0b")[0]
    assert "cannot be read" in said("x" * 5000)[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "is empty"), (b"<html><title>Hello</title>", "got 26 bytes of HTML")],
)
def test_not_a_picture(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "p.jpg"
    file.write_bytes(data)
    with pytest.raises(PictureError, match=says):
        waited_for(FileSource(file, LIMIT), "snapshot", Deadline(5))


def test_no_time_left(photo) -> None:
    with pytest.raises(DeadlineExceeded, match=r"dog\.jpg"):
        waited_for(FileSource(photo("dog.jpg"), LIMIT), "snapshot", Deadline(0))
