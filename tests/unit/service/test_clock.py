"""The service waits by the steady clock: one that is set back or forward must not stop it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zmhook.service

FOLDER = Path(zmhook.service.__file__).parent
WALL = re.compile(r"\btime\.time\(|\bdatetime\b|\butcnow\b|\blocaltime\b")
FOR_PEOPLE = {"stats.py": 1}
"""When the last error was, which is shown."""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_no_module_waits_by_the_wall_clock(path: Path) -> None:
    assert len(WALL.findall(path.read_text())) == FOR_PEOPLE.get(path.name, 0)
