"""What a stranger sends is looked at in a time that grows no faster than it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

TIMEOUT = 500
"""Seconds that only end a hang: a parser that takes too much CPU is ended by the kernel."""


def test_every_parser_comes_to_an_end(root: Path) -> None:
    """On 4 MB of its worst input; how long it takes is not judged."""
    done = subprocess.run(
        [sys.executable, root / "bench" / "scans.py", "--quick", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 30
    assert [name for name, seconds in found.items() if seconds < 0] == [], done.stderr
