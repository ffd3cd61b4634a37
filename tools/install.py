"""Install packages with pip, and show in one line what it is doing.

    python tools/install.py '.[demo]'

Uses the standard library only: nothing is installed yet. On a terminal the line is rewritten;
elsewhere a new one appears every ten seconds. If pip fails, its error messages follow.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import deque

PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--use-pep517"]
PIP += ["--retries", "2", "--no-compile", "--progress-bar", "off"]  # modules compile when imported
EVERY = 10.0
"""Seconds between two lines where there is no terminal."""
KEPT = 20
"""The number of pip's last lines to show when it fails without an error message."""
WIDTH = 78

_COLLECTING = re.compile(r"Collecting ([\w.-]+)")
_DOWNLOADING = re.compile(r"Downloading (\S+/)?([\w.]+)-\S+(?<!\.metadata) \(([\d.]+ [kMG]?B)\)")
_BUILDING = re.compile(r"Building (?:wheel|editable) for ([\w.-]+)")
_PREPARING = re.compile(r"Installing build dependencies|Preparing editable metadata")
_INSTALLING = re.compile(r"Installing collected packages: (.*)")
_UNITS = {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}


class Progress:
    """What pip has done so far, read from its output."""

    def __init__(self) -> None:
        self.packages: set[str] = set()
        self.megabytes = 0.0
        self.now = "starting"
        self.last = 0

    def read(self, line: str) -> None:
        if match := _COLLECTING.search(line):
            self.packages.add(match[1].lower())
            self.now = f"looking up {match[1]}"
        elif match := _DOWNLOADING.search(line):
            size, unit = match[3].split()
            self.megabytes += float(size) * _UNITS[unit]
            self.now = f"downloading {match[2]} ({match[3]})"
        elif match := _BUILDING.search(line):
            self.now = f"building {match[1]}"
        elif _PREPARING.search(line):
            self.now = "preparing to build zmhook"
        elif match := _INSTALLING.search(line):
            self.last = len(match[1].split(", "))
            self.now = f"unpacking {self.last} packages"

    def line(self, seconds: float) -> str:
        amount = f"{len(self.packages)} packages, {self.megabytes:.0f} MB"
        return f"  {seconds:3.0f} s, {amount}: {self.now}"


class Display:
    """One line on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._began = self._shown = time.monotonic()

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        line = progress.line(now - self._began)[:WIDTH]
        if self._terminal:
            print(f"\r{line:<{WIDTH}}", end="", flush=True)
        elif now - self._shown >= EVERY:
            self._shown = now
            print(line, flush=True)

    def end(self, progress: Progress) -> None:
        seconds = time.monotonic() - self._began
        if self._terminal:
            print(f"\r{'':<{WIDTH}}\r", end="")
        size = f", {progress.megabytes:.0f} MB downloaded" if progress.megabytes else ""
        count = progress.last or len(progress.packages)
        print(f"  done: {count} packages{size}, {seconds:.0f} s", flush=True)


def main(arguments: list[str]) -> int:
    progress, display = Progress(), Display()
    errors: list[str] = []
    last: deque[str] = deque(maxlen=KEPT)
    with subprocess.Popen(
        [*PIP, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        for line in pip.stdout or ():
            progress.read(line)
            display.show(progress)
            last.append(line)
            if line.lstrip().startswith(("ERROR", "error:")):
                errors.append(line)
    if pip.returncode == 0:
        display.end(progress)
    else:
        print("", *(errors or last), sep="\n", file=sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nstopped: run the command again to go on")
