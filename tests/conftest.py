"""Fixtures for every tier: where the weights and photos are, and settings made in a line."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
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


OPTIONAL = "optional:"


def pytest_report_header() -> str | None:
    return "a skipped test fails, unless its reason begins with 'optional:'" if no_skips() else None


def no_skips() -> bool:
    """Whether nothing may be missing here: then a skip is a part that was not tested."""
    return os.environ.get("ZMHOOK_NO_SKIPS", "") not in ("", "0")


def fail_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that tells the skip's reason."""
    if not (no_skips() and report.outcome == "skipped") or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(OPTIONAL):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be missing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_skip(report)
    return report
