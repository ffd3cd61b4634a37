"""An event's row, as versions of ZoneMinder tell it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from zmhook.zoneminder.event_row import event_row, is_of

BEGAN = 1_753_800_000
NEVER_NULL = "2025-07-29 16:00:00"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set this machine's zone."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("row", "is_over"),
    [
        ({"EndDateTime": None, "EndTime": NEVER_NULL}, False),  # 1.38.3 and newer
        ({"EndDateTime": "", "EndTime": NEVER_NULL}, False),
        ({"EndDateTime": "0000-00-00 00:00:00", "EndTime": NEVER_NULL}, False),
        ({"EndDateTime": NEVER_NULL, "EndTime": NEVER_NULL}, True),
        ({"EndDateTime": None, "EndTime": None}, False),  # 1.36
        ({"EndTime": NEVER_NULL}, False),  # nobody tells its end
        ({}, False),
    ],
)
def test_only_its_end_date_tells_whether_it_is_over(row: dict[str, Any], is_over: bool) -> None:
    found = event_row({"Id": 7, "StartDateTime": "2025-07-29 15:59:00", **row})
    assert found.is_over is is_over
    assert (found.ended is None) is not is_over


@pytest.mark.parametrize(("end", "is_over"), [(None, False), (NEVER_NULL, True)])
def test_versions_before_1_35_have_an_end_time_alone(end: str | None, is_over: bool) -> None:
    found = event_row({"Id": 7, "StartTime": "2025-07-29 15:59:00", "EndTime": end})
    assert (found.is_over, found.started is None) == (is_over, False)


@pytest.mark.parametrize("name", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_seconds_of_the_epoch_need_no_zone(name: str, zone) -> None:
    zone(name)
    row = {"StartDateTime": "2025-07-29 14:40:00", "StartTimeSecs": BEGAN}
    found = event_row({"Id": 7, **row, "EndTimeSecs": BEGAN + 9, "EndTime": NEVER_NULL})
    assert (found.started, found.ended, found.is_exact) == (BEGAN, None, True)
    end = {"EndDateTime": "2025-07-29 14:40:09", "EndTimeSecs": str(BEGAN + 9)}
    found = event_row({"Id": 7, **row, **end})
    assert (found.started, found.ended, found.is_exact) == (BEGAN, BEGAN + 9, True)


def test_without_them_local_time_is_taken_for_ours(zone) -> None:
    zone("America/New_York")
    row = {"StartDateTime": "2025-07-29 10:40:00", "EndDateTime": "2025-07-29 10:40:09"}
    found = event_row({"Id": 7, **row})
    assert (found.started, found.ended, found.is_exact) == (BEGAN, BEGAN + 9, False)


def test_an_end_that_is_told_as_local_time_alone(zone) -> None:
    zone("UTC")
    row = {"StartDateTime": "2025-07-29 10:40:00", "EndDateTime": "2025-07-29 10:40:09"}
    assert event_row({"Id": 7, **row, "StartTimeSecs": BEGAN}).ended == BEGAN + 9


@pytest.mark.parametrize("odd", [None, "", "0", 0, -5, "soon", True, [], 1e300, "nan", "9" * 400])
def test_seconds_that_are_none(odd: object) -> None:
    found = event_row({"Id": 7, "StartTimeSecs": odd, "StartDateTime": "2025-07-29 10:40:00"})
    assert found.started is not None
    assert not found.is_exact


@pytest.mark.parametrize(
    ("told", "folder"),
    [
        ("/events/3/2025-07-29/7", "/events/3/2025-07-29/7"),
        ("/events//3/7", "/events/3/7"),
        ("/events/3/25/07/29/10/40/00", "/events/3/25/07/29/10/40/00"),
        ("/var/cache/zoneminder/events//", ""),  # the root of all events
        ("/var/cache/zoneminder/events/", ""),
        ("events/3/7", ""),
        ("/events/3/../../7", ""),
        ("/events/3/\0", ""),
        ("", ""),
        (None, ""),
        (["/events/3/7"], ""),
    ],
)
def test_the_folder_is_the_events_own(told: object, folder: str) -> None:
    assert event_row({"Id": 7, "MonitorId": 3, "FileSystemPath": told}).folder == folder


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("incomplete.h264.mp4", "incomplete.h264.mp4"),
        ("7-video.hevc.mkv", "7-video.hevc.mkv"),
        ("../../etc/passwd", ""),
        ("..", ""),
        (None, ""),
    ],
)
def test_the_name_of_its_film_is_a_name(told: object, name: str) -> None:
    assert event_row({"Id": 7, "DefaultVideo": told}).default_video == name


@pytest.mark.parametrize("kind", [str, int])
def test_figures_come_as_text_or_as_numbers(kind: type) -> None:
    told = {"Id": kind(7), "MonitorId": kind(3), "Frames": kind(48), "Length": "9.60"}
    found = event_row({**told, "AlarmFrameId": kind(5), "MaxScoreFrameId": None})
    assert (found.id, found.monitor_id, found.frames, found.length) == (7, 3, 48, 9.6)
    assert (found.alarm_frame, found.best_frame) == (5, 0)


@pytest.mark.parametrize(
    ("row", "is_its"),
    [
        ({"Id": 7}, True),
        ({"Id": "7"}, True),
        ({"Id": 8}, False),
        ({"Id": None}, False),
        ({}, False),
    ],
)
def test_whose_row_it_is(row: dict[str, Any], is_its: bool) -> None:
    assert is_of(row, 7) == is_its
