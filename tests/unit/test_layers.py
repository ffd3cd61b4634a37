"""`make lint` holds the order of the rooms: see [tool.importlinter] in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def package(root: Path, tmp_path: Path) -> Path:
    """A copy of the package, with the contracts that hold for it."""
    if not LINT.exists():
        pytest.skip("import-linter is not installed: make lint installs it")
    ignored = shutil.ignore_patterns("__pycache__", "*.json", "*.names")
    shutil.copytree(root / "hook/zmhook", tmp_path / "zmhook", ignore=ignored)
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path / "zmhook"


def lint(package: Path) -> tuple[int, str]:
    done = subprocess.run(
        [LINT, "--no-cache"],
        cwd=package.parent,
        env={"PYTHONPATH": str(package.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


def add(module: Path, line: str) -> None:
    module.write_text(f"{module.read_text()}\n\n{line}\n")


def test_the_package_as_it_is(package: Path):
    assert lint(package)[0] == 0


def test_an_upward_import_is_found_even_a_lazy_one(package: Path):
    add(package / "storage/atomic.py", "def late():\n    from zmhook.cli import main\n    main")
    code, text = lint(package)
    assert code == 1
    assert "zmhook.storage is not allowed to import zmhook.cli" in text


def test_two_modules_that_import_each_other_are_found(package: Path):
    (package / "net/here.py").write_text("from zmhook.net import there\n")
    (package / "net/there.py").write_text("from zmhook.net import here\n")
    code, text = lint(package)
    assert code == 1
    assert "No cycles are allowed in zmhook.net" in text


def test_a_room_that_is_in_no_layer_is_found(package: Path):
    (package / "attic").mkdir()
    (package / "attic/__init__.py").touch()
    code, text = lint(package)
    assert code == 1
    assert "zmhook.attic" in text or "attic" in text
