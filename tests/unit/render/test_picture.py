from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from zmhook.decide import Decided
from zmhook.detection import Box, Drop
from zmhook.frame import Crop, Frame
from zmhook.render.picture import DROPPED, KEPT, _Canvas, annotated
from zmhook.settings import General, Settings, Zone
from zmhook.settings.section import Colour

GREEN = (KEPT.blue, KEPT.green, KEPT.red)
RED = (DROPPED.blue, DROPPED.green, DROPPED.red)
SIZES = [(160, 120), (640, 480), (3840, 2160)]


def drawn(decided, settings: Settings | None = None, *, debug: bool = False) -> np.ndarray:
    settings = settings or Settings()
    return annotated(decided.frame, decided.decision, settings, zones=settings.zones, debug=debug)


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_draws_in_a_copy(decided) -> None:
    given = decided()
    picture = drawn(given)
    assert picture.shape == given.frame.image.shape
    assert picture.dtype == np.uint8
    assert (given.frame.image == 128).all()


def test_box_and_label(decided) -> None:
    picture = drawn(decided())
    assert tuple(picture[120, 30]) == tuple(picture[199, 80]) == GREEN  # left side, foot
    assert tuple(picture[120, 129]) == GREEN  # right side: x2 is exclusive
    assert tuple(picture[120, 80]) == (128, 128, 128)  # nothing inside
    assert tuple(picture[38, 31]) == GREEN  # the label sits on the box
    assert not has(picture, RED)


def test_debug_shows_what_was_dropped(decided) -> None:
    picture = drawn(decided(), debug=True)
    assert tuple(picture[330, 300]) == RED
    assert has(picture, GREEN)


def test_zones_in_their_colour_and_width(decided) -> None:
    zone = Zone("drive", ((200, 300), (400, 300), (400, 400), (200, 400)))
    general = General(poly_color=Colour(1, 2, 3), poly_thickness=5)
    picture = drawn(decided(), Settings(general=general, zones=(zone,)))
    assert [tuple(picture[350, x]) for x in (198, 200, 202)] == [(1, 2, 3)] * 3
    assert tuple(picture[350, 210]) == (128, 128, 128)


def test_zone_that_reaches_far_out(decided) -> None:
    zone = Zone("all", ((-100_000, -100_000), (100_000, 240), (-100_000, 100_000)))
    assert drawn(decided(), Settings(zones=(zone,))).shape == (480, 640, 3)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_lines_and_letters_suit_the_size(width: int, height: int) -> None:
    canvas = _Canvas(np.zeros((height, width, 3), np.uint8))
    assert canvas.line == {120: 1, 480: 1, 2160: 6}[height]
    assert canvas.letters == {120: 8, 480: 13, 2160: 60}[height]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("corner", ["left top", "right top", "left foot", "right foot"])
@pytest.mark.parametrize("label", ["person", "a person with a very long name", "Дмитрий Ж"])
def test_label_is_inside_the_picture(
    found, width: int, height: int, corner: str, label: str
) -> None:
    x = 0 if "left" in corner else width - 20
    y = 0 if "top" in corner else height - 20
    canvas = _Canvas(np.zeros((height, width, 3), np.uint8))
    one = canvas.label(Box(x, y, x + 20, y + 20), f"{label} 97%", KEPT, DROPPED)
    rows, columns = one.patch.shape[:2]
    assert 0 <= one.x <= one.x + columns <= width
    assert 0 <= one.y <= one.y + rows <= height
    assert rows >= canvas.letters
    canvas.paste(one)


def test_labels_keep_out_of_each_others_way() -> None:
    canvas = _Canvas(np.zeros((480, 640, 3), np.uint8))
    box = Box(100, 100, 300, 300)
    labels = [canvas.label(box, "person", KEPT, DROPPED) for _ in range(10)]
    height = labels[0].patch.shape[0]
    assert [label.y for label in labels[:4]] == [100 - height, 100, 300, 300 - height]
    tops = sorted(label.y for label in labels)
    assert all(below - above >= height for above, below in pairwise(tops))


def test_more_labels_than_there_is_room_for() -> None:
    canvas = _Canvas(np.zeros((60, 640, 3), np.uint8))
    labels = [canvas.label(Box(0, 30, 9, 40), "person", KEPT, DROPPED) for _ in range(10)]
    assert labels[-1].y == labels[0].y


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 40), (40, 3)])
def test_tiny_picture(decided, width: int, height: int) -> None:
    assert drawn(decided(width, height), debug=True).shape == (height, width, 3)


