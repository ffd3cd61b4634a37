"""Run an engine alone: one process that runs a network on the same picture.

As a program it answers each line on stdin: `times N` with the milliseconds of N inferences, and
`seconds S` with the number of inferences in that time. The picture is prepared before.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HOOK = Path(__file__).resolve().parent.parent.parent / "hook"


class Setup(NamedTuple):
    """A network, a picture for it, and the engine."""

    model: Path
    photo: Path
    engine: str = "onnxruntime"
    precision: str = "f32"
    threads: int = 1


class Bare:
    """The parent's view of the engine's process."""

    def __init__(self, setup: Setup) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *map(str, setup)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Bare:
        self.times(2)  # loaded and warm
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # it ends with its stdin

    def times(self, count: int) -> list[float]:
        """Return the milliseconds of each of `count` inferences in a row."""
        return self.finish(f"times {count}")

    def begin(self, seconds: float) -> None:
        """Start running for some seconds; `finished` returns the number of inferences."""
        self._say(f"seconds {seconds}")

    def finished(self) -> float:
        return self._heard()[0]

    def finish(self, said: str) -> list[float]:
        self._say(said)
        return self._heard()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def _heard(self) -> list[float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the bare engine's process has ended; see above")
        return json.loads(line)


def tight_loop(engines: Sequence[Bare], seconds: float) -> float:
    """Return the inferences per second of engines that run at the same time."""
    for engine in engines:
        engine.begin(seconds)
    return sum(engine.finished() for engine in engines) / seconds


def main() -> None:
    infer = _engine(
        Setup(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
    )
    for line in sys.stdin:
        what, _, amount = line.partition(" ")
        answer = (
            [_timed(infer) for _ in range(int(amount))]
            if what == "times"
            else [_counted(infer, float(amount))]
        )
        print(json.dumps(answer), flush=True)


def _engine(setup: Setup):  # noqa: ANN202 - a closure, used above alone
    sys.path.insert(0, str(HOOK))
    import cv2

    from zmhook.detectors.model_files import yolo_files
    from zmhook.detectors.yolo.engines import engine_for
    from zmhook.detectors.yolo.heads import recognise
    from zmhook.detectors.yolo.letterbox import blob
    from zmhook.settings import Yolo

    settings = Yolo(
        weights=str(setup.model),
        yolo_engine=setup.engine,
        yolo_precision=setup.precision,
        yolo_threads=setup.threads,
    )
    files = yolo_files(settings)
    engine = engine_for(files.weights, setup.engine)(files, settings)
    network = engine.load()
    head, _ = recognise(network, files)
    given, _ = blob(cv2.imread(str(setup.photo)), network.size, head.preprocessing)
    return lambda: engine.infer(given)


def _timed(infer) -> float:  # noqa: ANN001
    started = time.perf_counter()
    infer()
    return (time.perf_counter() - started) * 1000


def _counted(infer, seconds: float) -> float:  # noqa: ANN001
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        infer()
        count += 1
    return count


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


if __name__ == "__main__":
    main()
