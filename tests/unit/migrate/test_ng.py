from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from zmhook.migrate import ng
from zmhook.migrate.old import Old

Read = Callable[[dict[Any, Any]], list[Old]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(tree: dict[Any, Any]) -> list[Old]:
        path = tmp_path / "objectconfig.yml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return ng.read(str(path))

    return read


def values(old: Old) -> dict[str, Any]:
    return {name: given.value for name, given in old.flat.items()}


def test_flat_sections(read: Read) -> None:
    (common,) = read({"general": {"wait": 1, "user": None}, "remote": {"ml_timeout": 60}})
    assert values(common) == {"wait": 1, "ml_timeout": 60}
    assert common.flat["wait"].place == "general: wait"


def test_the_base_path_is_named_as_here(read: Read) -> None:
    (common,) = read({"ml": {"ml_sequence": {"a": ["${base_data_path}/x"]}}})
    assert common.ml == {"a": ["{{base_data_path}}/x"]}


def test_monitors_are_merged(read: Read) -> None:
    common, second = read(
        {
            "general": {"wait": 1},
            "ml": {"ml_sequence": {"general": {"a": 1, "b": [1]}}, "stream_sequence": {"c": 1}},
            "monitors": {
                2: {"wait": 2, "ml_sequence": {"general": {"b": [2]}}, "general": {"user": "x"}}
            },
        }
    )
    assert common.ml == {"general": {"a": 1, "b": [1]}}
    assert second.ml == {"general": {"a": 1, "b": [2]}}
    assert second.stream == {"c": 1}
    assert values(second) == {"wait": 2, "user": "x"}


def test_zones(read: Read) -> None:
    _, second = read(
        {
            "monitors": {
                "2": {"zones": {"Drive": {"coords": "0,0 1,1 2,0", "ignore_pattern": "car"}}}
            }
        }
    )
    assert second.monitor == 2
    assert second.zones["Drive"].value == "0,0 1,1 2,0"
    assert second.patterns["Drive", "ignore_pattern"].place == (
        "monitors: 2: zones: Drive: ignore_pattern"
    )


def test_what_is_not_understood_is_kept_in_mind(read: Read) -> None:
    common, second = read(
        {
            "general": ["x"],
            "more": {"a": 1},
            "monitors": {
                "front": {"wait": 1},
                2: {"zones": {"a": "0,0", "b": {"colour": "red"}}},
            },
        }
    )
    assert [given.place for given in common.unread] == ["general", "more", "monitors: front"]
    assert [given.place for given in second.unread] == [
        "monitors: 2: zones: a",
        "monitors: 2: zones: b: colour",
    ]


@pytest.mark.parametrize("monitors", [None, [], ["x"], {2: None}])
def test_no_monitors(read: Read, monitors: Any) -> None:
    (common,) = read({"monitors": monitors})
    assert len(common.unread) == (isinstance(monitors, list))


@pytest.mark.parametrize(
    ("name", "yes"), [("a.yml", True), ("A.YAML", True), ("a.ini", False), ("yml", False)]
)
def test_is_ng(name: str, yes: bool) -> None:
    assert ng.is_ng(name) is yes


def test_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets.yml"
    file.write_text("secrets: {A: x, b: 1, C: null, d: yes}\nother: 1\n")
    assert ng.secrets(str(file)) == {"A": "x", "b": "1", "C": "", "d": "yes"}
    file.write_text("secrets: [x]\n")
    assert ng.secrets(str(file)) == {}


@pytest.mark.parametrize(
    ("text", "yes"),
    [("%YAML 1.2\n---\na: 1\n", True), ("a: 1\n", True), ("[a]\nb: 1\n", False), ("", False)],
)
def test_is_ng_whatever_its_name(tmp_path: Path, text: str, yes: bool) -> None:
    (tmp_path / "objectconfig.ini").write_text(text)
    assert ng.is_ng(str(tmp_path / "objectconfig.ini")) is yes
