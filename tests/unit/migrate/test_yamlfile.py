from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zmhook.errors import MissingPart, SettingsError
from zmhook.migrate import yamlfile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "objectconfig.yml"


def test_a_mapping(file: Path) -> None:
    file.write_text("\ufeffgeneral: {wait: 5, show: no}\nmonitors:\n  2: {name: ä}\n", "utf-8")
    assert yamlfile.read(str(file)) == {
        "general": {"wait": 5, "show": False},
        "monitors": {2: {"name": "ä"}},
    }


def test_aliases_and_merges(file: Path) -> None:
    file.write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n")
    assert yamlfile.read(str(file)) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 50000 values, its aliases unfolded"),
        (MERGES, "more than 50000 values, its aliases unfolded|deeper than 40 levels"),
        ("a: &a [*a]", "holds itself"),
        ("a: " + "[" * 60 + "]" * 60, "deeper than 40 levels"),
        ("a: " + "[" * 50_000, "deeper than 40 levels"),
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
        yamlfile.read(str(file))
    assert str(caught.value).startswith(f"{file}: cannot be read: ")


def test_bytes_that_are_no_text(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(SettingsError, match="line 2 is not UTF-8 text"):
        yamlfile.read(str(file))


def test_too_large(file: Path) -> None:
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="larger than 1 MiB"):
        yamlfile.read(str(file))


def test_no_such_file(file: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        yamlfile.read(str(file))


def test_without_pyyaml(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("a: 1")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingPart, match="needs the Python package PyYAML"):
        yamlfile.read(str(file))
