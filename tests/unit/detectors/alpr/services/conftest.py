"""What every service needs."""

from __future__ import annotations

import pytest

from zmhook.deadline import Deadline


@pytest.fixture(autouse=True)
def waits(monkeypatch) -> list[float]:
    """Wait for nobody; what would have been waited, in seconds."""
    waited: list[float] = []
    monkeypatch.setattr(Deadline, "sleep", lambda _, seconds: waited.append(seconds))
    return waited
