"""Running the real scripts as their users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

TIMEOUT = 120


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """The line without its JSON."""
        return self.out.partition(" --SPLIT--")[0]


def said(command: list[str | bytes | Path], env: Mapping[str, str]) -> Said:
    """Run as a daemon would: in /, with nothing to read."""
    done = subprocess.run(
        command,
        env=env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def config(tmp_path: Path, model: Callable[[str], Path]) -> Callable[..., Path]:
    """Write an objectconfig.ini that uses YOLOX-nano and nothing outside tmp_path.

    No service is started, unless `rest` has a [service] section of its own.
    """

    def write(general: str = "", rest: str = "", name: str = "objectconfig.ini") -> Path:
        path = tmp_path / name
        if "max_attempts" not in general:
            general += "\nmax_attempts = 2\nsleep_between_attempts = 0.05"
        if "[service]" not in rest:
            rest += "\n[service]\nuse_service = no"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}/data\nbase_zm_conf_path = {tmp_path}\n"
            f"{general}\n[yolo]\nweights = {model('yolox_nano_416.onnx')}\n{rest}\n",
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def event_folder(tmp_path: Path, photo: Callable[[str], Path]) -> Callable[..., Path]:
    """Make an event's folder that holds a photo as the pictures named."""

    def make(name: str = "dog.jpg", pictures: tuple[str, ...] = ("snapshot.jpg",)) -> Path:
        folder = tmp_path / "events" / "1" / "17"
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            (folder / picture).write_bytes(photo(name).read_bytes())
        return folder

    return make


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As bare as a daemon's, with our Python."""
    return {"PATH": "/usr/bin:/bin", "ZMHOOK_PYTHON": sys.executable, "HOME": str(tmp_path)}


@pytest.fixture
def hook(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_event_start.sh with a configuration and its arguments."""

    def call(config: Path, *args: str | bytes | Path, **extra: str) -> Said:
        env = {**environment, "ZMHOOK_CONFIG": str(config), **extra}
        return said([root / "zm_event_start.sh", *args], env)

    return call


@pytest.fixture
def detect(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_detect.py with its arguments."""

    def call(*args: str | Path, **extra: str) -> Said:
        script = root / "bin" / "zm_detect.py"
        return said([sys.executable, script, *args], {**environment, **extra})

    return call


# Without these, permissions bind root too.
MIGHT = "-dac_override,-dac_read_search"


@pytest.fixture
def bound_detect(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_detect.py as somebody whom permissions bind."""
    bound = ["setpriv", f"--bounding-set={MIGHT}", f"--inh-caps={MIGHT}"]

    def call(*args: str | Path) -> Said:
        script = root / "bin" / "zm_detect.py"
        return said(
            [*(bound if os.geteuid() == 0 else []), sys.executable, script, *args], environment
        )

    return call
