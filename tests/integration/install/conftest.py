"""install.sh for real, below folders of its own. Installing is slow, so the tests share it.

`installed` is the default installation, made once, with packages from the index: what changes it
puts it right again. `least` is the smallest one, made once from gathered packages; `spare` is a
copy of it, with an environment that may be spoiled.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = os.geteuid() == 0
TIMEOUT = 400
LEAST = ("--without", "all", "--with", "remote")
Run = subprocess.CompletedProcess[str]


class Installation:
    """What there is below a prefix."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.base = prefix / "var/lib/zmeventnotification"
        self.venv = self.base / "venv"
        self.etc = prefix / "etc/zm"
        self.command = prefix / "usr/local/bin/zmhook"

    @property
    def site(self) -> Path:
        (site,) = (self.venv / "lib").glob("python3.*/site-packages")
        return site

    def states(self) -> dict[str, tuple[int, int, int, int]]:
        """Mode, owner, group and time of change of everything; byte code comes by use."""
        return {
            str(path): (about.st_mode, about.st_uid, about.st_gid, about.st_mtime_ns)
            for path in self.prefix.rglob("*")
            if "__pycache__" not in path.parts
            for about in [path.lstat()]
        }


def _login(**more: str) -> dict[str, str]:
    """Return what a login shell has: nothing of the tests' own environment but the path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **more}


@pytest.fixture(scope="session")
def login() -> Callable[..., dict[str, str]]:
    return _login


@pytest.fixture(scope="session")
def user() -> str:
    """A user who is no root, where we may give files away."""
    return "www-data" if ROOT else pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="session")
def no_network() -> dict[str, str]:
    """pip's settings under which an index that refuses plays the missing network."""
    return {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture(scope="session")
def public() -> Iterator[Path]:
    """A folder that other users can reach: pytest's own are closed to them, and stay so."""
    folder = Path(tempfile.mkdtemp(prefix="zmhook-"))
    folder.chmod(0o755)
    yield folder
    _remove(folder)


@pytest.fixture(scope="session")
def checkout(root: Path, public: Path) -> Path:
    """A copy of the repository that nobody edits meanwhile."""
    folder = public / "checkout"
    folder.mkdir(mode=0o755)
    for name in ("hook", "bin", "systemd"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in root.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def install(checkout: Path) -> Callable[..., Run]:
    """Run install.sh without a terminal. Lines of its output that it wrapped are joined again."""

    def run(prefix: Path, *options: str, **more: str) -> Run:
        done = subprocess.run(
            [checkout / "install.sh", "--prefix", prefix, *options],
            env=_login(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            umask=0o077,
        )
        done.stdout = re.sub(r"\n {2,}(?=\S)", " ", done.stdout)
        return done

    return run


@pytest.fixture(scope="session")
def sourced(checkout: Path) -> Callable[..., Run]:
    """Run a script that has install.sh's functions."""

    def run(script: str, **more: str) -> Run:
        return subprocess.run(
            ["bash", "-c", f"source {checkout}/install.sh; {script}"],
            env=_login(**more), capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def as_user(user: str) -> Callable[..., Run]:
    """Run as the web server does: its user, an empty environment, another folder."""
    prefix = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if ROOT else []

    def run(command: list[str | Path], **more: str) -> Run:
        return subprocess.run(
            [*prefix, *command],
            env={"PATH": "/usr/bin:/bin", **more},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def below() -> Callable[[Path], Installation]:
    return Installation


@pytest.fixture(scope="session")
def installed(install, public: Path, user: str) -> Installation:
    """A whole installation, made under a umask that forbids everything to others."""
    prefix = public / "prefix"
    done = install(prefix, "--yes", "--no-models", "--user", user)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "install the Python packages" in done.stdout
    return Installation(prefix)


@pytest.fixture(scope="session")
def gathered(install, public: Path) -> str:
    """The packages of the smallest installation that there is, for a machine without a network."""
    folder = public / "packages"
    done = install(public / "nothing", "--gather", str(folder), *LEAST)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (public / "nothing").exists()
    return str(folder)


@pytest.fixture(scope="session")
def offline(gathered: str, no_network: dict[str, str], install) -> Callable[..., Run]:
    """Run install.sh with the gathered packages, and no network."""

    def run(prefix: Path, *options: str) -> Run:
        more = ("--yes", "--no-models", "--wheels", gathered)
        return install(prefix, *more, *options, **no_network)

    return run


@pytest.fixture(scope="session")
def _pristine(offline, public: Path, user: str) -> Path:
    """The smallest installation, put aside: its scripts know the prefix that it was made in."""
    prefix = public / "least"
    done = offline(prefix, "--user", user, *LEAST)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return prefix.rename(public / "pristine")


def _remove(folder: Path) -> None:
    """As shutil.rmtree does, in a third of its time."""
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def least(_pristine: Path, public: Path) -> Iterator[Installation]:
    """The smallest installation. Its environment is lent, everything else a copy."""
    made, lent = Installation(public / "least"), Installation(_pristine).venv
    aside = lent.rename(public / "venv")
    subprocess.run(["cp", "-a", _pristine, made.prefix], check=True)
    aside.rename(made.venv)
    yield made
    made.venv.rename(lent)
    _remove(made.prefix)


@pytest.fixture
def spare(_pristine: Path, public: Path) -> Iterator[Installation]:
    """A copy of the smallest installation, whose environment may be spoiled."""
    prefix = public / "least"
    subprocess.run(["cp", "-a", "--reflink=auto", _pristine, prefix], check=True)
    yield Installation(prefix)
    _remove(prefix)


@pytest.fixture
def copy(installed: Installation, tmp_path: Path) -> Installation:
    """The installation's configuration and folders, to spoil; without the environment."""
    shutil.copytree(installed.etc, tmp_path / "etc/zm", symlinks=True)
    copied = Installation(tmp_path)
    (copied.venv / "bin").mkdir(parents=True)
    (copied.base / "known_faces/ann").mkdir(parents=True)
    (copied.base / "known_faces/ann/1.jpg").write_bytes(b"a face")
    return copied


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(holds: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < until
            time.sleep(0.2)

    return wait


# -- damage ----------------------------------------------------------------------------------------


class Damage:
    """What can happen to a file for a while."""

    @staticmethod
    @contextmanager
    def away(*paths: Path) -> Iterator[None]:
        for path in paths:
            path.rename(f"{path}.away")
        try:
            yield
        finally:
            for path in paths:
                Path(f"{path}.away").rename(path)

    @classmethod
    @contextmanager
    def half_written(cls, path: Path, content: bytes | None = None) -> Iterator[None]:
        """Only the beginning, or something else, reached the disk."""
        with cls.away(path):
            whole = Path(f"{path}.away").read_bytes()
            path.write_bytes(whole[: len(whole) // 2] if content is None else content)
            path.chmod(0o755)
            yield
            path.unlink()

    @classmethod
    @contextmanager
    def dangling(cls, path: Path) -> Iterator[None]:
        with cls.away(path):
            path.symlink_to("/nowhere/python")
            yield
            path.unlink()


@pytest.fixture(scope="session")
def damage() -> type[Damage]:
    return Damage
