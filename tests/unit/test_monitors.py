"""A monitor's size and zones: asked now and then, kept in between, done without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import PortalError
from zmhook.monitors import Monitor, ZmZone, monitor
from zmhook.settings import Gate, General, Settings

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
        return Asked.zones_row

    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    Asked.row, Asked.calls = ROW, []
    monkeypatch.setattr("zmhook.portal.Portal", Asked)
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
