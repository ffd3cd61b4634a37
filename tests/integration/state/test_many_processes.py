"""Many processes use the same files at once: nothing is lost, nobody waits for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.history.read import DecisionFilter, History
from zmhook.memory.past import FILE, Past
from zmhook.settings import Gate, Settings
from zmhook.storage.shared_database import close_all

pytestmark = pytest.mark.integration

PROCESSES, EVENTS = 6, 15
TIMEOUT = 60

START = """
import json, logging, sys
logging.basicConfig(level=logging.WARNING)
from zmhook.detection import Box, Decision, Detection
from zmhook.event import Event
from zmhook.settings import Gate, General, History, Settings
from zmhook.memory.past import Past, Observation
from zmhook.memory.cooldown import Cooldown
from zmhook.history.record import record

folder, me, events = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
settings = Settings(
    general=General(models=("hog",)), gate=Gate(state_path=folder, past_det_misses=1000),
    history=History(history_path=f"{folder}/history.sqlite"),
)
sys.stdin.readline()
"""
PAST = """
past, cooldown = Past.open(settings), Cooldown.open(settings)
for number in range(events):
    x = (me * events + number) * 10
    label, box = f"thing {me} {number}", Box(x, 0, x + 9, 9)
    own = Detection(label=label, confidence=0.5, box=box, model="m")
    common = Detection(label="car", confidence=0.5, box=Box(0, 0, 99, 99), model="m")
    past.at(1)
    observation = Observation([own, common], (2000, 2000))
    past.save(Event(id=me * 1000 + number, monitor_id=1), 1, observation)
    cooldown.record(1, [own.label], 1e9 + number, 60, me * 1000 + number)
print(json.dumps([cooldown.left(1, f"thing {me} {n}", 1e9 + n, 60) for n in range(events)]))
"""
HISTORY = """
for number in range(events):
    event = Event(id=me * 1000 + number, monitor_id=me)
    record(Decision(event=event, outcome="nothing", version="1"), settings)
"""


def run_all(script: str, folder: Path, root: Path) -> list[str]:
    """Let all begin at the same moment; return what each printed, and fail on any complaint."""
    env = {**os.environ, "PYTHONPATH": str(root / "hook")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START + script, str(folder), str(me), str(EVENTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        for me in range(1, PROCESSES + 1)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=TIMEOUT) for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, said
    return [err for _, err in said] + [out for out, _ in said]


def test_past_and_cooldown_lose_nothing(tmp_path: Path, root: Path) -> None:
    said = run_all(PAST, tmp_path, root)
    assert said[:PROCESSES] == [""] * PROCESSES
    assert all(json.loads(out) == [60] * EVENTS for out in said[PROCESSES:])
    objects = Past.open(Settings(gate=Gate(state_path=str(tmp_path)))).at(1)
    close_all()
    labels = [one.label for one in objects]
    own = [f"thing {me} {n}" for me in range(1, PROCESSES + 1) for n in range(EVENTS)]
    assert sorted(labels) == sorted([*own, "car"])


def test_the_history_misses_no_event(tmp_path: Path, root: Path) -> None:
    said = run_all(HISTORY, tmp_path, root)
    assert said[:PROCESSES] == [""] * PROCESSES
    found = History(tmp_path / "history.sqlite").decisions(DecisionFilter())
    expected = {me * 1000 + n for me in range(1, PROCESSES + 1) for n in range(EVENTS)}
    assert {one.event_id for one in found} == expected
    assert len(found) == len(expected)
    made_with = {History(tmp_path / "history.sqlite").of_event(one)[0].settings for one in expected}
    assert len(made_with) == 1, "each process finds the same fingerprint"


def test_a_damaged_file_is_set_aside_by_one_of_them(tmp_path: Path, root: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    said = run_all(PAST, tmp_path, root)
    warnings = [err for err in said[:PROCESSES] if err]
    assert len(warnings) == 1
    assert "it is damaged" in warnings[0]
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == 1
    objects = Past.open(Settings(gate=Gate(state_path=str(tmp_path)))).at(1)
    close_all()
    assert len(objects) == PROCESSES * EVENTS + 1
