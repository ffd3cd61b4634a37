"""The folder of fitted networks: what is ready, what is needed."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from zmhook.detectors.yolo.fitted_files import (
    VERSION,
    FittedFiles,
    FittedSize,
    Record,
    any_needed,
    folder_of,
)
from zmhook.settings import General

SHA = "a" * 64
WIDE, TALL = (640, 384), (384, 640)


@pytest.fixture
def files(tmp_path: Path) -> FittedFiles:
    weights = tmp_path / "net.onnx"
    weights.write_bytes(b"network")
    (tmp_path / "cache").mkdir()
    return FittedFiles(tmp_path / "cache" / "fitted", weights)


def record(files: FittedFiles, version: int = VERSION, **sizes: FittedSize) -> Record:
    files.folder.mkdir(exist_ok=True)
    named = {name[1:]: size for name, size in sizes.items()}
    made = Record(version, SHA, 640, 640, named)
    (files.folder / f"{files.key}.json").write_bytes(msgspec.json.encode(made))
    return made


def test_nothing_is_known_at_first(files: FittedFiles):
    assert files.record is None
    assert files.latest() is None
    assert files.needed() == []


def test_a_file_of_the_recorded_length_is_ready(files: FittedFiles):
    known = record(files, _640x384=FittedSize(4))
    assert files.fitted(known, WIDE) is None
    path = files.path_of(SHA, WIDE)
    path.write_bytes(b"good")
    ready = files.fitted(known, WIDE)
    assert ready is not None
    assert (ready.path, ready.size) == (path, WIDE)
    path.write_bytes(b"goo")
    assert files.fitted(known, WIDE) is None


def test_another_file_in_its_place_is_another(files: FittedFiles):
    known = record(files, _640x384=FittedSize(4))
    path = files.path_of(SHA, WIDE)
    path.write_bytes(b"good")
    before = files.fitted(known, WIDE)
    (files.folder / "new").write_bytes(b"also")
    (files.folder / "new").replace(path)
    assert files.fitted(known, WIDE) not in (None, before)


def test_what_was_refused_is_not_ready_and_not_needed_again(files: FittedFiles):
    known = record(files, _640x384=FittedSize(refused="it is odd"))
    files.path_of(SHA, WIDE).write_bytes(b"")
    assert files.fitted(known, WIDE) is None
    files.need(WIDE)
    assert files.needed() == []


def test_a_network_that_takes_every_size_needs_no_file(files: FittedFiles, tmp_path: Path):
    known = record(files, _640x384=FittedSize())
    ready = files.fitted(known, WIDE)
    assert ready is not None
    assert ready.path == tmp_path / "net.onnx"


def test_the_one_used_last_comes_first(files: FittedFiles):
    record(files, _640x384=FittedSize(1), _384x640=FittedSize(1), _640x288=FittedSize())
    for size, when in ((WIDE, 100), (TALL, 200)):
        files.path_of(SHA, size).write_bytes(b"x")
        os.utime(files.path_of(SHA, size), (when, when))
    latest = files.latest()
    assert latest is not None
    assert latest.size == TALL
    wide = files.fitted(record(files, _640x384=FittedSize(1), _384x640=FittedSize(1)), WIDE)
    assert wide is not None
    files.used(wide)
    latest = files.latest()
    assert latest is not None
    assert latest.size == WIDE


def test_a_record_is_that_of_the_file_as_it_is(files: FittedFiles, tmp_path: Path):
    record(files, _640x384=FittedSize())
    assert files.record is not None
    (tmp_path / "net.onnx").write_bytes(b"another network")
    assert files.record is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"x" * 100_000, b'{"version": 1}'])
def test_a_damaged_record_is_none(files: FittedFiles, content: bytes):
    files.folder.mkdir()
    (files.folder / f"{files.key}.json").write_bytes(content)
    assert files.record is None


def test_a_record_of_another_version_is_none(files: FittedFiles):
    record(files, VERSION + 1, _640x384=FittedSize())
    assert files.record is None


def test_what_is_needed_is_kept_until_it_is_done(files: FittedFiles, tmp_path: Path):
    general = General(base_data_path=str(tmp_path))
    assert folder_of(general) == files.folder
    files.need(WIDE)
    files.need(TALL)
    files.need(TALL)
    assert sorted(files.needed()) == sorted([WIDE, TALL])
    assert len(any_needed(general)) == 2
    files.done(WIDE)
    assert files.needed() == [TALL]


def test_a_folder_that_cannot_be_written_to_wants_nothing(tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "cache").write_bytes(b"a file in its place")
    files = FittedFiles(tmp_path / "cache" / "fitted", tmp_path / "net.onnx")
    files.need(WIDE)
    assert files.needed() == []
    assert any_needed(General(base_data_path=str(tmp_path))) == frozenset()