@pytest.mark.parametrize(
    ("general", "caption"),
    [
        ({}, "person 97%"),
        ({"show_percent": False}, "person"),
        ({"show_models": True}, "(yolo) person 97%"),
    ],
)
def test_caption(decided, monkeypatch: pytest.MonkeyPatch, general, caption: str) -> None:
    from zmhook.render import picture

    written = []

    def lettered(text, *_):
        written.append(text)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(picture, "lettered", lettered)
    drawn(decided(), Settings(general=General(**general)), debug=True)
    assert written == [caption, "cat 20%: confidence 20% is below 30%"]


def test_nothing_found(decided) -> None:
    given = decided()
    empty = Frame(given.frame.image, "snapshot", "x")
    from msgspec import structs

    decision = structs.replace(given.decision, detections=[], dropped=[])
    assert (annotated(empty, decision, Settings(), debug=True) == empty.image).all()


# -- parts of a scene ------------------------------------------------------------------------------

PART = Crop(box=Box(1000, 500, 1320, 740), width=1920, height=1080)


def part(decision, *found, crop: Crop = PART, **more):
    """A grey picture of 640x480 that shows 320x240 pixels of the scene."""
    frame = Frame(np.full((480, 640, 3), 128, np.uint8), "track", "test", b"", crop)
    return Decided(decision(*found, **more), frame)


def test_boxes_of_the_scene_are_drawn_where_they_are_in_the_part(decision, found) -> None:
    picture = drawn(part(decision, found(box=Box(1050, 550, 1150, 650))))
    assert tuple(picture[200, 100]) == tuple(picture[299, 200]) == GREEN
    assert tuple(picture[200, 299]) == GREEN
    assert tuple(picture[200, 200]) == (128, 128, 128)


def test_what_lies_outside_the_part_is_left_out(decision, found) -> None:
    drop = Drop(detection=found("cat", box=Box(0, 0, 90, 90)), rule="zone", reason="x")
    given = part(decision, found(box=Box(100, 100, 200, 200)), dropped=[drop])
    assert (drawn(given, debug=True) == 128).all()


def test_zones_are_shifted_and_scaled_with_it(decision) -> None:
    zone = Zone("drive", ((900, 600), (1200, 600), (1200, 900), (900, 900)))
    settings = Settings(general=General(poly_color=Colour(1, 2, 3)), zones=(zone,))
    picture = drawn(part(decision), settings)
    assert tuple(picture[200, 100]) == tuple(picture[300, 400]) == (1, 2, 3)
    assert tuple(picture[190, 100]) == (128, 128, 128)


def test_zones_are_nowhere_when_the_place_is_not_known(decision, found) -> None:
    zone = Zone("drive", ((0, 0), (600, 0), (600, 400)))
    alone = Crop(box=Box(0, 0, 640, 480), width=640, height=480, located=False)
    settings = Settings(general=General(poly_color=Colour(1, 2, 3)), zones=(zone,))
    picture = drawn(part(decision, found(), crop=alone), settings)
    assert not has(picture, (1, 2, 3))
    assert tuple(picture[120, 30]) == GREEN


# -- descriptions ----------------------------------------------------------------------------------


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that were drawn."""
    from zmhook.render import picture

    lines: list[str] = []

    def lettered(text: str, *_: object) -> np.ndarray:
        lines.append(text)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(picture, "lettered", lettered)
    return lines


def test_what_was_said_stands_below_the_label(decision, found, described, written) -> None:
    one = found()
    frame = Frame(np.full((480, 640, 3), 128, np.uint8), "alarm", "test")
    said = described("A man with\ta parcel.\nHe rings.", about=one.box)
    drawn(Decided(decision(one, found("car"), said), frame))
    assert written == ["person 97%", "A man with a parcel.", "car 97%", "A man with a parcel."]


def test_what_was_said_about_the_whole_picture_has_no_box(
    decision, found, described, written
) -> None:
    frame = Frame(np.full((480, 640, 3), 128, np.uint8), "alarm", "test")
    picture = drawn(Decided(decision(described("word " * 50)), frame))
    assert written == [
        "a postman 80%",
        "word word word word word word word word word word word wor..",
    ]
    assert not has(picture, GREEN)


def test_a_caption_of_two_lines_is_one_sheet() -> None:
    canvas = _Canvas(np.zeros((480, 640, 3), np.uint8))
    one = canvas.label(Box(100, 100, 300, 300), "person", KEPT, DROPPED).patch
    two = canvas.label(Box(100, 100, 300, 300), "person\na man with a parcel", KEPT, DROPPED).patch
    assert two.shape[0] > 1.8 * one.shape[0]
    assert two.shape[1] > one.shape[1]
    assert tuple(two[0, -1]) == RED  # the paper goes on beside the shorter line
