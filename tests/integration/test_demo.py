"""The demonstration, as `make demo` runs it, and what make says when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

TIMEOUT = 300


def call(command: list[str | Path], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the demonstration needs, since it writes into its own folder."""
    folder = tmp_path_factory.mktemp("checkout") / "zmhook"
    for name in ("hook", "bin", "tools"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "setup.py", "zm_event_start.sh"):
        shutil.copy(root / name, folder)
    return folder


@pytest.fixture(scope="module")
def first(checkout: Path) -> subprocess.CompletedProcess[str]:
    return call([sys.executable, "tools/demo.py"], checkout)


def lines(done: subprocess.CompletedProcess[str], beginning: Iterable[str] | str) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith(beginning)]


def test_both_people_are_recognised_in_the_line(first: subprocess.CompletedProcess[str]):
    assert first.returncode == 0, first.stdout + first.stderr
    (line,) = lines(first, "[")
    text, split, json = line.partition(" --SPLIT--")
    assert split
    assert "eileen_collins" in text
    assert "grace_hopper" in text
    assert json.startswith("{")
    assert lines(first, "exit code") == [
        line for line in lines(first, "exit code") if " 0 " in line
    ]


def test_the_annotated_picture_is_where_it_says(
    first: subprocess.CompletedProcess[str], checkout: Path
):
    import cv2

    (line,) = lines(first, "annotated picture")
    path = Path(line.split()[-1])
    assert path == checkout / "demo/events/1/objdetect.jpg"
    annotated, plain = cv2.imread(str(path)), cv2.imread(str(path.with_name("alarm.jpg")))
    assert annotated.shape == plain.shape == (720, 1280, 3)
    assert cv2.absdiff(annotated, plain).max() > 100  # something is drawn on it


def test_it_says_what_to_do_next(first: subprocess.CompletedProcess[str]):
    assert "zmhook models get yolox_nano --to demo/models" in first.stdout
    assert "sudo ./install.sh" in first.stdout


def test_the_second_time_nobody_is_trained_again(
    first: subprocess.CompletedProcess[str], checkout: Path
):
    assert "2 trained, 0 rejected, 0 unchanged" in first.stdout
    again = call([sys.executable, "tools/demo.py"], checkout)
    assert again.returncode == 0, again.stderr
    assert "0 trained, 0 rejected, 2 unchanged" in again.stdout


def test_with_a_model_file_it_looks_for_objects_too(
    first: subprocess.CompletedProcess[str], checkout: Path, model
):
    assert first.returncode == 0
    place = checkout / "demo/models/yolox_nano/yolox_nano.onnx"
    place.parent.mkdir(parents=True)
    shutil.copy(model("yolox_nano_416.onnx"), place)
    try:
        done = call([sys.executable, "tools/demo.py"], checkout)
    finally:
        place.unlink()
    assert done.returncode == 0, done.stderr
    (line,) = lines(done, "[")
    assert "person:" in line
    assert "eileen_collins" in line


def test_a_hook_that_cannot_run_is_one_line_and_a_failure(checkout: Path, tmp_path: Path):
    spoilt = tmp_path / "zmhook"
    shutil.copytree(checkout, spoilt, ignore=shutil.ignore_patterns("demo"))
    (spoilt / "zm_event_start.sh").unlink()
    done = call([sys.executable, "tools/demo.py"], spoilt)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("demo: ")
    assert "zm_event_start.sh" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "Python 3.10 or newer is needed"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
)
def test_make_says_what_is_missing(script: str, message: str, checkout: Path, tmp_path: Path):
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = call(["make", "demo", f"PYTHON={python}"], checkout)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (checkout / ".venv").exists()
