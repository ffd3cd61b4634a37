from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.frames.keep import keep
from zmhook.settings import General, Settings
from zmhook.storage import atomic

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
