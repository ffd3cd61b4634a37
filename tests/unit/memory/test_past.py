"""What is remembered from event to event, and when it is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.detection import Box, Detection
from zmhook.errors import StateError
from zmhook.event import Event
from zmhook.memory import past as module
from zmhook.memory.match import match
from zmhook.memory.past import FILE, SCHEMA, Observation, Past
from zmhook.settings import Settings
from zmhook.storage.shared_database import close_all, shared_database

SIZE = (1000, 800)
Make = Callable[..., Settings]


def car(x: int = 100, label: str = "car", **fields) -> Detection:
    return Detection(
        label=label, confidence=0.7, box=Box(x, 100, x + 100, 200), model="yolo", **fields
    )


class Scene:
    """Events of monitor 1, a minute apart."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.past = Past.open(settings)
        self.now = 1000.0
        self.number = 0

    def event(self, *seen: Detection, **fields) -> list[bool]:
        """Return for each detection whether it was known, and remember them."""
        self.now += 60
        self.number += 1
        event = Event(id=self.number, monitor_id=1, asked=self.now - 1)
        known = self.past.at(1, now=self.now)
        found = [match(one, SIZE, known, self.settings) is not None for one in seen]
        self.past.save(event, 1, Observation(seen, SIZE, **fields), now=self.now)
        return found

    def labels(self, monitor: int = 1) -> list[str]:
        return sorted(one.label for one in self.past.at(monitor, now=self.now))


def test_a_file_of_the_first_version_goes_on(configured: Make) -> None:
    settings = configured()
    old = shared_database(Path(settings.gate.state_path, FILE), SCHEMA[:1])
    row = "1, 1, 'car', 1, 2, 3, 4, 10, 10, 5, 6, 7, 0"
    old.use(lambda one: one.execute(f"INSERT INTO objects VALUES ({row})"))
    old.close()
    close_all()
    [known] = Past.open(settings).at(1, now=6.0)
    assert (known.label, known.box, known.model) == ("car", Box(1, 2, 3, 4), "")


def test_a_parked_car_rings_once(configured: Make) -> None:
    scene = Scene(configured())
    assert [scene.event(car(x)) for x in (100, 101, 99)] == [[False], [True], [True]]
    [known] = scene.past.at(1, now=scene.now)
    assert known.box == Box(100, 100, 200, 200), "where it was first"
    assert (known.event_id, known.misses) == (1, 0)
    assert (known.first_seen, known.last_seen) == (1060.0, 1180.0)
    assert (known.width, known.height) == SIZE


def test_a_car_that_leaves_and_comes_back_rings_again(configured: Make) -> None:
    scene = Scene(configured())
    assert [scene.event(car()), scene.event(), scene.event(car())] == [[False], [], [False]]


def test_a_car_may_be_missed_as_often_as_is_set(configured: Make) -> None:
    scene = Scene(configured(past_det_misses=2))
    scene.event(car())
    scene.event()
    assert scene.event(car()) == [True], "one miss"
    scene.event()
    assert scene.event(car()) == [True], "misses count in a row"
    scene.event()
    scene.event()
    assert scene.event(car()) == [False]


def test_something_that_creeps_is_new_one_day(configured: Make) -> None:
    scene = Scene(configured(past_det_max_diff_area=module_extent(10)))
    known = [scene.event(car(x))[0] for x in range(100, 130, 3)]
    assert known[0] is False
    assert known[1] is True
    assert False in known[2:]


def module_extent(percent: float):
    from zmhook.settings import Extent

    return Extent(percent, "%")


def test_what_expired_is_forgotten(configured: Make) -> None:
    scene = Scene(configured(past_det_expiry=100.0))
    scene.event(car())
    scene.now += 41
    assert scene.event(car()) == [False]
    scene.now += 39
    assert scene.event(car()) == [True]


def test_without_an_expiry_it_stays(configured: Make) -> None:
    scene = Scene(configured(past_det_expiry=0.0))
    scene.event(car())
    scene.now += 1e9
    assert scene.event(car()) == [True]


def test_monitors_are_apart(configured: Make) -> None:
    scene = Scene(configured())
    scene.event(car())
    assert scene.labels(2) == []
    scene.past.save(
        Event(id=9, monitor_id=2), 2, Observation([car(500, "dog")], SIZE), now=scene.now
    )
    assert (scene.labels(1), scene.labels(2)) == (["car"], ["dog"])


