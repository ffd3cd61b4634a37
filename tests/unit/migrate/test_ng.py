from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from zmhook.errors import MissingPart, SettingsError
from zmhook.migrate import ng
from zmhook.migrate.old_config import OldConfig

Read = Callable[[dict[Any, Any]], list[OldConfig]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(tree: dict[Any, Any]) -> list[OldConfig]:
        path = tmp_path / "objectconfig.yml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return ng.read(str(path))

    return read


def values(old: OldConfig) -> dict[str, Any]:
    return {name: given.value for name, given in old.flat.items()}


def test_flat_sections(read: Read) -> None:
    (common,) = read({"general": {"wait": 1, "user": None}, "remote": {"ml_timeout": 60}})
    assert values(common) == {"wait": 1, "ml_timeout": 60}
    assert common.flat["wait"].location == "general: wait"


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
    assert second.patterns["Drive", "ignore_pattern"].location == (
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
    assert [given.location for given in common.unread] == ["general", "more", "monitors: front"]
    assert [given.location for given in second.unread] == [
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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "objectconfig.yml"


def test_a_mapping(file: Path) -> None:
    file.write_text("\ufeffgeneral: {wait: 5, show: no}\nmonitors:\n  2: {name: ä}\n", "utf-8")
    assert ng.read_yaml(str(file)) == {
        "general": {"wait": 5, "show": False},
        "monitors": {2: {"name": "ä"}},
    }


def test_aliases_and_merges(file: Path) -> None:
    file.write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n")
    assert ng.read_yaml(str(file)) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 50000 values, its aliases unfolded"),
        ("a: &a [*a]", "holds itself"),
        ("a: " + "[" * 50_000, "nested too deep"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: could not determine"),
        ("a: !ZM_USER", "line 1: could not determine"),
        ("a: [1", "line 1: "),
        ("a: b: c", "line 1: "),
        ("a: 1\n---\nb: 2", "line 2: "),
        ("a: \x01", "a character that YAML does not allow"),
        ("- 1", "not a mapping"),
        ("", "not a mapping"),
        ("a: 2001-99-99", "month"),
    ],
)
def test_what_cannot_be_read(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        ng.read_yaml(str(file))
    assert str(caught.value).startswith(f"{file}: cannot be read: ")


def test_bytes_that_are_no_text(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(SettingsError, match="line 2 is not UTF-8 text"):
        ng.read_yaml(str(file))


def test_too_large(file: Path) -> None:
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="larger than 1 MiB"):
        ng.read_yaml(str(file))


def test_no_such_file(file: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        ng.read_yaml(str(file))


def test_without_pyyaml(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("a: 1")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingPart, match="needs the Python package PyYAML"):
        ng.read_yaml(str(file))
