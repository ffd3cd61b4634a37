"""Finding handlers by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.describe.handler import DescribeHandler
from zmhook.errors import SnapshotError
from zmhook.settings import Snapshots
from zmhook.snapshots.handlers import base


def test_built_in_ones_are_the_entry_points(root: Path) -> None:
    lines = [f'{name} = "{place}"' for name, place in base.BUILT_IN.items()]
    section = (root / "pyproject.toml").read_text().partition(f'"{base.GROUP}"]\n')[2]
    assert section.partition("\n\n")[0].splitlines() == lines
    assert base.find("describe") is DescribeHandler


def test_describe_yes_names_one() -> None:
    assert base.names(Snapshots()) == ()
    assert base.names(Snapshots(describe=True, snapshot_handlers=("a:B",))) == ("a:B", "describe")
    assert base.names(Snapshots(describe=True, snapshot_handlers=("describe",))) == ("describe",)


def test_one_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_handler.py").write_text("class Own:\n    def on_snapshot(self): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert base.find("own_handler:Own").__name__ == "Own"


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
        base.find(name)


def test_a_module_that_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_handler.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SnapshotError, match="ZeroDivisionError"):
        base.find("broken_handler:Own")
