"""Run 500 hooks within 10 s, then a long time at 80 % of the sustainable rate.

Each hook is the real zm_event_start.sh with YOLOv8n, for one of ten monitors. It counts as answered
when it printed the right line and ended by event_deadline (and a second for its own process), as
late when it ended after that, and as lost when it ended in another way or not at all.
"""

from __future__ import annotations

import itertools
import math
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lab.load import rate
from lab.service import Service, pss_mb
from measure import arguments, show

HOOKS, WITHIN = 500, 10.0
MONITORS = 10
DEADLINE, GRACE = 30.0, 1.0
LONGEST = DEADLINE + 15
CALLERS = 8
SHARE = 0.8
MOST_AT_ONCE = 200
QUICK_MINUTES = 0.08
SETTLED = 0.2
"""Share of the long time after which memory counts as stable."""

Figures = dict[str, float]


class Answer(NamedTuple):
    """Result of a hook: seconds since the start of the burst, exit code, and output."""

    monitor: int
    asked: float
    ended: float
    code: int
    line: bytes

    @property
    def is_lost(self) -> bool:
        return self.code not in (0, 1, 2) or (self.code == 0) != (b"detected:" in self.line)

    @property
    def is_late(self) -> bool:
        return not self.is_lost and self.ended - self.asked > DEADLINE + GRACE


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--hooks", type=int, default=HOOKS, help=f"hooks of the burst (default {HOOKS})"
    )
    parser.add_argument(
        "--minutes", type=float, default=10, help="minutes of the long time (default 10)"
    )
    args = parser.parse_args()
    model, photo = args.assets / "models" / "yolov8n.onnx", args.assets / "photos" / "dog.jpg"
    with Service(model, photo, general=f"event_deadline = {DEADLINE:g}") as service:
        for monitor in range(1, MONITORS + 1):
            service.event(monitor)
        figures = storm(service, args.hooks)
        sustained = rate([lambda: service.run(1)] * CALLERS, 2 if args.quick else 15)
        minutes = min(args.minutes, QUICK_MINUTES) if args.quick else args.minutes
        figures |= long_time(service, sustained * SHARE, minutes)
        figures["sustained_per_s"] = sustained
    show(figures, rows(figures), as_json=args.json)


def storm(service: Service, hooks: int) -> Figures:
    """Start the hooks 20 ms apart; wait for their results."""
    with Watch(service) as watch, ThreadPoolExecutor(hooks) as threads:
        began = time.perf_counter()
        waiting = [
            threads.submit(ask, service, began, number, number * WITHIN / HOOKS)
            for number in range(hooks)
        ]
        answers = [one.result() for one in waiting]
    late, lost = (sum(getattr(one, name) for one in answers) for name in ("is_late", "is_lost"))
    took = [(one.ended - one.asked) * 1000 for one in answers]
    return {
        "asked": len(answers),
        "answered": len(answers) - late - lost,
        "late": late,
        "lost": lost,
        "undecided": sum(one.code == 2 for one in answers),
        "refused": service.status()["refused"],
        "max_processes": watch.most["processes"],
        "max_python_processes": watch.most["pythons"],
        "max_pss_mb": watch.most["pss_mb"],
        "max_python_pss_mb": watch.most["pythons_pss_mb"],
        "out_of_order": out_of_order(answers),
        "in_order": float(out_of_order(answers) == 0),
        "storm_s": max(one.ended for one in answers),
        "storm_p50_ms": share(took, 0.5),
        "storm_max_ms": max(took),
    }


def ask(service: Service, began: float, number: int, at: float) -> Answer:
    """Run one hook some seconds after `began`."""
    time.sleep(max(0.0, began + at - time.perf_counter()))
    monitor = number % MONITORS + 1
    asked = time.perf_counter() - began
    code, line = run_hook(service.hook(monitor, number + 1), service)
    return Answer(monitor, asked, time.perf_counter() - began, code, line)


def run_hook(command: Sequence[str], service: Service) -> tuple[int, bytes]:
    try:
        done = subprocess.run(
            command,
            env=service.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, b""
    return done.returncode, done.stdout


def out_of_order(answers: Sequence[Answer]) -> int:
    """Count answers that overtook that of an earlier event of the same monitor."""
    count = 0
    for monitor in range(1, MONITORS + 1):
        ended = [one.ended for one in sorted(answers) if one.monitor == monitor]
        count += sum(later < earlier for earlier, later in itertools.pairwise(ended))
    return count


class Watch:
    """Watches all processes of the service and its hooks while the context lasts."""

    EVERY = 0.5

    def __init__(self, service: Service) -> None:
        self._mark = f"ZMHOOK_RUN={service.folder}".encode()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_again)
        self.most = {"processes": 0.0, "pythons": 0.0, "pss_mb": 0.0, "pythons_pss_mb": 0.0}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look_again(self) -> None:
        while not self._done.wait(self.EVERY):
            pids = [pid for pid in _all_pids() if self._is_ours(pid)]
            pythons = [pid for pid in pids if _name(pid).startswith("python")]
            found = {
                "processes": len(pids),
                "pythons": len(pythons),
                "pss_mb": sum(map(pss_mb, pids)),
                "pythons_pss_mb": sum(map(pss_mb, pythons)),
            }
            self.most = {name: max(most, found[name]) for name, most in self.most.items()}

    def _is_ours(self, pid: str) -> bool:
        """Recognise them by their environment; the bench itself has another one."""
        return self._mark in _read(f"/proc/{pid}/environ").split(b"\0")


def _all_pids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _name(pid: str) -> str:
    return _read(f"/proc/{pid}/comm").decode()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # it has just ended
        return b""


def long_time(service: Service, per_s: float, minutes: float) -> Figures:
    """Start hooks at a steady rate, whether or not earlier ones have been answered."""
    samples: list[tuple[float, float]] = []
    files = service.open_files()
    began = time.perf_counter()
    done = threading.Event()
    watcher = threading.Thread(target=sample, args=(service, began, samples, done))
    watcher.start()
    count = math.ceil(per_s * minutes * 60)
    try:
        with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
            answers = list(
                threads.map(
                    lambda number: ask(service, began, number, number / per_s), range(count)
                )
            )
    finally:
        done.set()
        watcher.join()
    took = [(one.ended - one.asked) * 1000 for one in answers]
    return {
        "steady_per_s": per_s,
        "steady_minutes": minutes,
        "steady_asked": count,
        "steady_failed": sum(one.is_late or one.is_lost or one.code == 2 for one in answers),
        "p50_ms": share(took, 0.5),
        "p95_ms": share(took, 0.95),
        "p99_ms": share(took, 0.99),
        "memory_slope_mb_per_min": slope(samples),
        "open_files_start": files,
        "open_files_end": service.open_files(),
    }


def sample(
    service: Service,
    began: float,
    samples: list[tuple[float, float]],
    done: threading.Event,
) -> None:
    while not done.wait(0.5 if len(samples) < 20 else 5):
        samples.append(((time.perf_counter() - began) / 60, service.pss_mb()))


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the slope in MB per minute of the samples after memory became stable."""
    settled = samples[int(len(samples) * SETTLED) :]
    if len(settled) < 2:
        return 0.0
    minutes, megabytes = zip(*settled, strict=True)
    return statistics.linear_regression(minutes, megabytes).slope


def share(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def rows(figures: Figures) -> list[list[str]]:
    return [[f"{HOOKS} hooks within {WITHIN:g} s, then a steady rate", ""]] + [
        [name, f"{value:.1f}".removesuffix(".0")] for name, value in figures.items()
    ]


if __name__ == "__main__":
    main()