def test_what_is_never_compared_is_not_remembered(configured: Make) -> None:
    scene = Scene(configured(ignore_past_detection_labels=("person",)))
    scene.event(car(), car(300, "person"), car(500, "a car", kind="description"))
    assert scene.labels() == ["car"]


def test_an_event_looked_at_again_finds_the_same(configured: Make) -> None:
    scene = Scene(configured())
    scene.event(car())
    assert scene.past.at(1, but_event=1, now=scene.now) == []
    assert len(scene.past.at(1, but_event=2, now=scene.now)) == 1


def test_two_events_at_the_same_time_undo_nothing(configured: Make) -> None:
    """The first began before the second, sees less, and is saved after it."""
    scene = Scene(configured())
    scene.event(car(500, "dog"))
    first = Event(id=7, monitor_id=1, asked=scene.now + 10)
    second = Event(id=8, monitor_id=1, asked=scene.now + 12)
    both = [car(500, "dog"), car()]
    scene.past.save(second, 1, Observation(both, SIZE), now=scene.now + 14)
    scene.past.save(first, 1, Observation([car(500, "dog")], SIZE), now=scene.now + 15)
    found = {one.label: one for one in scene.past.at(1, now=scene.now + 20)}
    assert (found["car"].misses, found["car"].last_seen) == (0, scene.now + 14)
    assert found["dog"].last_seen == scene.now + 15


def test_two_events_that_bring_the_same_store_it_once(configured: Make) -> None:
    scene = Scene(configured())
    for number, at in ((1, 2000.0), (2, 2001.0)):
        event = Event(id=number, monitor_id=1, asked=1999.0)
        scene.past.save(event, 1, Observation([car()], SIZE), now=at)
    [known] = scene.past.at(1, now=2002.0)
    assert (known.event_id, known.first_seen, known.last_seen) == (1, 2000.0, 2001.0)


def test_what_was_not_in_view_is_not_missed(configured: Make) -> None:
    scene = Scene(configured())
    scene.event(car(100), car(700, "dog"))
    scene.event(view=Box(600, 0, 1000, 800))
    assert scene.labels() == ["car"]


def test_another_resolution_is_the_same_scene(configured: Make) -> None:
    scene = Scene(configured())
    scene.event(car())
    small = Detection(label="car", confidence=0.7, box=Box(50, 50, 100, 100), model="yolo")
    scene.past.save(
        Event(id=2, monitor_id=1), 1, Observation([small], (500, 400)), now=scene.now + 9
    )
    [known] = scene.past.at(1, now=scene.now + 10)
    assert (known.event_id, known.misses) == (1, 0)
    scene.event(view=Box(0, 0, 90, 90))
    assert scene.labels() == ["car"], "the view is of the size of its own picture"


def test_a_clock_set_back_makes_nothing_last_for_ever(configured: Make) -> None:
    scene = Scene(configured())
    scene.event(car())
    scene.now -= 1e6
    assert scene.event(car()) == [True]
    scene.event()
    assert scene.labels() == []
    scene.now += 1e6
    scene.event(car())
    scene.now -= 1e6
    scene.event()
    scene.event()
    assert scene.labels() == []


def test_only_the_newest_are_kept(configured: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OBJECTS", 3)
    scene = Scene(configured(past_det_misses=10))
    scene.event(car(0, "dog"), car(300, "dog"))
    scene.event(car(600), car(800))
    assert scene.labels() == ["car", "car", "dog"]


def test_it_outlives_the_process(configured: Make) -> None:
    from zmhook.storage.shared_database import close_all

    scene = Scene(configured())
    scene.event(car())
    close_all()
    assert Past.open(scene.settings).at(1, now=scene.now)[0].label == "car"


def test_a_damaged_file_is_set_aside_and_work_goes_on(
    configured: Make, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configured()
    file = Path(settings.gate.state_path, FILE)
    file.parent.mkdir()
    file.write_bytes(b"nonsense" * 1000)
    scene = Scene(settings)
    assert [scene.event(car()), scene.event(car())] == [[False], [True]]
    assert f"{file}: it is damaged" in caplog.text


def test_a_folder_that_cannot_be_made_is_told(configured: Make, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(StateError, match=FILE):
        Past.open(configured()).at(1)
