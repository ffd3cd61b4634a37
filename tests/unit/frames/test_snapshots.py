"""Which snapshots an event is given, and how long it waits for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.errors import (
    DeadlineExceeded,
    FrameNotNeeded,
    FrameUnavailable,
    PictureError,
)
from zmhook.event import Event
from zmhook.frames import snapshots as module
from zmhook.frames.base import waited_for
from zmhook.frames.portal import EventRows
from zmhook.frames.snapshots import SnapshotFrames, best_tracks
from zmhook.frames.window import EventWindow
from zmhook.settings import General, Settings, Snapshots
from zmhook.snapshots.snapshot import Classification, SceneBox
from zmhook.snapshots.store.store import Store

TAKEN = 1_753_800_000.0
EVENT = Event(id=7, monitor_id=1, asked=TAKEN)
OVER = EventWindow(TAKEN - 5, TAKEN + 5)
GOES_ON = EventWindow(TAKEN - 5, None)


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> Callable[[EventWindow], None]:
    """Say when the event was."""

    def set_window(window: EventWindow) -> None:
        monkeypatch.setattr(module, "window_of", lambda *_: window)

    set_window(OVER)
    return set_window


@pytest.fixture
def frames(tmp_path: Path) -> Iterator[Callable[..., SnapshotFrames]]:
    """Make the source of an event; `more` are settings."""
    sources: list[SnapshotFrames] = []

    def make(event: Event = EVENT, pattern: str = ".*", **more: object) -> SnapshotFrames:
        given = {
            "frame_source": "snapshots",
            "snapshot_path": str(tmp_path / "snapshots"),
            "snapshot_wait": 0.0,
            **more,
        }
        settings = Settings(
            general=General(detect_pattern=pattern, max_picture_pixels=10_000),
            snapshots=Snapshots(**given),
        )
        sources.append(SnapshotFrames(event, settings, EventRows(event, None)))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def numbers(source: SnapshotFrames) -> list[int]:
    """Return the numbers of the snapshots that are given, in order."""
    found = []
    for frame_id in ("track", "track2", "track3"):
        try:
            picture = waited_for(source, frame_id, Deadline(5))
        except (FrameNotNeeded, FrameUnavailable):
            break
        assert picture.id == frame_id
        found.append(int(Path(picture.origin).name.split("_")[1]))
    return found


# -- which ---------------------------------------------------------------------------------------


def test_a_snapshot_is_a_part_of_the_scene(
    frames, snapshots, make_snapshot, make_picture, tmp_path
) -> None:
    (row,) = snapshots(
        make_snapshot(picture=make_picture(80, 60), box=SceneBox(0.3, 0.5, 0.4, 0.7))
    )
    source = frames()

    picture = waited_for(source, "track", Deadline(5))

    assert picture.id == "track"
    assert picture.data == make_picture(80, 60)
    assert picture.origin == str(tmp_path / "snapshots" / row.file)
    assert picture.crop is not None
    assert (picture.crop.width, picture.crop.height) == (320, 240)
    assert picture.crop.box == Box(80, 120, 160, 180)
    assert picture.crop.source is not None
    assert (picture.crop.source.label, picture.crop.source.box) == (
        "person",
        Box(96, 120, 128, 168),
    )
    assert source.has_answered
    source.close()
    source.close()


def test_the_events_size_is_the_scenes(frames, snapshots, make_snapshot, window) -> None:
    snapshots(make_snapshot())
    window(OVER._replace(width=640, height=480))
    picture = waited_for(frames(), "track", Deadline(5))
    assert picture.crop is not None
    assert (picture.crop.width, picture.crop.height) == (640, 480)


def test_the_best_comes_first(frames, snapshots, make_snapshot, make_picture) -> None:
    rows = snapshots(
        make_snapshot("car", label="Car", score=0.99),
        make_snapshot("weak", score=0.3),
        make_snapshot("small", score=0.7, picture=make_picture(40, 30, 1)),
        make_snapshot("large", score=0.7, picture=make_picture(80, 60, 2)),
        make_snapshot("unknown", label="", score=None),
    )
    assert numbers(frames(pattern="person")) == [rows[i].number for i in (3, 2, 1)]
    assert numbers(frames(pattern="car")) == [rows[i].number for i in (0, 4, 3)]
    assert numbers(frames()) == [rows[i].number for i in (0, 3, 2)]


def test_each_track_once_by_its_best(frames, snapshots, make_snapshot, make_picture) -> None:
    rows = snapshots(
        make_snapshot("a", score=0.5, picture=make_picture(shade=1)),
        make_snapshot("a", score=0.9, picture=make_picture(shade=2)),
        make_snapshot("a", channel=2, score=0.4, picture=make_picture(shade=3)),
        make_snapshot("a", camera="back", score=0.3, picture=make_picture(shade=4)),
    )
    assert numbers(frames()) == [rows[i].number for i in (1, 2, 3)]


def test_as_many_as_are_wanted(frames, snapshots, make_snapshot) -> None:
    snapshots(*(make_snapshot(f"t{i}") for i in range(5)))
    assert len(numbers(frames(snapshot_frames=3))) == 3
    source = frames(snapshot_frames=1)
    assert len(numbers(source)) == 1


@pytest.mark.parametrize("label", ["Head", "LicensePlate", "Face"])
def test_a_part_never_stands_for_the_object(label: str, frames, snapshots, make_snapshot) -> None:
    _, person = snapshots(
        make_snapshot("part", label=label, score=1.0),
        make_snapshot("whole", label="Human", score=0.1),
    )
    assert numbers(frames()) == [person.number]


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        (-30.0, -8.0, False),
        (-30.0, -6.5, True),  # within the margin
        (-6.0, -5.5, True),
        (0.0, 1.0, True),
        (-60.0, 60.0, True),
        (6.5, 30.0, True),
        (7.5, 30.0, False),
    ],
)
def test_the_track_overlaps_the_event(
    begin: float, end: float, found: bool, frames, snapshots, make_snapshot
) -> None:
    snapshots(make_snapshot(start=TAKEN + begin, end=TAKEN + end))
    assert len(numbers(frames(snapshot_margin=2.0))) == found


def test_the_snapshots_of_another_monitor(frames, snapshots, make_snapshot) -> None:
    snapshots(make_snapshot(monitor_id=2), make_snapshot("none", monitor_id=None))
    assert numbers(frames()) == []
    assert len(numbers(frames(Event(id=7, monitor_id=2)))) == 1


def test_it_gives_the_same_whatever_comes_later(frames, snapshots, make_snapshot) -> None:
    snapshots(make_snapshot("a", score=0.5))
    source = frames()
    assert len(numbers(source)) == 1
    snapshots(make_snapshot("b", score=0.9))
    assert len(numbers(source)) == 1
    assert len(numbers(frames())) == 2


def test_a_pattern_of_the_models_names(make_snapshot, snapshots) -> None:
    """`Bike` is what the camera says, `bicycle` what the pattern does."""
    rows = snapshots(make_snapshot("a", label="Car", score=0.9), make_snapshot("b", label="Bike"))
    assert [row.track_id for row in best_tracks(rows, "bicycle")] == ["b", "a"]


def test_an_index_that_stays_away(frames, window, tmp_path: Path) -> None:
    window(GOES_ON)
    folder = tmp_path / "snapshots"
    Store.open(folder).close()
    source = frames(snapshot_wait=0.1)
    assert source.must_wait(Deadline(60))
    for file in folder.glob("index.sqlite*"):
        file.unlink()
    assert str(folder) in why(source)


# -- none ----------------------------------------------------------------------------------------


def why(source: SnapshotFrames, frame_id: str = "track") -> str:
    with pytest.raises((FrameUnavailable, FrameNotNeeded)) as caught:
        waited_for(source, frame_id, Deadline(5))
    assert "\n" not in str(caught.value)
    assert not source.has_answered
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.mark.parametrize("mode", ["snapshots", "both", "fallback"])
def test_there_is_no_store(mode: str, frames, tmp_path: Path) -> None:
    source = frames(frame_source=mode)
    said = why(source)
    assert said.startswith(f"FrameUnavailable: {tmp_path}/snapshots: ")
    assert "snapshot_path" in said
    assert "zmhook snapshots run" in said
    assert why(source, "track2").startswith("FrameNotNeeded: ")


def test_the_index_is_damaged(frames, snapshots, make_snapshot, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    folder.mkdir()
    (folder / "index.sqlite").write_bytes(b"no database" * 1000)
    assert why(frames()).startswith(f"FrameUnavailable: {folder}")


def test_no_snapshot_where_nothing_else_is_looked_at(frames, snapshots, tmp_path: Path) -> None:
    snapshots()
    source = frames()
    said = why(source)
    assert said.startswith("FrameUnavailable: the camera sent no snapshot of the event: ")
    assert f"{tmp_path}/snapshots" in said
    assert "snapshot_wait" in said
    assert why(source, "track2").startswith("FrameNotNeeded: ")


@pytest.mark.parametrize("mode", ["both", "fallback"])
def test_no_snapshot_where_there_are_other_pictures(mode: str, frames, snapshots) -> None:
    snapshots()
    assert why(frames(frame_source=mode)).startswith("FrameNotNeeded: track: the camera sent no")


def test_no_further_snapshot(frames, snapshots, make_snapshot) -> None:
    snapshots(make_snapshot())
    source = frames()
    waited_for(source, "track", Deadline(5))
    with pytest.raises(FrameNotNeeded, match="track2: the camera sent no further"):
        waited_for(source, "track2", Deadline(5))


def test_without_a_monitor(frames, snapshots, make_snapshot) -> None:
    snapshots(make_snapshot())
    assert "--monitor" in why(frames(Event(id=7)))


def test_a_picture_that_was_deleted(frames, snapshots, make_snapshot, tmp_path: Path) -> None:
    (row,) = snapshots(make_snapshot())
    (tmp_path / "snapshots" / row.file).unlink()
    assert f"{row.file}: there is no such file" in why(frames())


def test_a_picture_with_too_many_pixels(frames, snapshots, make_snapshot, make_picture) -> None:
    snapshots(make_snapshot(picture=make_picture(200, 200)))
    source = frames()
    with pytest.raises(PictureError, match="max_picture_pixels"):
        waited_for(source, "track", Deadline(5))
    assert not source.has_answered


# -- waiting -------------------------------------------------------------------------------------


def test_it_waits_for_the_first(frames, snapshots, make_snapshot, window) -> None:
    window(GOES_ON)
    snapshots()
    source = frames(snapshot_wait=30.0)
    assert source.must_wait(Deadline(60))
    assert source.must_wait(Deadline(60))

    writer = threading.Timer(0.2, lambda: snapshots(make_snapshot(taken=time.time())))
    writer.start()
    picture = waited_for(source, "track", Deadline(60))
    writer.join()

    assert picture.crop is not None
    assert not source.must_wait(Deadline(60))


def test_a_track_that_has_not_ended_counts_at_once(
    frames, snapshots, make_snapshot, window
) -> None:
    window(GOES_ON)
    snapshots(make_snapshot(ended=False, end=None))
    source = frames(snapshot_wait=30.0)
    assert not source.must_wait(Deadline(60))
    assert len(numbers(source)) == 1


def test_what_comes_for_others_ends_no_wait(frames, snapshots, make_snapshot, window) -> None:
    window(GOES_ON)
    snapshots()
    source = frames(snapshot_wait=30.0)
    assert source.must_wait(Deadline(60))
    snapshots(make_snapshot(monitor_id=2), make_snapshot("head", label="Head"))
    assert source.must_wait(Deadline(60))


def test_another_class_ends_no_wait_and_is_given_in_the_end(
    frames, snapshots, make_snapshot, window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window(GOES_ON)
    snapshots(make_snapshot(label="Car"))
    source = frames(pattern="person", snapshot_wait=30.0)
    assert source.must_wait(Deadline(60))
    assert source.must_wait(Deadline(60))
    late = time.monotonic() + 31
    monkeypatch.setattr(module.time, "monotonic", lambda: late)
    assert not source.must_wait(Deadline(60))
    assert numbers(source) == [0]
    assert not source.has_answered


@pytest.mark.parametrize("label", ["Human", ""])
def test_what_may_be_wanted_ends_the_wait(
    label: str, frames, snapshots, make_snapshot, window
) -> None:
    window(GOES_ON)
    snapshots(make_snapshot(label="Car"), make_snapshot("other", label=label))
    source = frames(pattern="person", snapshot_wait=30.0)
    assert not source.must_wait(Deadline(60))
    assert numbers(source) == [1, 0]
    assert source.has_answered


def test_the_index_is_asked_only_when_it_changed(
    frames, snapshots, make_snapshot, window, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zmhook.snapshots.store.index import Index

    asked = []
    real = Index.overlapping

    def spy(self: Index, *span: float) -> object:
        asked.append(span)
        return real(self, *span)

    monkeypatch.setattr(Index, "overlapping", spy)
    window(GOES_ON)
    snapshots()
    source = frames(snapshot_wait=30.0)
    assert all(source.must_wait(Deadline(60)) for _ in range(5))
    assert len(asked) == 1
    snapshots(make_snapshot())
    assert not source.must_wait(Deadline(60))
    assert len(asked) == 2


def test_a_wait_that_is_over(frames, snapshots, window) -> None:
    window(GOES_ON)
    snapshots()
    source = frames(snapshot_wait=0.15)
    assert source.must_wait(Deadline(60))
    with pytest.raises(FrameUnavailable, match="sent no snapshot"):
        waited_for(source, "track", Deadline(60))
    assert not source.must_wait(Deadline(60))


def test_an_event_that_was_over_long_ago_waits_for_nothing(frames, snapshots) -> None:
    snapshots()
    assert not frames(snapshot_wait=300.0).must_wait(Deadline(600))


def test_an_event_that_is_just_over_still_waits(frames, snapshots, window) -> None:
    snapshots()
    window(EventWindow(time.time() - 20, time.time() - 1))
    assert frames(snapshot_wait=30.0).must_wait(Deadline(60))


def test_some_of_the_events_time_is_left_for_looking(frames, snapshots, window) -> None:
    window(GOES_ON)
    snapshots()
    deadline = Deadline(1.0)
    with pytest.raises(FrameUnavailable):
        waited_for(frames(snapshot_wait=300.0), "track", deadline)
    assert deadline.left() > 0


def test_no_time_is_left(frames, snapshots) -> None:
    snapshots()
    with pytest.raises(DeadlineExceeded, match="waiting for a snapshot"):
        waited_for(frames(), "track", Deadline(0))


def test_a_store_that_is_made_anew_while_waiting(
    frames, make_snapshot, window, tmp_path: Path
) -> None:
    """Its index is lost, and made again from the files."""
    window(GOES_ON)
    folder = tmp_path / "snapshots"
    Store.open(folder).close()
    source = frames(snapshot_wait=30.0)
    assert source.must_wait(Deadline(60))
    for file in folder.glob("index.sqlite*"):
        file.unlink()
    assert source.must_wait(Deadline(60))
    assert source.must_wait(Deadline(60))
    with Store.open(folder) as store:
        store.add([make_snapshot()])
        assert len(numbers(source)) == 1


def test_any_thread_may_ask(frames, snapshots, make_snapshot, window) -> None:
    """The service looks from one thread and fetches from another."""
    window(GOES_ON)
    snapshots()
    source = frames(snapshot_wait=30.0)
    assert source.must_wait(Deadline(60))
    snapshots(make_snapshot(classes=(Classification("Human", 0.8),)))
    given = []
    thread = threading.Thread(
        target=lambda: given.append(waited_for(source, "track", Deadline(60)))
    )
    thread.start()
    thread.join()
    assert len(given) == 1
    source.close()
