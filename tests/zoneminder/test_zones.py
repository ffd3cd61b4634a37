"""Zones that are drawn in a real ZoneMinder, frames of an event that has only a video."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator

import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.frames.base import waited_for
from zmhook.frames.sources import open_source
from zmhook.gate.gate import Gate
from zmhook.image.decode import frame_of
from zmhook.settings import Gate as GateSettings
from zmhook.settings import Settings, ZoneRule
from zmhook.zoneminder.monitors import monitor

pytestmark = pytest.mark.zoneminder

WIDTH, HEIGHT = 640, 480
LEFT, RIGHT = Box(50, 200, 150, 300), Box(500, 200, 600, 300)


@pytest.fixture
def draw(zm) -> Iterator[Callable[..., int]]:
    """Draw a zone as ZoneMinder's page does; the monitor's own zones rest until the end."""
    monitor_id = int(zm.monitors["still"])
    own = zm.rows(f"SELECT Id, Type FROM Zones WHERE MonitorId = {monitor_id}")
    drawn = "Id NOT IN (" + ",".join(["0", *(number for number, _ in own)]) + ")"
    zm.sql(f"UPDATE Zones SET Type = 'Inactive' WHERE MonitorId = {monitor_id}")

    def zone(name: str, coords: str, kind: str = "Active", units: str = "Pixels") -> int:
        corners = len(coords.split())
        zm.sql(
            "INSERT INTO Zones (MonitorId, Name, Type, Units, NumCoords, Coords, Area) VALUES "
            f"({monitor_id}, '{name}', '{kind}', '{units}', {corners}, '{coords}', 1000)"
        )
        return monitor_id

    yield zone
    zm.sql(f"DELETE FROM Zones WHERE MonitorId = {monitor_id} AND {drawn}")
    for number, kind in own:
        zm.sql(f"UPDATE Zones SET Type = '{kind}' WHERE Id = {number}")


@pytest.fixture
def judged(general) -> Callable[..., list[Box]]:
    """What counts of two things, one on each side."""

    def boxes(
        monitor_id: int, cause: str = "Motion", size: int = 1, label: str = "car", **changed: object
    ) -> list[Box]:
        rules = changed.pop("zone_rules", {})
        gate = GateSettings(**{"import_zm_zones": True, "zm_cache_time": 0.0, **changed})
        settings = Settings(general=general(), gate=gate, zone_rules=rules)
        judge = Gate(Event(id=1, monitor_id=monitor_id, cause=cause), settings, Deadline(30))
        sides = [Box(*(size * edge for edge in (b.x1, b.y1, b.x2, b.y2))) for b in (LEFT, RIGHT)]
        found = [Detection(label=label, confidence=0.9, box=side, model="yolo") for side in sides]
        width, height = size * WIDTH, size * HEIGHT
        scene = Crop(box=Box(0, 0, width, height), width=width, height=height)
        return [one.box for one in judge.filter(found, scene)[0]]

    return boxes


@pytest.mark.parametrize(
    ("units", "coords"),
    [
        ("Pixels", "0,0 320,0 320,479 0,479"),
        ("Pixels", "20,190 320,190 320,479 20,479"),
        ("Percent", "20,190 320,190 320,479 20,479"),  # as 1.36 writes its zones in percent
        ("Percent", "0,0 50,0 50,100 0,100"),
        ("Percent", "2,40 50,40 50,100 2,100"),
        ("Percent", "2.50,40.00 50.25,40.00 50.25,100.00 2.50,100.00"),  # 1.39
    ],
)
def test_a_zone_in_either_unit(draw, judged, units: str, coords: str) -> None:
    monitor_id = draw("Drive", coords, units=units)
    assert judged(monitor_id) == [LEFT]
    assert len(judged(monitor_id, size=3)) == 1  # a picture three times as large


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("Active", [LEFT]),
        ("Inclusive", [LEFT]),
        ("Exclusive", [LEFT]),
        ("Inactive", [LEFT, RIGHT]),
        ("Privacy", [LEFT, RIGHT]),
    ],
)
def test_kinds_of_zones(draw, judged, kind: str, counted: list[Box]) -> None:
    assert judged(draw("Drive", "0,0 320,0 320,479 0,479", kind)) == counted


def test_only_the_zone_in_which_something_moved(draw, judged) -> None:
    draw("Drive", "0,0 320,0 320,479 0,479")
    monitor_id = draw("Front door (1)", "330,0 639,0 639,479 330,479")
    assert judged(monitor_id) == [LEFT, RIGHT]
    triggered = {"only_triggered_zm_zones": True}
    assert judged(monitor_id, "Motion: Front door (1)", **triggered) == [RIGHT]
    assert judged(monitor_id, "Motion Drive, Front door (1)", **triggered) == [LEFT, RIGHT]
    assert judged(monitor_id, "Forced Web", **triggered) == [LEFT, RIGHT]


def test_a_zone_with_a_comma_in_its_name(draw, judged) -> None:
    draw("Garden, left", "0,0 320,0 320,479 0,479")
    monitor_id = draw("left", "330,0 639,0 639,479 330,479")
    triggered = {"only_triggered_zm_zones": True}
    assert judged(monitor_id, "Motion:Garden, left", **triggered) == [LEFT]
    assert judged(monitor_id, "Motion: Garden, left, left", **triggered) == [LEFT, RIGHT]


def test_a_pattern_for_a_zone_that_is_drawn_there(draw, judged) -> None:
    monitor_id = draw("Front Door", "330,0 639,0 639,479 330,479")
    rules = {"front door": ZoneRule(ignore_pattern="cat")}
    assert judged(monitor_id, label="car", zone_rules=rules) == [RIGHT]
    assert judged(monitor_id, label="cat", zone_rules=rules) == []


def test_what_is_known_of_a_monitor_is_kept(zm, draw, general) -> None:
    monitor_id = draw("Drive", "0,0 320,0 320,479 0,479")
    settings = Settings(general=general(), gate=GateSettings(import_zm_zones=True))
    first = monitor(monitor_id, settings, Deadline(30))
    assert first is not None
    assert (first.width, first.height) == (WIDTH, HEIGHT)
    assert "Drive" in [zone.name for zone in first.zones]
    asked = len(zm.requests("/api/"))
    assert monitor(monitor_id, settings, Deadline(30)) == first
    assert len(zm.requests("/api/")) == asked


@pytest.mark.parametrize("frame_id", ["1", "10", "50%", "100%"])
def test_frames_of_an_event_with_a_video_only(
    zm, recorded_event, general, photo, frame_id: str
) -> None:
    event = recorded_event(photo("dog.jpg"), "film")
    for path in event.path.glob("*-capture.jpg"):  # of whoever asked the portal for a frame
        path.unlink()
    settings = Settings(general=general(frame_id=(frame_id,)))
    source = open_source(Event(id=event.id, path=str(event.path)), settings, Deadline(30))
    picture = waited_for(source, frame_id, Deadline(30))
    source.close()
    (film,) = event.path.glob(f"{event.id}-video.*")  # 1.38 puts the codec into its name
    assert picture.origin.startswith(f"{film}: frame ")
    zm.show(photo("dog.jpg"))
    assert zm.is_seen_in(frame_of(picture).image)


def test_the_picture_is_seen_through_the_portal(zm, recorded_event, photo) -> None:
    event = recorded_event(photo("person.jpg"))
    data = photo("dog.jpg").read_bytes()
    (event.path / "objdetect.jpg").write_bytes(data)
    zm.set_auth(False)
    address = f"{zm.url}/index.php?view=image&eid={event.id}&fid=objdetect"
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == data
