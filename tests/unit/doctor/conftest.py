"""A patient made of a few lines of configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from zmhook.doctor.finding import Finding
from zmhook.doctor.patient import Patient
from zmhook.process.privilege import name_of
from zmhook.settings import load


@pytest.fixture
def patient(tmp_path: Path) -> Callable[..., Patient]:
    """Make one of the lines after `[general]`; its data is ours, below tmp_path."""

    def make(text: str = "models = hog\n", **more: object) -> Patient:
        path = tmp_path / "o.ini"
        general = f"[general]\nbase_data_path = {tmp_path}/data\nbase_zm_conf_path = {tmp_path}\n"
        path.write_text(f"{general}{text}")
        path.chmod(0o640)
        (tmp_path / "data").mkdir(exist_ok=True)
        given = {"path": str(path), "config": load(path), "overrides": (), **more}
        return Patient(**{"owner": name_of(os.geteuid()), **given})

    return make


@pytest.fixture
def states() -> Callable[[Iterable[Finding]], list[tuple[str, str]]]:
    """Return the name and state of findings."""
    return lambda findings: [(finding.name, finding.state) for finding in findings]
