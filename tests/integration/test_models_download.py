"""`zmhook models get` as a process: a real model file over HTTP, cut on the way and continued."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from zmhook.models.manifest import load_manifest

pytestmark = pytest.mark.integration

YUNET = "face_detection_yunet_2023mar.onnx"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; knows nothing of ranges, as many plain servers."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(assets: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(assets / "models")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def installed(tmp_path: Path, mirror: str) -> Path:
    """A configuration that finds faces with yunet, and the manifest's entry with our mirror."""
    (tmp_path / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = face\n[face]\nface_model = yunet\n"
    )
    manifest = msgspec.to_builtins(load_manifest())
    for model in manifest["models"]:
        for file in model["files"]:
            file["urls"] = [f"{mirror}/{Path(file['path']).name}"]
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return tmp_path


def zmhook(root: Path, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    options = ["-c", str(folder / "objectconfig.ini"), "--manifest", str(folder / "manifest.json")]
    return subprocess.run(
        [sys.executable, "-m", "zmhook.cli.main", "models", *argv, *options],
        env={**os.environ, "PYTHONPATH": str(root / "hook")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_the_configuration_uses_is_fetched_verified_and_then_left(
    root: Path, installed: Path, assets: Path
):
    place = installed / "models" / "yunet" / YUNET
    assert zmhook(root, installed, "verify").returncode == 1

    done = zmhook(root, installed, "get")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Licence: MIT" in done.stdout
    assert place.read_bytes() == (assets / "models" / YUNET).read_bytes()
    assert zmhook(root, installed, "verify").returncode == 0

    again = zmhook(root, installed, "get")
    assert "already there, verified" in again.stdout
    assert again.returncode == 0


def test_a_part_left_by_an_interrupted_run_does_no_harm(root: Path, installed: Path, assets: Path):
    place = installed / "models" / "yunet" / YUNET
    whole = (assets / "models" / YUNET).read_bytes()
    place.parent.mkdir(parents=True)
    place.with_name(YUNET + ".part").write_bytes(whole[:100_000])
    assert zmhook(root, installed, "get").returncode == 0
    assert place.read_bytes() == whole


def test_a_later_change_is_noticed(root: Path, installed: Path):
    assert zmhook(root, installed, "get").returncode == 0
    place = installed / "models" / "yunet" / YUNET
    with place.open("r+b") as file:
        file.write(b"!")
    done = zmhook(root, installed, "verify")
    assert (done.returncode, done.stdout.split()) == (1, ["changed", str(place)])


def test_a_file_that_the_mirror_lacks_is_one_line(root: Path, installed: Path):
    done = zmhook(root, installed, "get", "yolox_s")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "yolox_s.onnx cannot be fetched: HTTP 404 (" in line
    assert str(installed / "models" / "yolox_s" / "yolox_s.onnx") in line
    assert "Traceback" not in done.stderr
