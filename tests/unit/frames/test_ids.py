from __future__ import annotations

import pytest

from zmhook.frames.ids import frame_ids, is_track
from zmhook.settings import General, Settings, Snapshots


def ids(source: str, *frame_id: str, frames: int = 2) -> list[str]:
    return frame_ids(
        Settings(
            general=General(frame_id=frame_id or ("bestmatch",)),
            snapshots=Snapshots(frame_source=source, snapshot_frames=frames),
        )
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("portal", ["alarm", "snapshot"]),
        ("snapshots", ["track", "track2"]),
        ("both", ["track", "track2", "alarm", "snapshot"]),
        ("fallback", ["track", "track2", "alarm", "snapshot"]),
    ],
)
def test_the_cameras_own_come_first(source: str, expected: list[str]) -> None:
    assert ids(source) == expected


def test_as_many_as_are_wanted() -> None:
    assert ids("snapshots", frames=1) == ["track"]
    assert ids("snapshots", frames=4) == ["track", "track2", "track3", "track4"]


def test_each_once() -> None:
    assert ids("both", "alarm", "bestmatch", frames=1) == ["track", "alarm", "snapshot"]


@pytest.mark.parametrize(
    ("frame_id", "expected"),
    [("track", True), ("track12", True), ("alarm", False), ("12", False), ("", False)],
)
def test_which_is_the_cameras(frame_id: str, expected: bool) -> None:
    assert is_track(frame_id) is expected
