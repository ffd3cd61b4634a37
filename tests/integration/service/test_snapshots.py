"""The warm service looks at cameras' snapshots as the cold process does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zmhook.detection import Box
from zmhook.event import Event
from zmhook.snapshots.store.store import Store

pytestmark = pytest.mark.integration

MAN, CAR = Box(687, 160, 789, 448), Box(202, 452, 570, 578)


@pytest.fixture
def store(shared: Any) -> Iterator[Store]:
    with Store.open(shared.folder / "data/snapshots") as store:
        yield store


@pytest.fixture
def configured(shared: Any) -> Iterator[Callable[..., None]]:
    """Write the site's configuration anew; `more` are keys of [snapshots]."""

    def write(mode: str, general: str = "", **more: object) -> None:
        keys = "\n".join(f"{key} = {value}" for key, value in {"snapshot_wait": 0, **more}.items())
        shared.write(general, rest=f"[snapshots]\nframe_source = {mode}\n{keys}\n")

    yield write
    shared.write()


def cold(site: Any, folder: Path, monitor: int) -> dict[str, Any]:
    """Let zm_detect.py decide by itself."""
    command = [sys.executable, site.root / "bin/zm_detect.py", "--json", "-e5"]
    done = subprocess.run(
        [*command, f"-m{monitor}", "-p", folder], env=site.env, capture_output=True, timeout=60
    )
    return json.loads(done.stdout)


def warm(site: Any, folder: Path, monitor: int) -> dict[str, Any]:
    return json.loads(site.decide(Event(id=5, monitor_id=monitor, path=str(folder))))


def same(decision: dict[str, Any]) -> dict[str, Any]:
    """Leave out when it was and how long it took."""
    rest = {key: value for key, value in decision.items() if key != "timings"}
    rest["event"] = {key: value for key, value in rest["event"].items() if key != "asked"}
    return rest


# monitor, mode, pattern, trust_camera, which frame answers
CASES = {
    "the camera's own": (1, "snapshots", ".*", "no", "track"),
    "a trusted camera": (1, "snapshots", ".*", "yes", "track"),
    "the second of them": (1, "snapshots", "car", "no", "track"),
    "both": (1, "both", "dog", "no", "alarm"),
    "instead": (1, "fallback", "person", "no", "track"),
    "instead, but of other classes": (1, "fallback", "dog", "no", "alarm"),
    "the camera sent none": (2, "fallback", ".*", "no", "alarm"),
    "none, and nothing else": (2, "snapshots", ".*", "no", None),
}


@pytest.mark.parametrize("name", CASES)
def test_warm_is_as_cold(name: str, shared, store: Store, configured, seen) -> None:
    monitor, mode, pattern, trust, frame = CASES[name]
    store.add([seen("busstop.jpg", MAN), seen("parking.jpg", CAR, label="Car")])
    folder = shared.event("dog.jpg", number=600)
    configured(mode, f"detect_pattern = {pattern}", trust_camera=trust)

    answer = warm(shared, folder, monitor)

    assert same(answer) == same(cold(shared, folder, monitor))
    assert (answer["frame"] or {"id": None})["id"] == frame


def test_a_store_that_is_not_there(shared, configured) -> None:
    folder = shared.event("dog.jpg", number=601)
    configured("both", snapshot_path=shared.folder / "none")

    answer = warm(shared, folder, 1)

    assert same(answer) == same(cold(shared, folder, 1))
    assert answer["outcome"] == "alarm"
    assert "zmhook snapshots run" in answer["errors"][0]


def test_the_hooks_line_and_picture(shared, store: Store, configured, seen) -> None:
    store.add([seen("busstop.jpg", MAN, monitor_id=3)])
    folder = shared.event("busstop.jpg", number=602)
    configured("snapshots")

    said = shared.hook(folder, monitor=3)

    assert said.code == 0, said.err
    assert said.text.startswith("[s] detected:person:")
    shared.until((folder / "objdetect.jpg").exists)
    assert json.loads((folder / "objects.json").read_text())["frame_id"] == "snapshot"


def test_many_that_wait_hold_nobody_up(shared, store: Store, configured, seen) -> None:
    """More events wait for their camera than there are threads to fetch with."""
    folder = shared.event("dog.jpg", number=603)
    shared.write(rest="[monitor-4]\nframe_source = snapshots\nsnapshot_wait = 25\n")
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(warm(shared, folder, 4))) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    shared.until(lambda: shared.status()["queue"]["waiting"] == len(threads))

    assert warm(shared, folder, 1)["outcome"] == "alarm"
    assert answers == []

    store.add([seen("busstop.jpg", MAN, monitor_id=4)])
    for thread in threads:
        thread.join()
    assert {answer["frame"]["id"] for answer in answers} == {"track"}
    assert {answer["outcome"] for answer in answers} == {"alarm"}
