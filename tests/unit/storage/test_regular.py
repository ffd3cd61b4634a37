from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.storage import atomic, regular
from zmhook.storage.regular import discard, read


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    assert read(tmp_path / "a") == read(tmp_path / "a", 4) == b"1234"


def test_a_larger_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    with pytest.raises(OSError, match="more than 3 bytes") as refused:
        read(tmp_path / "a", 3)
    assert refused.value.errno == errno.EFBIG


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/fd", "fifo", "link"])
def test_what_is_no_file_is_refused_at_once(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match=path):
        read(tmp_path / path)


def test_discarding(tmp_path: Path) -> None:
    file, folder, full, link = (tmp_path / name for name in ("a", "b", "c", "d"))
    file.touch()
    folder.mkdir()
    (full / "x").mkdir(parents=True)
    link.symlink_to(full)
    for path in (file, folder, link, tmp_path / "nothing"):
        discard(path)
    with pytest.raises(OSError, match="not empty"):
        discard(full)
    assert list(tmp_path.iterdir()) == [full]


WEB = 12345


@pytest.fixture
def base() -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("optional: only root has to beware")
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as name:
        base = Path(name)
        (base / "roots").mkdir()
        (base / "roots" / "file").write_text("root's")
        (base / "event").mkdir()
        (base / "event" / "alarm.jpg").write_text("theirs")
        theirs(base / "event", base / "event" / "alarm.jpg")
        yield base


def theirs(*paths: Path) -> None:
    for path in paths:
        os.lchown(path, WEB, WEB)


def link(path: Path, target: Path | str, uid: int = WEB) -> Path:
    path.symlink_to(target)
    os.lchown(path, uid, uid)
    return path


def test_what_is_theirs_is_read_and_written(base: Path) -> None:
    assert regular.read_event_file(base / "event" / "alarm.jpg", 100) == b"theirs"
    atomic.write_to_event(base / "event" / "objects.json", b"{}")
    assert (base / "event" / "objects.json").read_bytes() == b"{}"
    assert [path.name for path in (base / "event").iterdir() if ".tmp" in path.name] == []


@pytest.mark.parametrize("target", ["{base}/roots", "../roots", "../event/../roots"])
def test_a_link_of_theirs_is_followed_to_nothing(target: str, base: Path) -> None:
    way = link(base / "event" / "way", target.format(base=base))
    for path in (way / "file", way / ".." / "way" / "file"):
        with pytest.raises(OSError, match=f"leads through way, a link of {WEB}'s"):
            regular.read_event_file(path, 100)
        with pytest.raises(OSError, match=f"leads through way, a link of {WEB}'s"):
            atomic.write_to_event(path, b"x")
    assert (base / "roots" / "file").read_text() == "root's"


def test_a_link_of_roots_is_followed(base: Path) -> None:
    way = link(base / "way", "roots", 0)
    assert regular.read_event_file(way / "file", 100) == b"root's"
    again = link(base / "again", way, 0)
    atomic.write_to_event(again / "file", b"new")
    assert (base / "roots" / "file").read_bytes() == b"new"


def test_links_in_a_circle_end(base: Path) -> None:
    link(base / "a", "b", 0)
    link(base / "b", "a", 0)
    with pytest.raises(OSError, match="Too many levels"):
        regular.read_event_file(base / "a" / "file", 100)


def test_a_link_in_place_of_a_file(base: Path) -> None:
    file = link(base / "event" / "snapshot.jpg", base / "roots" / "file")
    with pytest.raises(OSError, match="is a link, which root does not follow"):
        regular.read_event_file(file, 100)
    atomic.write_to_event(file, b"new")
    assert not file.is_symlink()
    assert (base / "roots" / "file").read_text() == "root's"


def test_a_second_name_of_anothers_file(base: Path) -> None:
    (base / "event" / "snapshot.jpg").hardlink_to(base / "roots" / "file")
    with pytest.raises(OSError, match="has another name elsewhere"):
        regular.read_event_file(base / "event" / "snapshot.jpg", 100)


def test_what_is_no_file_is_not_waited_for(base: Path) -> None:
    os.mkfifo(base / "event" / "snapshot.jpg")
    with pytest.raises(OSError, match="is no regular file"):
        regular.read_event_file(base / "event" / "snapshot.jpg", 100)
    with pytest.raises(NotADirectoryError):
        regular.read_event_file(base / "event" / "alarm.jpg" / "file", 100)
    with pytest.raises(OSError, match="has more than 5 bytes"):
        regular.read_event_file(base / "event" / "alarm.jpg", 5)


def test_a_library_gets_a_name_that_nobody_can_exchange(base: Path) -> None:
    file = base / "event" / "alarm.jpg"
    with regular.name_of_file(file) as name:
        file.unlink()
        link(file, base / "roots" / "file")
        assert Path(name).read_text() == "theirs"
    with pytest.raises(OSError, match="is a link"), regular.name_of_file(file):
        pass


def test_no_descriptor_stays_open(base: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    link(base / "event" / "way", base / "roots")
    for path in (base / "event" / "way" / "file", base / "event" / "none", base / "none" / "file"):
        with pytest.raises(OSError):
            regular.read_event_file(path, 100)
    regular.read_event_file(base / "event" / "alarm.jpg", 100)
    atomic.write_to_event(base / "event" / "x", b"x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
