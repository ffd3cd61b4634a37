from __future__ import annotations

import re
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from zmhook import extensions
from zmhook.detectors.base import BUILT_IN, GROUP, find
from zmhook.errors import DetectorError
from zmhook.settings import Settings


def test_the_built_in_ones_are_the_entry_points_of_the_project(root):
    text = (root / "pyproject.toml").read_text()
    section = text.split(f'[project.entry-points."{GROUP}"]\n')[1].split("\n[")[0]
    assert dict(re.findall(r'^(\w+) = "(\S+)"$', section, flags=re.MULTILINE)) == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_is_found_under_its_own_name_and_costs_nothing_to_make(name):
    detector = find(name)(Settings())
    assert detector.name == name
    assert isinstance(detector.requires, frozenset)
    detector.close()


def installed(monkeypatch, **places: str) -> None:
    points = EntryPoints(EntryPoint(name, place, GROUP) for name, place in places.items())
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))


def test_an_installed_one_is_found_by_its_entry_point(monkeypatch):
    installed(monkeypatch, owl="zmhook.detectors.hog:HogDetector")
    assert find("owl").__name__ == "HogDetector"


def test_a_built_in_name_cannot_be_taken(monkeypatch):
    installed(monkeypatch, yolo="zmhook.detectors.hog:HogDetector")
    assert find("yolo").__name__ == "YoloDetector"


def test_an_unknown_one_is_refused_with_those_that_exist(monkeypatch):
    installed(monkeypatch, owl="somewhere:Owl")
    with pytest.raises(DetectorError) as caught:
        find("jolo")
    assert str(caught.value) == (
        "[general] models: there is no model 'jolo'; known: alpr, face, gemini, hog, owl, yolo"
        "; did you mean 'yolo'?"
    )


@pytest.mark.parametrize(
    "place", ["zmhook.detectors.hog:Nobody", "zmhook.not_there:Owl", "zmhook.detectors.hog"]
)
def test_one_that_cannot_be_imported_is_named(monkeypatch, place):
    installed(monkeypatch, owl=place)
    with pytest.raises(
        DetectorError, match=rf"model 'owl' \({re.escape(place)}\) cannot be imported"
    ):
        find("owl")


def test_built_in_ones_are_found_without_reading_what_is_installed(monkeypatch):
    monkeypatch.setattr(extensions, "installed", lambda _group: pytest.fail("not needed"))
    assert find("hog").__name__ == "HogDetector"
