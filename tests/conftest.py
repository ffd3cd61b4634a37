"""Fixtures for every tier: where the weights and photos are, and settings made in a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def assets() -> Path:
    """Weights and photos that are not part of the project; the test is skipped without them."""
    folder = Path(os.environ.get("ZMHOOK_TEST_ASSETS", ROOT.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip(f"no weights and photos in {folder} (set ZMHOOK_TEST_ASSETS)")
    return folder


@pytest.fixture(scope="session")
def photo(assets: Path) -> Callable[[str], Path]:
    return lambda name: assets / "photos" / name


@pytest.fixture(scope="session")
def model(assets: Path) -> Callable[[str], Path]:
    return lambda name: assets / "models" / name
