"""Shared code of the benches: run processes in turns, medians, tables, arguments."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Cost(NamedTuple):
    """Cost of one process: seconds of wall time and CPU, megabytes of resident memory."""

    wall: float
    cpu: float
    rss: float


def run(command: Sequence[str], env: Mapping[str, str] | None = None, says: bytes = b"") -> Cost:
    """Run a command to its end.

    Raise when it fails (exit code above 1) or does not print what it should (`says`).
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as process:
        output, errors = process.stdout, process.stderr
        assert output is not None
        assert errors is not None
        answer = output.read()
        said = errors.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode not in (0, 1) or says not in answer:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said.decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def interleaved(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Cost]:
    """Return the medians per command, run in turns so that a busy moment affects all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for command in commands.values():
        run(command)  # once for the file cache
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command))
    return {
        name: Cost(*map(statistics.median, zip(*some, strict=True))) for name, some in costs.items()
    }


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; ends within 50 s")
    parser.add_argument("--rounds", type=int, help="number of rounds")
    here = ROOT / "assets" if (ROOT / "assets").is_dir() else ROOT.parent / "shared"
    default = os.environ.get("ZMHOOK_TEST_ASSETS", str(here))
    parser.add_argument(
        "--assets", type=Path, default=Path(default), help="the folder with models/ and photos/"
    )
    return parser


def show(figures: Mapping[str, float], rows: Sequence[Sequence[str]], *, as_json: bool) -> None:
    """Print the figures as JSON, or the rows as a table with the first row as its head."""
    if as_json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def peer_python() -> Path:
    """Return the Python of the peer's own environment (pyzm 2.5.6), created on first use."""
    home = ROOT / ".cache" / "peer-pyzm-2.5.6"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"creating the peer's environment in {home} (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        needs = ["pyzm[ml,serve]==2.5.6", "opencv-contrib-python-headless<5"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *needs], check=True)
        (home / "ready").touch()
    return python
