"""The demonstration, as `make demo` runs it, and what make says when something is missing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
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
    for name in ("hook", "bin", "tools", "docs/pictures"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "setup.py", "zm_event_start.sh"):
        shutil.copy(root / name, folder)
    return folder


def demo(checkout: Path, manifest: Path) -> subprocess.CompletedProcess[str]:
    return call([sys.executable, "tools/demo.py", "--manifest", manifest], checkout)


def manifest(path: Path, url: str, sha256: str) -> Path:
    file = {"path": "yolox_nano/yolox_nano.onnx", "sha256": sha256, "urls": [url], "size": 1 << 22}
    model = {"name": "yolox_nano", "description": "objects", "licence": "Apache-2.0"}
    model |= {"licence_url": "https://example.org", "settings": {}, "files": [file]}
    path.write_text(json.dumps({"models": [model]}))
    return path


@pytest.fixture(scope="module")
def first(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The first run, on a machine without a network."""
    nowhere = manifest(checkout / "nowhere.json", "http://zmhook.invalid/x", "0" * 64)
    return demo(checkout, nowhere)


def lines(done: subprocess.CompletedProcess[str], beginning: str) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith(beginning)]


def test_without_a_network_it_says_so_and_recognises_both_people(
    first: subprocess.CompletedProcess[str],
):
    assert first.returncode == 0, first.stdout + first.stderr
    assert "It cannot be downloaded. HOG" in first.stdout
    (line,) = lines(first, "[")
    text, split, data = line.partition(" --SPLIT--")
    assert split
    assert "eileen_collins" in text
    assert "grace_hopper" in text
    assert json.loads(data)["frame_id"] == "alarm"


def test_both_events_are_listed_with_their_milliseconds(first: subprocess.CompletedProcess[str]):
    (cold,), (warm,) = lines(first, "  1 Front door"), lines(first, "  2 Garden")
    assert re.fullmatch(r"  1 Front door +cold +alarm +0 +\d+", cold)
    assert re.fullmatch(r"  2 Garden +warm +nothing +1 +\d+", warm)


def test_the_pictures_are_where_it_says(first: subprocess.CompletedProcess[str], checkout: Path):
    import cv2

    (line,) = lines(first, "  annotated picture of event 1")
    path = Path(line.split()[-1])
    assert path == checkout / "demo/events/1/objdetect.jpg"
    annotated, plain = cv2.imread(str(path)), cv2.imread(str(path.with_name("alarm.jpg")))
    assert annotated.shape == plain.shape == (720, 1280, 3)
    assert cv2.absdiff(annotated, plain).max() > 100  # something is drawn on it
    (line,) = lines(first, "  what became of event 2")
    assert Path(line.split()[-1]).is_file()


def test_its_service_has_ended(first: subprocess.CompletedProcess[str], checkout: Path):
    assert first.returncode == 0
    assert list((checkout / "demo" / "run").glob("*.sock")) == []


def test_with_a_network_it_fetches_a_model_and_drops_the_cat(
    first: subprocess.CompletedProcess[str], checkout: Path, model, endpoint
):
    assert "2 trained, 0 rejected, 0 unchanged" in first.stdout
    network = model("yolox_nano_416.onnx").read_bytes()
    endpoint.answers.append((200, {}, network))
    sha256 = hashlib.sha256(network).hexdigest()
    done = demo(checkout, manifest(checkout / "here.json", f"{endpoint.url}/nano", sha256))
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = lines(done, "[")
    assert "person:" in line
    assert "eileen_collins" in line
    assert "0 trained, 0 rejected, 2 unchanged" in done.stdout
    assert re.search(r"  cat \d+% .*: dropped by pattern: ", done.stdout)


def test_a_hook_that_cannot_run_is_one_line_and_a_failure(checkout: Path, tmp_path: Path):
    spoilt = tmp_path / "zmhook"
    shutil.copytree(checkout, spoilt, ignore=shutil.ignore_patterns("demo"))
    (spoilt / "zm_event_start.sh").unlink()
    done = demo(spoilt, spoilt / "nowhere.json")
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


def test_make_lint_says_at_once_that_shellcheck_is_missing(checkout: Path, tmp_path: Path):
    make = shutil.which("make")
    assert make
    done = call([make, "lint"], checkout, PATH=str(tmp_path))
    assert done.returncode != 0
    assert "make lint: install shellcheck (apt-get install shellcheck)" in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_help_lists_every_command(checkout: Path):
    text = (checkout / "Makefile").read_text("utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    listed = re.findall(r"^  make ([\w-]+)", call(["make"], checkout).stdout, re.MULTILINE)
    assert sorted(listed) == sorted({*targets.split()} - {"help", "shellcheck"})
