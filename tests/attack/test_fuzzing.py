"""Damaged pictures, settings and messages: each ends in a result or in an error of ours."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.attack

HERE = Path(__file__).resolve().parent
WORKER = HERE / "fuzz_worker.py"
SEED = 20_260_301
TIMEOUT = 3600
"""Seconds that only end a hang: a case has a limit of its own."""
MOST_CRASHES = 20

# How many cases, short and long.
COUNTS = {"pictures": (2000, 60_000), "settings": (400, 20_000), "mqtt": (600, 40_000)}


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.parent.name + "_" + path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_broker = _module(HERE.parent / "integration" / "conftest.py")
_collector = _module(HERE.parent / "integration" / "snapshots" / "conftest.py")
_fuzz = _module(WORKER)
certificates, make_broker, broker = (
    _broker.certificates, _broker.make_broker, _broker.broker
)  # fmt: skip
make_collector, collector = _collector.make_collector, _collector.collector


def fuzz(kind: str, count: int) -> tuple[int, list[str]]:
    """Return how many cases were tried, and what was lost; a process that dies is replaced."""
    first, lost = 0, []
    while first < count and len(lost) < MOST_CRASHES:
        done = subprocess.run(
            [sys.executable, WORKER, kind, str(SEED), str(first), str(count - first)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # the libraries complain there
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "OPENCV_LOG_LEVEL": "SILENT"},
        )
        lines = done.stdout.splitlines()
        number = first - 1
        for line in lines:
            if line.isdecimal():
                number = int(line)
            elif line != "done":
                lost.append(f"{kind} {number}: {json.loads(line)}")
        if lines and lines[-1] == "done":
            return count, lost
        assert number >= first, f"it does not begin: {done.stderr[-2000:]}"
        lost.append(f"{kind} {number}: the process ended with {done.returncode}")
        first = number + 1
    return first, lost


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_input(kind: str, several: Callable[[int, int], int], attack: Any) -> None:
    tried, lost = fuzz(kind, several(*COUNTS[kind]))
    attack.count(kind, tried=tried - len(lost), survived=tried - len(lost))
    for one in lost:
        with attack(one):
            pytest.fail("lost", pytrace=False)


def test_undamaged_input_is_understood() -> None:
    """What is damaged is right before."""
    _fuzz.settings_case(SEED, 0)
    for picture in _fuzz.pictures()[:5]:
        assert _fuzz.decode(picture, "fuzz", _fuzz.MOST_PIXELS).shape == (48, 64, 3)
    topics = _fuzz.Topics.from_settings(_fuzz.Settings())
    understood = [
        _fuzz.Interpreter(topics).read("axis/door/x", json.dumps(one).encode(), received=1.8e9)
        for one in _fuzz.messages()
    ]
    assert sum(map(bool, understood)) >= 5


def test_a_collector_under_fire(
    collector: Any, broker: Any, several: Callable[[int, int], int], attack: Any
) -> None:
    """Between damaged messages it stores each whole one; it neither ends nor logs a second line."""
    collector.listening()
    process = collector.process
    assert process
    good = 0
    for number in range(several(30, 1500)):
        dice = random.Random(f"{SEED} {number}")
        bad = [_fuzz.payload(dice) for _ in range(8)]
        with attack(f"messages {number}"):
            broker.publish("cameras/door/track", *bad, _collector.track(number))
            good += 1
            assert process.poll() is None, "it ended"
    stored = {f"track-{number}" for number in range(good)}
    with attack("whole messages between damaged ones"):
        _collector.until(lambda: stored <= set(collector.tracks()), "all whole ones are stored")
    with attack("its log"):
        lines = collector.log().splitlines()
        assert all(line.isprintable() for line in lines)
        assert not [line for line in lines if "internal error" in line]
    with attack("its memory"):
        pages = int(Path(f"/proc/{process.pid}/statm").read_text("ascii").split()[1])
        assert pages * 4096 < 500 << 20
    assert collector.stop() == 0
