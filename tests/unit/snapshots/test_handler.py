"""Finding handlers by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.describe.handler import DescribeHandler
from zmhook.detection import Box, Detection
from zmhook.errors import SnapshotError
from zmhook.settings import Snapshots
from zmhook.snapshots import handler


def test_built_in_ones_are_the_entry_points(root: Path) -> None:
    lines = [f'{name} = "{place}"' for name, place in handler.BUILT_IN.items()]
    section = (root / "pyproject.toml").read_text().partition(f'"{handler.GROUP}"]\n')[2]
    assert section.partition("\n\n")[0].splitlines() == lines
    assert handler.find("describe") is DescribeHandler


def test_describe_yes_names_one() -> None:
    assert handler.names(Snapshots()) == ()
    assert handler.names(Snapshots(describe=True, snapshot_handlers=("a:B",))) == (
        "a:B",
        "describe",
    )
    assert handler.names(Snapshots(describe=True, snapshot_handlers=("describe",))) == ("describe",)


def test_one_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_handler.py").write_text("class Own:\n    def on_snapshot(self): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert handler.find("own_handler:Own").__name__ == "Own"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nope", "there is no handler 'nope'; known: describe, or module:Class"),
        ("no_module_x:Own", "cannot be imported: ModuleNotFoundError"),
        ("os:Own", "cannot be imported: AttributeError"),
        ("os:path", "cannot be imported: TypeError: path is no class"),
        ("pathlib:Path", "has no on_snapshot"),
    ],
)
def test_what_is_wrong_is_said(name: str, says: str) -> None:
    with pytest.raises(SnapshotError, match=says):
        handler.find(name)


def test_a_module_that_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_handler.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SnapshotError, match="ZeroDivisionError"):
        handler.find("broken_handler:Own")


BOX = Box(0, 0, 1, 1)


def test_a_description_has_names_of_its_own() -> None:
    description = Detection(
        label="red van",
        confidence=0.87654,
        box=BOX,
        model="big",
        kind="description",
        attributes={"make": "Ford", "label": "not this"},
    )
    assert handler.description_of("describe", [description]) == {
        "make": "Ford",
        "label": "red van",
        "confidence": 0.8765,
        "model": "big",
    }


def test_objects_are_listed_by_model() -> None:
    dog = Detection(label="dog", confidence=0.9, box=BOX, model="yolo")
    fox = Detection(label="fox", confidence=0.5, box=BOX, model="yolo", attributes={"age": 2})
    plate = Detection(label="AB 12", confidence=1.0, box=BOX, model="")
    assert handler.description_of("mine", [dog, fox, plate]) == {
        "yolo": "dog 90%, fox 50% (age 2)",
        "mine": "AB 12 100%",
    }
