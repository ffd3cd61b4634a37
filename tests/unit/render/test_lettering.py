from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from zmhook.render import lettering
from zmhook.render.lettering import lettered, plain
from zmhook.settings.section import Colour

INK, PAPER = Colour(0, 0, 0), Colour(90, 220, 60)


@pytest.fixture(autouse=True)
def forget_fonts():
    lettering._font.cache_clear()
    yield
    lettering._font.cache_clear()


def is_empty(picture: np.ndarray) -> bool:
    return bool((picture == (90, 220, 60)).all())


@pytest.mark.parametrize("height", [8, 13, 60])
@pytest.mark.parametrize("text", ["person 97%", "José", "Дмитрий"])
def test_letters_are_about_as_high_as_asked(text: str, height: int) -> None:
    sheet = lettered(text, height, 10_000, INK, PAPER)
    assert sheet.dtype == np.uint8
    assert not is_empty(sheet)
    assert (sheet[0] == (90, 220, 60)).all()  # paper around it
    rows = np.flatnonzero((sheet != (90, 220, 60)).any(axis=(1, 2)))
    assert 0.75 * height <= rows[-1] - rows[0] + 1 <= 1.8 * height


def test_long_text_goes_over_lines() -> None:
    one = lettered("person", 12, 10_000, INK, PAPER)
    more = lettered("person in none of the zones driveway", 12, 160, INK, PAPER)
    assert more.shape[1] <= 160
    assert more.shape[0] in (2 * one.shape[0], 3 * one.shape[0])


def test_very_long_text_is_cut() -> None:
    one = lettered("person", 12, 10_000, INK, PAPER)
    sheet = lettered("word " * 500, 12, 160, INK, PAPER)
    assert sheet.shape[0] == 3 * one.shape[0]


@pytest.mark.parametrize("width", [1, 2, 10, 30])
def test_hardly_any_room(width: int) -> None:
    assert 0 < lettered("person 97%", 12, width, INK, PAPER).shape[1] <= width


@pytest.mark.parametrize("text", ["", "\n", "\0"])
def test_nothing_to_see(text: str) -> None:
    assert lettered(text, 12, 100, INK, PAPER).size


def test_without_any_font_a_name_is_written_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_font_files", lambda _: ["/no/such/font.ttf"])
    bare = lettered("José 张", 12, 1000, INK, PAPER)
    assert (bare == lettered("Jose ?", 12, 1000, INK, PAPER)).all()


def test_without_pillow_a_name_is_written_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    bare = lettered("José", 12, 1000, INK, PAPER)
    assert (bare == lettered("Jose", 12, 1000, INK, PAPER)).all()


def test_what_a_font_lacks_is_written_plainly() -> None:
    unassigned = "\u0378"  # no font has it
    font, text = lettering._font(f"Ж{unassigned}é", 12)
    if font is None:
        pytest.skip("no font with Cyrillic letters on this machine")
    assert text == "Ж?é"


def test_fonts_are_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command, **options):
        asked.append((command, options["timeout"]))
        return subprocess.CompletedProcess(command, 0, "/b.ttf\n/a.ttf\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert lettering._fonts_of_system(frozenset("Жé ")) == ["/a.ttf", "/b.ttf"]
    assert asked == [(["fc-list", "-f", "%{file}\n", ":charset=e9 416"], 3)]


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("fc-list", 3)])
def test_system_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def run(*_args, **_options):
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    assert lettering._fonts_of_system(frozenset("Ж")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("José Łuk", "Jose ?uk"), ("ﬁne ②", "fine 2"), ("张三", "??"), ("abc", "abc")],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected
