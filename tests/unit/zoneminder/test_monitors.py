"""A monitor's size and zones: asked now and then, kept in between, done without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import LoginError, PortalError
from zmhook.settings import Gate, General, Settings
from zmhook.zoneminder.monitors import Monitor, ZmZone, monitor

ROW = {"Width": "1920", "Height": 1080, "Orientation": "ROTATE_0"}
ZONES = [
    {"Name": "Drive", "Type": "Active", "Units": "Percent", "Coords": "0,0 50,0 50,99.5"},
    {"Name": "Line", "Type": "Active", "Units": "Pixels", "Coords": "0,0 5,5"},
    {"Name": "Odd", "Type": "Active", "Units": "Pixels", "Coords": "a,b c"},
]


class Asked:
    """Stands in for the portal: remembers what it was asked."""

    row: Any = ROW
    zones_row: Any = ZONES
    calls: list[str]

    def __init__(self, _: General) -> None:
        pass

    def monitor(self, number: int, _: Deadline) -> Any:
        Asked.calls.append(f"monitor {number}")
        if isinstance(Asked.row, Exception):
            raise Asked.row
        return Asked.row

    def zones(self, number: int, _: Deadline) -> Any:
        Asked.calls.append(f"zones {number}")
        if isinstance(Asked.zones_row, Exception):
            raise Asked.zones_row
        return Asked.zones_row

    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    Asked.row, Asked.zones_row, Asked.calls = ROW, ZONES, []
    monkeypatch.setattr("zmhook.zoneminder.api.Portal", Asked)
    return Asked


def known(tmp_path: Path, **gate: object) -> Monitor | None:
    own = Gate(**{"import_zm_zones": True, **gate})
    settings = Settings(general=General(base_data_path=str(tmp_path)), gate=own)
    return monitor(3, settings, Deadline(5))


def test_size_and_zones(asked: type[Asked], tmp_path: Path) -> None:
    found = known(tmp_path)
    assert found is not None
    assert (found.width, found.height) == (1920, 1080)
    assert found.zones == (ZmZone("Drive", "Active", ((0, 0), (50, 0), (50, 99.5)), percent=True),)
    assert asked.calls == ["monitor 3", "zones 3"]


def test_they_are_kept_for_a_while(asked: type[Asked], tmp_path: Path) -> None:
    first = known(tmp_path)
    assert known(tmp_path) == first
    assert len(asked.calls) == 2
    known(tmp_path, zm_cache_time=0.0)
    assert len(asked.calls) == 4


def test_zones_are_not_asked_for_in_vain(asked: type[Asked], tmp_path: Path) -> None:
    known(tmp_path, import_zm_zones=False)
    assert asked.calls == ["monitor 3"]


def test_zones_that_are_wanted_now_are_asked_for_at_once(asked: type[Asked], tmp_path) -> None:
    known(tmp_path, import_zm_zones=False)
    found = known(tmp_path)
    assert found is not None
    assert [zone.name for zone in found.zones] == ["Drive"]


@pytest.mark.parametrize("orientation", ["ROTATE_90", "ROTATE_270", "90"])
def test_a_camera_that_is_turned(asked: type[Asked], tmp_path: Path, orientation: str) -> None:
    asked.row = {**ROW, "Orientation": orientation}
    found = known(tmp_path)
    assert found is not None
    assert (found.width, found.height) == (1080, 1920)


def test_what_is_old_is_better_than_nothing(asked: type[Asked], tmp_path: Path) -> None:
    first = known(tmp_path)
    assert first is not None
    asked.row = PortalError("down")
    later = known(tmp_path, zm_cache_time=0.0)
    assert later is not None
    assert (later.width, later.zones) == (first.width, first.zones)
    calls = len(asked.calls)
    assert known(tmp_path, zm_cache_time=0.0) == later
    assert len(asked.calls) == calls  # it failed just now, which may have taken its time


def test_an_api_that_never_answered(asked: type[Asked], tmp_path: Path, caplog) -> None:
    asked.row = PortalError("http://x: cannot be reached")
    assert known(tmp_path) is None
    assert known(tmp_path) is None
    assert asked.calls == ["monitor 3"]
    assert "monitor 3: its size and zones are not known: http://x: cannot be" in caplog.text


def test_a_damaged_file_is_asked_again(asked: type[Asked], tmp_path: Path) -> None:
    known(tmp_path)
    (tmp_path / "cache" / "zm_monitor_3.json").write_text("{")
    assert known(tmp_path) is not None
    assert len(asked.calls) == 4


# Units, Coords, and whether they are percent of the picture.
CORNERS = [
    ("Percent", "0,240 191,240 191,479 0,479", False),  # 1.36: what the thresholds are shown in
    ("Percent", "0,0 639,0 639,479 0,479", False),  # its zone All
    ("Percent", "20,300 90,300 90,400", False),  # one corner above 100 is enough
    ("Percent", "0,0 50,0 50,101", False),
    ("Pixels", "0,0 639,0, 639,479 0,479", False),
    ("Percent", "0,0 100,0 100,100 0,100", True),
    ("percent", "10,20 30,20 30,90", True),
    ("Pixels", "0,240 191,240 191,479 0,479", False),
    ("Pixels", "10,20 30,20 30,90", False),
    ("", "10,20 30,20 30,90", False),
    (None, "10,20 30,20 30,90", False),
    ("Percent", "12.50,0.00 50.00,0.00 50.00,100.00", True),  # 1.39
    ("Percent", "0.00,0.00 100.16,0.00 100.16,100.21", True),  # converted by its upgrade
    ("Pixels", "12.50,0.00 50.00,0.00 50.00,100.00", True),
    ("Percent", "-5.00,0 120.00,0 120.00,100", True),  # far beyond the picture
    ("Pixels", "-5.00,-40.00 250.00,-40.00 250.00,900.00", True),
    ("Percent", "0,0 639.00,0 639,479", True),  # one decimal point is enough
    ("Percent", "-5,0 120,0 120,100", False),
]


@pytest.mark.parametrize(("units", "coords", "percent"), CORNERS)
def test_units_do_not_tell_what_corners_are(
    asked: type[Asked], tmp_path: Path, units: object, coords: str, percent: bool
) -> None:
    row = {"Name": "Drive", "Type": "Active", "Units": units, "Coords": coords}
    asked.zones_row = [row]
    found = known(tmp_path)
    assert found is not None
    assert [zone.percent for zone in found.zones] == [percent]


@pytest.mark.parametrize("coords", ["nan,0 5,5 9,0", "0,0 inf,5 9,0", "1,2,3 4,5 6,7", "0,0 5 9,9"])
def test_corners_that_are_none(asked: type[Asked], tmp_path: Path, coords: str) -> None:
    asked.zones_row = [{"Name": "Odd", "Coords": coords}]
    found = known(tmp_path)
    assert found is not None
    assert found.zones == ()


def test_what_was_read_otherwise_is_asked_anew(asked: type[Asked], tmp_path: Path) -> None:
    first = known(tmp_path)
    kept = tmp_path / "cache" / "zm_monitor_3.json"
    kept.write_text(kept.read_text().replace("zones 3", "zones 2").replace("Drive", "Old"))
    again = known(tmp_path)
    assert first is not None
    assert again is not None
    assert again.zones == first.zones


def test_a_user_who_may_see_the_monitor_and_no_zones(asked, tmp_path: Path, caplog) -> None:
    first = known(tmp_path)
    asked.zones_row, asked.row = LoginError("the user needs Monitors: View"), {**ROW, "Width": 640}
    later = known(tmp_path, zm_cache_time=0.0)
    assert first is not None
    assert later is not None
    assert (later.width, later.zones) == (640, first.zones)
    assert "monitor 3: its zones are not known: the user needs Monitors: View" in caplog.text
