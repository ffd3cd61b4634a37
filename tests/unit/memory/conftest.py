"""State below a folder of the test, closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.settings import Gate, Settings
from zmhook.storage.shared_database import close_all


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Settings with `[gate]` as given; `labels` are the limits of single labels."""

    def make(labels=None, **gate) -> Settings:
        return Settings(gate=Gate(state_path=str(tmp_path / "state"), **gate), labels=labels or {})

    yield make
    close_all()
