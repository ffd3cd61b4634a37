"""Measure, on the ZoneMinder of these tests, how long after its start an event is decided.

    sudo ZMHOOK_TEST_ASSETS=… .venv/bin/python tests/zoneminder/delay.py [watch | filter] [EVENTS]

`watch`: zmhook watch. `filter`: ZoneMinder's filter with "Execute command", as the guide has it.
The start is when ZoneMinder writes the first picture. The decision is the time of its line in
ZoneMinder's log; the hook was called before that by the total that the line says. The service is
warm.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from test_ways_in import Ways

import conftest

ASSETS = Path(os.environ["ZMHOOK_TEST_ASSETS"])


def main(way: str = "watch", events: str = "10") -> None:
    state = Path(tempfile.mkdtemp(prefix="zmhook-zm-"))
    try:
        conftest.bring_up(state)
        zm = conftest.ZoneMinder(state)
        zm.add_monitors()
        zm.show(ASSETS / "photos" / "dog.jpg")
        with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
            weights = Path(folder, "yolov8n.onnx")
            shutil.copyfile(ASSETS / "models" / weights.name, weights)
            packages = [
                str(conftest.HERE.parent.parent / "hook"),
                *(path for path in sys.path if path.endswith("-packages")),
            ]
            ways = Ways(zm, Path(folder), weights, "/usr/bin/python3", os.pathsep.join(packages))
            try:
                with getattr(ways, way)():
                    measure(zm, ways, int(events))
            finally:
                ways.close()
    finally:
        subprocess.run([conftest.HERE / "down.sh", state], check=False)
        shutil.rmtree(state, ignore_errors=True)


def measure(zm: conftest.ZoneMinder, ways: Ways, events: int) -> None:
    decided, called = [], []
    for number in range(events + 1):
        time.sleep(random.uniform(1, 3))
        event = zm.force_alarm("still")
        time.sleep(2)
        zm.end_alarm("still")
        end, start = ways.wait_for_decision(event.id, 200)
        conftest.wait_for(lambda event=event: not zm.is_open(event), 30, "its end")
        began = (event.path / "00001-capture.jpg").stat().st_mtime
        print(
            f"event {event.id}: hook after {start - began:.2f} s, decided after {end - began:.2f} s"
        )
        if number:  # the service starts with the first
            decided.append(end - began)
            called.append(start - began)
    print(f"{events} events: hook {summary(called)}; decided {summary(decided)}")


def summary(delays: list[float]) -> str:
    return f"median {statistics.median(delays):.2f} s ({min(delays):.2f} to {max(delays):.2f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
