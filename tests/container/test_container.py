"""The Dockerfile's steps, run without Docker in a root file system of Debian 12.

`make container` runs this; it needs root, debootstrap, a network and some minutes. It builds no
image: what is tested are the steps, the commands and the health checks. ZMHOOK_CONTAINER_BASE names
a folder that debootstrap filled before.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from dockerfile import Root, Stage, connect, make_base, stages

pytestmark = pytest.mark.container

ROOT = Path(__file__).parent.parent.parent
BASE = Path("var/lib/zmeventnotification")
SECONDS = 60


@pytest.fixture(scope="session")
def debian() -> Iterator[Path]:
    if os.environ.get("ZMHOOK_CONTAINER") != "1":
        pytest.skip("optional: ZMHOOK_CONTAINER=1 (make container) runs the Dockerfile's steps")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("optional: root and debootstrap run the Dockerfile's steps")
    folder = Path(tempfile.mkdtemp(prefix="zmhook-container-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        if base := os.environ.get("ZMHOOK_CONTAINER_BASE"):
            subprocess.run(["cp", "-a", base, folder / "debian"], check=True)
        else:
            make_base(folder / "debian")
        connect(folder / "debian")
        yield folder / "debian"
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session", params=["hook", "remote"])
def built(request: pytest.FixtureRequest, debian: Path) -> Iterator[tuple[Stage, Root]]:
    """A stage, and the root file system in which its steps were run."""
    stage = stages((ROOT / "Dockerfile").read_text())[request.param]
    folder = debian.with_name(request.param)
    subprocess.run(["cp", "-a", debian, folder], check=True)
    root = Root(folder, ROOT)
    root.build(stage)
    yield stage, root
    shutil.rmtree(folder)


@contextmanager
def started(root: Root, command: list[str]) -> Iterator[None]:
    """Run a command as the first process in there, and end it as `docker stop` does."""
    process = subprocess.Popen(root.words(command))
    try:
        yield
    finally:
        first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(first), signal.SIGTERM)
        process.wait(SECONDS)


def wait_for(ready: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < until, f"waited for {what}"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configure(root: Root, text: str) -> None:
    (root.folder / "etc/zm/objectconfig.ini").write_text(text)


def health(stage: Stage, root: Root) -> int:
    """Run the check in there. It is a process of its own namespace, as with a shared volume."""
    return root.run(stage.health, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def test_it_analyses_a_picture(built, photo) -> None:
    stage, root = built
    configure(root, "[general]\nmodels = hog\n[hog]\nhog_min_confidence = 0.1\n")
    shutil.copyfile(photo("person.jpg"), root.folder / "tmp" / "person.jpg")
    done = root.run(
        ["zmhook", "detect", "--file", "/tmp/person.jpg"], capture_output=True, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "detected:person" in done.stdout
    assert root.user == stage.user == "www-data"


def test_it_is_not_there_as_root_writes_it(built) -> None:
    """Programs are root's; the data, which volumes hold, is the user's."""
    _, root = built
    done = root.run(
        ["sh", "-c", f"cd /{BASE}; test ! -w venv && test ! -w bin && test -w models -a -w state"]
    )
    assert done.returncode == 0


def test_its_command_becomes_healthy(built, endpoint) -> None:
    stage, root = built
    assert health(stage, root) != 0
    port = free_port()
    configure(
        root,
        f"[general]\nmodels = hog\nportal = {endpoint.url}/zm\n[service]\nlisten_user = zmhook\n",
    )
    endpoint.answer = lambda _: (200, {}, b'{"events": []}')
    command = [word.replace("0.0.0.0:5000", f"127.0.0.1:{port}") for word in stage.command]
    with started(root, command):
        wait_for(lambda: health(stage, root) == 0, "a good health")
        if stage.name == "remote":
            url = f"http://127.0.0.1:{port}/health/ready"
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.status == 200
    assert health(stage, root) != 0
