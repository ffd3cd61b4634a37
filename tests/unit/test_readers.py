"""Whoever reads a file is not kept waiting, and not fed without end, by what lies in its place."""

from __future__ import annotations

import ast
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import zmhook
from zmhook.camera import setup
from zmhook.detectors.face import store as faces
from zmhook.detectors.face.pictures import KnownPicture
from zmhook.detectors.face.training import Trainer
from zmhook.detectors.model_files import ModelFile, labels_of
from zmhook.errors import ZmhookError
from zmhook.event import Event
from zmhook.frames import file as frames
from zmhook.frames.event_folder import stills
from zmhook.frames.window import window_of
from zmhook.migrate import migration, ng
from zmhook.models import manifest
from zmhook.notify import webhook
from zmhook.report import footage
from zmhook.settings import Settings, inifile, load
from zmhook.snapshots import environment, status
from zmhook.snapshots.store import export, layout, rebuild

PACKAGE = Path(zmhook.__file__).parent
HANG = 60
"""Seconds after which a test that waits for a FIFO is ended."""


def trained(path: Path) -> None:
    picture = KnownPicture(f"{path.parent.name}/{path.name}", 1, 1)
    found = Trainer(Settings()).train(path.parent.parent, {picture.path: picture}, {})
    assert found.entries[picture.path].reason.startswith("unreadable: ")


def secrets(path: Path) -> None:
    config = path.with_name("config.ini")
    config.write_text(f"[general]\nsecrets = {path}\n")
    with pytest.raises(ZmhookError):
        load(str(config))


def footage_of(path: Path) -> None:
    still = path.with_name("00001-capture.jpg")
    path.rename(still)
    for number in stills(path.parent):
        with suppress(OSError, ZmhookError):
            footage.read_event_file(stills(path.parent)[number], 10)


READERS: dict[str, Callable[[Path], object]] = {
    "a picture": frames.read,
    "a picture in its event's folder": lambda path: window_of(
        Event(path=str(_as(path, "snapshot.jpg"))), None
    ),
    "a picture to train": trained,
    "a picture for a film": footage_of,
    "a picture to export": lambda path: export._copy(path, path.parent),
    "a list of an export": export._listed,
    "known faces": faces.read,
    "objectconfig.ini": lambda path: inifile.read(str(path)),
    "secrets.ini": secrets,
    "a configuration to migrate": lambda path: migration.migrate(str(path)),
    "a YAML file": lambda path: ng.read_yaml(str(path)),
    "environment.env": environment._file,
    "a network": ModelFile.check,
    "labels": lambda file: labels_of(file, {}),
    "a model to verify": manifest.sha256,
    "a manifest": manifest.load_manifest,
    "a template": webhook._read,
    "what the collector does": lambda path: status.read(_as(path, status.NAME)),
    "the next number": lambda path: rebuild.legacy_counter(_as(path, layout.COUNTER)),
    "what a camera had": lambda path: setup.load_backup(path, "host"),
}


def _as(path: Path, name: str) -> Path:
    path.rename(path.with_name(name))
    return path.parent


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    def end(*_: object) -> None:
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANG)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def as_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def as_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5 << 30)


PLACES: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a socket": as_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a loop": lambda path: path.symlink_to(path),
    "a folder": os.mkdir,
    "five gigabytes": as_huge,
}
ONLY_HASHED = "a model to verify"


@pytest.mark.parametrize("put", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", READERS)
def test_what_lies_there_keeps_nobody(name: str, put: Callable[[Path], object], tmp_path: Path):
    folder = tmp_path / "p"
    folder.mkdir()
    path = folder / "1.jpg"
    put(path)
    if name == ONLY_HASHED and put is as_huge:
        return  # its size is compared before
    reader = READERS[name]
    with suppress(OSError, ZmhookError):
        reader(ModelFile("weights", path) if name in ("a network", "labels") else path)  # type: ignore[arg-type]


WAYS = {
    # What the kernel tells of a process, and what we have written ourselves just now.
    "cli/guard.py",
    "jobs/from_memory.py",
    "report/animation.py",
    "service/holder.py",
    "service/worker.py",
    "process/startup.py",
    # What is root's, or the administrator's.
    "doctor/installed.py",
    "logs.py",
    # A password may come from a pipe.
    "cli/camera_broker.py",
    # Written, not read.
    "models/download.py",
    "snapshots/store/records.py",
}
MODES = ("r", "rb", "a", "ab", "r+b", "w", "wb")


def test_nothing_else_opens_files():
    """Read with `regular.read` or `reading`; a file that needs another way is named here."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _opens(node)
    }
    assert sorted(found - WAYS) == []


def _opens(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id == "open"
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    modes = [one.value for one in call.args if isinstance(one, ast.Constant)]
    is_open = (
        name == "open" and bool(modes) and modes[0] in ("r", "rb", "a", "ab", "r+b", "w", "wb")
    )
    return name in ("read_bytes", "read_text", "loadtxt", "fromfile") or is_open


def test_a_null_device_stands_for_an_empty_configuration():
    assert inifile.read(os.devnull) == {}
    assert load(os.devnull).general.general.models == Settings().general.models
