from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameNotNeeded, FrameUnavailable, PictureError
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.frames.base import waited_for
from zmhook.frames.file import FileSource, keep, read
from zmhook.settings import General, Settings
from zmhook.storage import atomic, regular

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
    assert text.startswith(
        f"{file}: no permission to read it: run this with sudo, or as a user who may"
    )
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


DATA = b"\xff\xd8 as it came"


def frame(frame_id: str, data: bytes = DATA) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), frame_id, "test", data)


def settings(path: Path, *frame_id: str, **general: object) -> Settings:
    given = {"image_path": str(path), "frame_id": frame_id, "delete_after_analyze": False}
    return Settings(general=General(**{**given, **general}))


@pytest.mark.parametrize(
    ("configured", "fetched", "name"),
    [
        (("bestmatch",), "alarm", "12-alarm.jpg"),
        (("bestmatch",), "snapshot", "12-snapshot.jpg"),
        (("snapshot",), "snapshot", "12.jpg"),
        (("alarm",), "alarm", "12.jpg"),
        (("42",), "42", "12.jpg"),
        (("snapshot", "42"), "42", "12-42.jpg"),
        (("bestmatch", "42"), "alarm", "12-alarm.jpg"),
        (("snapshot",), "track", "12-track.jpg"),
        (("bestmatch",), "track2", "12-track2.jpg"),
    ],
)
def test_names(tmp_path: Path, configured: tuple[str, ...], fetched: str, name: str) -> None:
    folder = tmp_path / "images"
    assert keep(frame(fetched), Event(id=12), settings(folder, *configured)) == folder / name
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {name: DATA}


def test_nothing_is_kept_unless_wanted(tmp_path: Path) -> None:
    kept = settings(tmp_path, "snapshot")
    unwanted = settings(tmp_path, "snapshot", delete_after_analyze=True)
    assert keep(frame("snapshot"), Event(id=12), unwanted) is None
    assert keep(frame("file"), Event(id=12), kept) is None
    assert keep(frame("snapshot"), Event(), kept) is None
    assert keep(frame("snapshot", b""), Event(id=12), kept) is None
    assert list(tmp_path.iterdir()) == []


def test_the_newer_picture_replaces_the_older(tmp_path: Path) -> None:
    for data in (b"older and longer", b"newer"):
        keep(frame("snapshot", data), Event(id=12), settings(tmp_path, "snapshot"))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"newer"]


def warned(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    return record.getMessage()


def test_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    assert keep(frame("alarm"), Event(id=12), settings(tmp_path / "file", "alarm")) is None
    assert warned(caplog).startswith(f"{tmp_path}/file/12.jpg: the picture could not be kept (")
    assert "[general] image_path" in warned(caplog)


def test_disk_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "write", refuse)
    assert keep(frame("alarm"), Event(id=12), settings(tmp_path, "alarm")) is None
    assert "(No space left on device)" in warned(caplog)
