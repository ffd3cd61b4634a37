"""Which zones hold, and where they are in a picture."""

from __future__ import annotations

import unicodedata

import pytest
from msgspec import structs

from zmhook.event import Event
from zmhook.gate.zones import picture_zones
from zmhook.settings import Gate, General, Settings, Zone, ZoneRule
from zmhook.zoneminder.monitors import Monitor, ZmZone

SQUARE = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0))
MONITOR = Monitor(
    width=1000,
    height=500,
    zones=(
        ZmZone("Front Door", "Active", SQUARE, percent=True),
        ZmZone("Drive", "Inclusive", SQUARE, percent=False),
        ZmZone("Sky", "Inactive", SQUARE, percent=False),
        ZmZone("Window", "Privacy", SQUARE, percent=False),
    ),
)
IMPORT = Gate(import_zm_zones=True)


def names(settings: Settings, cause: str = "Motion") -> list[str]:
    found = picture_zones(Event(id=1, monitor_id=2, cause=cause), settings, MONITOR, 500, 250)
    return [place.name for place in found]


def test_both_kinds_of_zones() -> None:
    own = Zone("own", SQUARE)
    assert names(Settings(zones=(own,))) == ["own"]
    assert names(Settings(zones=(own,), gate=IMPORT)) == ["own", "Front Door", "Drive"]


def test_they_are_scaled() -> None:
    settings = Settings(zones=(Zone("own", SQUARE),), gate=IMPORT)
    found = picture_zones(Event(), settings, MONITOR, 500, 1000)
    assert found[0].points == ((0, 0), (50, 0), (50, 200))
    assert found[1].points == ((0, 0), (500, 0), (500, 1000))


def test_the_size_that_was_set_wins() -> None:
    settings = Settings(zones=(Zone("own", SQUARE),), gate=Gate(monitor_size=(100, 100)))
    (place,) = picture_zones(Event(), settings, MONITOR, 500, 1000)
    assert place.points == ((0, 0), (500, 0), (500, 1000))


def test_a_size_that_nobody_knows() -> None:
    settings = Settings(zones=(Zone("own", SQUARE),))
    (place,) = picture_zones(Event(), settings, None, 500, 1000)
    assert place.points == SQUARE


def test_a_pattern_for_a_name_whose_letters_are_typed_otherwise() -> None:
    zone = ZmZone(unicodedata.normalize("NFD", "Fußweg Süd"), "Active", SQUARE, percent=True)
    settings = Settings(gate=IMPORT, zone_rules={"fußweg süd": ZoneRule(ignore_pattern="cat")})
    (place,) = picture_zones(Event(), settings, Monitor(width=9, height=9, zones=(zone,)), 9, 9)
    assert place.rule.ignore_pattern == "cat"


def test_a_zone_that_is_not_used_hides_none_of_its_name() -> None:
    zones = (
        ZmZone("Drive", "Active", SQUARE, percent=True),
        ZmZone("Drive, left", "Inactive", SQUARE, percent=True),
        ZmZone("Street", "Active", SQUARE, percent=True),
    )
    gate = Gate(import_zm_zones=True, only_triggered_zm_zones=True)
    event = Event(id=1, cause="Motion:Drive, left,Street")
    found = picture_zones(event, Settings(gate=gate), Monitor(width=9, height=9, zones=zones), 9, 9)
    assert [place.name for place in found] == ["Street"]


@pytest.mark.parametrize("key", ["front door", "front_door"])
def test_patterns_by_name(key: str) -> None:
    rules = {key: ZoneRule(ignore_pattern="cat")}
    found = picture_zones(Event(), Settings(gate=IMPORT, zone_rules=rules), MONITOR, 500, 250)
    assert [place.rule.ignore_pattern for place in found] == ["cat", ""]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("Motion: Drive", ["Drive"]),
        ("Motion drive, FRONT DOOR", ["Front Door", "Drive"]),
        ("Motion", ["Front Door", "Drive"]),
        ("Forced Web", ["Front Door", "Drive"]),
        ("Motion: .*", ["Front Door", "Drive"]),
    ],
)
def test_only_where_something_moved(cause: str, expected: list[str]) -> None:
    gate = Gate(import_zm_zones=True, only_triggered_zm_zones=True)
    assert names(Settings(gate=gate), cause) == expected


def test_a_zone_outside_of_the_picture_is_told_once(caplog) -> None:
    zones = (Zone("yard", ((700, 0), (900, 0), (900, 900))), Zone("door", ((0, 0), (9, 0), (9, 9))))
    for _ in range(2):
        picture_zones(Event(id=1), Settings(zones=zones), None, 640, 480)
    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("zone yard lies outside of the picture of 640x480 pixels")


@pytest.mark.parametrize(("imports", "asked"), [(True, 1234.5), (False, None)])
def test_when_zoneminder_told_them(gate, monkeypatch, imports, asked) -> None:
    told = structs.replace(MONITOR, asked=1234.5)
    monkeypatch.setattr("zmhook.zoneminder.monitors.monitor", lambda *_: told)
    general = General(portal="http://zm")
    judge = gate(Settings(general=general, gate=Gate(import_zm_zones=imports)))
    assert judge.zones_asked is None
    judge.zones((500, 250))
    assert judge.zones_asked == asked
