"""install.sh for real, below a folder of its own: what it makes, leaves alone and takes away."""

from __future__ import annotations

import json
import os
import pty
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.service.paths import socket_name

pytestmark = pytest.mark.integration

ROOT = os.geteuid() == 0
TIMEOUT = 400
NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
"""pip's settings under which an index that refuses plays the missing network."""
LEAST = ("--without", "all", "--with", "remote")
"""The smallest installation that there is."""
DATA = {
    "images": 0o750,
    "known_faces": 0o750,
    "unknown_faces": 0o750,
    "snapshots": 0o750,
    "state": 0o750,
    "logs": 0o750,
    "cache": 0o700,
    "run": 0o770,
    "models": 0o755,
}
SCRIPTS = {
    "zmhook",
    "zm_ask.pl",
    "zm_ask.py",
    "zm_detect.py",
    "zm_snapshots.py",
    "zm_train_faces.py",
    "zm_event_start.sh",
    "zm_event_end.sh",
}


class Place:
    """A prefix, and where things are below it."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.base = prefix / "var/lib/zmeventnotification"
        self.etc = prefix / "etc/zm"
        self.command = prefix / "usr/local/bin/zmhook"


def environment(**more: str) -> dict[str, str]:
    """Return what a login shell has: nothing of the tests' own environment but the path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **more}


def user() -> str:
    """A user who is no root, where we may give files away."""
    return "www-data" if ROOT else pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="module")
def public() -> Iterator[Path]:
    """A folder that other users can reach: pytest's own are closed to them, and stay so."""
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def install(checkout: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(prefix: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [checkout / "install.sh", "--prefix", prefix, *options],
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            umask=0o077,
        )

    return run


@pytest.fixture(scope="module")
def installed(install, public: Path) -> Place:
    """A whole installation, made under a umask that forbids everything to others."""
    prefix = public / "prefix"
    done = install(prefix, "--yes", "--no-models", "--user", user())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "install the Python packages" in done.stdout
    return Place(prefix)


@pytest.fixture(scope="module")
def gathered(install, public: Path) -> str:
    """The packages of the smallest installation that there is, for a machine without a network."""
    folder = public / "packages"
    done = install(public / "nothing", "--gather", str(folder), *LEAST)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (public / "nothing").exists()
    return str(folder)


@pytest.fixture
def copy(installed: Place, tmp_path: Path) -> Place:
    """The installation's configuration and folders, to spoil; without the environment."""
    shutil.copytree(installed.etc, tmp_path / "etc/zm", symlinks=True)
    place = Place(tmp_path)
    (place.base / "venv/bin").mkdir(parents=True)
    (place.base / "known_faces/ann").mkdir(parents=True)
    (place.base / "known_faces/ann/1.jpg").write_bytes(b"a face")
    return place


def as_user(command: list[str | Path], **more: str) -> subprocess.CompletedProcess[str]:
    """Run as the web server does: its user, an empty environment, another folder."""
    prefix = ["setpriv", "--reuid", user(), "--regid", user(), "--clear-groups"] if ROOT else []
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


def tree(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Everything below, with mode, owner, group and time of change; byte code comes by use."""
    found = {}
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts:
            about = path.lstat()
            found[str(path)] = (about.st_mode, about.st_uid, about.st_gid, about.st_mtime_ns)
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- what is installed -----------------------------------------------------------------------------


def test_the_folders_belong_to_the_web_servers_user(installed: Place):
    for name, expected in DATA.items():
        folder = installed.base / name
        assert (mode(folder), folder.owner()) == (expected, user())


def test_nobody_but_root_can_change_what_runs(installed: Place):
    assert {path.name for path in (installed.base / "bin").iterdir()} == SCRIPTS
    runs = [installed.base, installed.base / "bin", *(installed.base / "bin").iterdir()]
    runs += [installed.base / "venv", installed.base / "venv/bin/python"]
    for path in runs:
        assert mode(path) == 0o755
        assert path.owner() == pwd.getpwuid(os.geteuid()).pw_name


def test_secrets_are_for_root_and_the_group_only(installed: Place):
    secrets = installed.etc / "secrets.ini"
    assert mode(secrets) == 0o640
    if ROOT:
        assert (secrets.owner(), secrets.group()) == ("root", user())
    assert mode(installed.etc / "objectconfig.ini") == 0o644


def test_the_command_and_the_configuration_work_for_that_user(installed: Place):
    done = as_user([installed.command, "config", "check", "-c", installed.etc / "objectconfig.ini"])
    assert done.returncode == 0, done.stderr
    assert as_user([installed.command, "--version"]).stdout.startswith("zmhook ")


def test_the_hook_finds_its_environment_and_answers(installed: Place, photo, public: Path):
    event = public / "event"
    event.mkdir(mode=0o755)
    config = event / "objectconfig.ini"
    config.write_text(
        f"[general]\nbase_data_path = {installed.base}\nmodels = hog\n"
        f"base_zm_conf_path = {event}\nwrite_image_to_zm = no\n[hog]\nhog_min_confidence = 0.1\n"
    )
    (event / "snapshot.jpg").write_bytes(photo("person.jpg").read_bytes())
    hook = installed.base / "bin/zm_event_start.sh"
    done = as_user([hook, "1", "1", "Door", "Motion", event], ZMHOOK_CONFIG=str(config))
    assert done.returncode == 0, done.stderr
    assert "detected:person" in done.stdout
    assert done.stdout.count("\n") == 1

    def service(*what: str) -> subprocess.CompletedProcess[str]:
        return as_user([installed.command, "service", *what, "-c", config])

    wait_until(lambda: service("status").returncode == 0)
    again = as_user([hook, "2", "1", "Door", "Motion", event], ZMHOOK_CONFIG=str(config))
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert json.loads(service("status", "--json").stdout)["events"] == {"alarm": 1}
    assert "has stopped" in service("stop").stdout
    assert service("status").returncode == 3


@pytest.mark.skipif(not ROOT, reason="optional: only root can become somebody else")
@pytest.mark.parametrize("what", [["service", "restart"], ["serve"]])
def test_a_service_that_root_starts_is_the_web_servers(installed: Place, what: list[str]):
    """Else root, trying something once, would lock the web server's hooks out for good."""
    config = installed.etc / "objectconfig.ini"
    command = [installed.command, *what, "-c", config]
    about = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": "/"}
    with subprocess.Popen(command, env=environment(), **about) as started:
        status = [installed.command, "service", "status", "--json", "-c", config]
        wait_until(lambda: as_user(status).returncode == 0)
        pid = json.loads(as_user(status).stdout)["pid"]
        ids = Path(f"/proc/{pid}/status").read_text("ascii").partition("Uid:")[2].split()[:4]
        assert ids == [str(pwd.getpwnam(user()).pw_uid)] * 4
        assert {path.owner() for path in (installed.base / "run").iterdir()} == {user()}
        assert as_user([installed.command, "service", "stop", "-c", config]).returncode == 0
        assert started.wait(TIMEOUT) == 0


def test_a_second_run_changes_nothing_and_says_so(install, installed: Place):
    before = tree(installed.prefix)
    done = install(installed.prefix, "--yes", "--no-models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was changed" in done.stdout
    assert tree(installed.prefix) == before


def test_the_units_for_systemd_are_right_and_are_remembered(install, installed: Place):
    folder = installed.prefix / "etc/systemd/system"
    done = install(installed.prefix, "--yes", "--no-models", "--systemd")
    try:
        assert (done.returncode, done.stderr) == (0, "")
        assert "Note: systemd does not run here" in done.stdout
        names = (
            "zmhook.socket",
            "zmhook.service",
            "zmhook-snapshots.service",
            "zmhook-watch.service",
        )
        units = [folder / name for name in names]
        text = "".join(unit.read_text("utf-8") for unit in units)
        settings = [line for line in text.splitlines() if not line.startswith("#")]
        config = installed.etc / "objectconfig.ini"
        socket = f"/run/zmhook/{socket_name(config)}.sock"
        assert f"ListenStream={socket}" in settings
        assert f"User={user()}" in settings
        assert (
            f"ExecStart={installed.base}/venv/bin/zmhook serve --replace"
            f" --config {config} --socket {socket}"
        ) in settings
        assert (
            f"ExecStart={installed.base}/venv/bin/zmhook snapshots run --config {config}"
        ) in settings
        assert f"ExecStart={installed.base}/venv/bin/zmhook watch run --config {config}" in settings
        assert f"WorkingDirectory={installed.base}" in settings
        assert not any("@" in line for line in settings)
        if shutil.which("systemd-analyze"):
            checked = subprocess.run(
                ["systemd-analyze", "verify", *units], capture_output=True, text=True
            )
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

        again = install(installed.prefix, "--yes", "--no-models")
        assert "nothing was changed" in again.stdout
    finally:
        shutil.rmtree(folder.parent)


@pytest.mark.parametrize(
    ("parts", "enabled", "calls"),
    [
        ("yolo,mqtt", False, ["daemon-reload", "enable", "restart"]),
        ("all", False, ["daemon-reload", "enable", "restart"]),
        ("yolo,notify", False, ["is-enabled"]),
        ("yolo", True, ["is-enabled", "disable"]),
    ],
)
def test_systemd_collects_snapshots_where_the_part_for_it_is_installed(
    parts: str, enabled: bool, calls: list[str], checkout: Path, tmp_path: Path
):
    """There is no systemd in these tests, so a script that notes what it is told stands in."""
    told = tmp_path / "told"
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >>{told}\ncase $* in *is-enabled*) exit {int(not enabled)} ;; esac\n'
    )
    stand_in.chmod(0o755)
    script = f"source {checkout}/install.sh; EXTRAS={parts}; collector; echo $CHANGES"
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env=environment(PATH=path), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str(int(calls[-1] != "is-enabled"))
    lines = [line.replace("-q ", "") for line in told.read_text().splitlines()]
    assert [line.split()[0] for line in lines] == calls
    assert all("zmhook-snapshots.service" in line for line in lines if line != "daemon-reload")


@pytest.mark.parametrize("enabled", [False, True])
def test_systemd_restarts_the_watch_where_it_is_enabled(
    enabled: bool, checkout: Path, tmp_path: Path
):
    """Nobody else may enable it: beside a notification server it would do everything twice."""
    calls = tmp_path / "calls"
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >>{calls}\n'
        f"case $* in *is-enabled*) exit {int(not enabled)} ;; esac\n"
    )
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"source {checkout}/install.sh; watch; echo $CHANGES"],
        env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str(int(enabled))
    asked = "-q is-enabled zmhook-watch.service"
    restarted = ["restart zmhook-watch.service"] if enabled else []
    assert calls.read_text().splitlines() == [asked, *restarted]


def test_parts_for_cameras_descriptions_and_messages_can_be_had(install, tmp_path: Path):
    parts = "zoneminder,yolo,face,cli,mqtt,gemini,notify"
    done = install(tmp_path, "--dry-run", "--user", user(), "--with", parts)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"(parts: {parts})" in done.stdout


def test_a_wrong_mode_is_repaired(install, installed: Place):
    (installed.etc / "secrets.ini").chmod(0o666)
    (installed.base / "images").chmod(0o700)
    done = install(installed.prefix, "--yes", "--no-models")
    assert f"set mode 750 on {installed.base / 'images'}" in done.stdout
    assert f"set mode 640 on {installed.etc / 'secrets.ini'}" in done.stdout
    assert mode(installed.etc / "secrets.ini") == 0o640
    assert mode(installed.base / "images") == 0o750


def test_missing_model_files_are_told_and_do_not_stop_it(install, installed: Place):
    """Without a network; with one the files of the default chain would be fetched here."""
    done = install(installed.prefix, "--yes", https_proxy="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "yolox_s.onnx cannot be fetched" in done.stderr
    assert "hog" in done.stderr
    assert "Note: Model files are missing" in done.stdout
    assert list((installed.base / "models").rglob("*.onnx")) == []


def test_this_machines_opencv_and_dlib_are_used_when_asked(install, tmp_path: Path):
    """The machine is played by the environment of these tests, which has both."""
    parts = ["--without", "all", "--with", "face"]
    options = ["--yes", "--no-models", *parts, "--python", sys.executable]
    owner = pwd.getpwuid(os.geteuid()).pw_name
    done = install(tmp_path, *options, "--user", owner, "--use-system", "opencv,dlib")
    assert (done.returncode, done.stderr) == (0, "")
    python = tmp_path / "var/lib/zmeventnotification/venv/bin/python"
    script = "import cv2, dlib; cv2.HOGDescriptor(); print(cv2.__file__, dlib.__file__, sep='\\n')"
    asked = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    for path in asked.stdout.split():
        assert path.startswith(str(tmp_path))  # a link below the environment ...
        assert not Path(path).resolve().is_relative_to(tmp_path)  # ... that leads out of it

    again = install(tmp_path, *options, "--user", owner)
    assert "nothing was changed" in again.stdout


# -- what is damaged -------------------------------------------------------------------------------


def site_packages(place: Place) -> Path:
    (site,) = (place.base / "venv/lib").glob("python3.*/site-packages")
    return site


@contextmanager
def away(*paths: Path) -> Iterator[None]:
    """Files that are gone for a while."""
    for path in paths:
        path.rename(f"{path}.away")
    try:
        yield
    finally:
        for path in paths:
            Path(f"{path}.away").rename(path)


@contextmanager
def half_written(path: Path, content: bytes | None = None) -> Iterator[None]:
    """A file of which only the beginning, or something else, reached the disk."""
    with away(path):
        whole = Path(f"{path}.away").read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if content is None else content)
        path.chmod(0o755)
        yield
        path.unlink()


def damages(place: Place) -> dict[str, AbstractContextManager[None]]:
    site, python = site_packages(place), place.base / "venv/bin/python"
    return {
        "numpy gone": away(site / "numpy"),
        "cv2 gone": away(site / "cv2"),
        "msgspec by half": half_written(site / "msgspec/__init__.py"),
        "msgspec of zeros": half_written(site / "msgspec/__init__.py", bytes(3000)),
        "numpy by half": half_written(site / "numpy/__init__.py"),
        "a library by half": half_written(next((site / "msgspec").glob("_core*.so")), b"\x7fELF"),
        "our package gone": away(site / "zmhook"),
        "our package by half": half_written(site / "zmhook/cli/detect.py"),
        "Python gone": away(python),
        "Python an empty file": half_written(python, b""),
        "Python of zeros": half_written(python, bytes(5000)),
        "Python's target gone": dangling(python),
    }


@contextmanager
def dangling(path: Path) -> Iterator[None]:
    with away(path):
        path.symlink_to("/nowhere/python")
        yield
        path.unlink()


def test_a_damaged_environment_is_2_and_one_line(installed: Place, photo, public: Path):
    event = public / "damaged"
    event.mkdir(mode=0o755)
    config = event / "objectconfig.ini"
    config.write_text(
        f"[general]\nbase_data_path = {installed.base}\nmodels = hog\n"
        f"base_zm_conf_path = {event}\nwrite_image_to_zm = no\n[service]\nuse_service = no\n"
    )
    (event / "snapshot.jpg").write_bytes(photo("person.jpg").read_bytes())
    binaries, more = installed.base / "bin", {"ZMHOOK_CONFIG": str(config)}
    asked = ["-e", "1", "-m", "1", "-p", event]
    commands: list[list[str | Path]] = [
        [installed.command, "detect", *asked],
        [binaries / "zm_detect.py", *asked],
        [binaries / "zm_event_start.sh", "1", "1", "", "", event],
    ]
    for what, damage in damages(installed).items():
        with damage:
            for command in commands:
                done = as_user(command, **more)
                assert (done.returncode, done.stdout) == (2, ""), (what, command, done)
                (line,) = done.stderr.splitlines()
                assert "run install.sh again" in line, (what, command)
                assert ("on_failure not read" in line) == what.startswith("Python"), what
    alarm = event / "alarm.ini"
    alarm.write_text(config.read_text().replace("[general]", "[general]\non_failure = alarm", 1))
    for name in ("numpy", "cv2"):
        with away(site_packages(installed) / name):
            done = as_user(commands[2], ZMHOOK_CONFIG=str(alarm))
            assert done.returncode == 0, done.stderr
            assert "detected:nothing could be decided (the installation is damaged" in done.stdout


@pytest.mark.parametrize("what", ["files", "python", "pip"])
def test_a_damaged_environment_is_repaired(what: str, install, installed: Place):
    """numpy and others at once, as a bad disk would have it."""
    site, python = site_packages(installed), installed.base / "venv/bin/python"
    if what == "files":
        shutil.rmtree(site / "numpy")
        shutil.rmtree(site / "zmhook")
        (site / "msgspec/__init__.py").write_bytes(bytes(1000))
        (next(site.glob("regex-*")) / "RECORD").unlink()
    elif what == "python":
        python.unlink()
    else:
        shutil.rmtree(site / "pip/_vendor")
    # Python and pip are on the machine; for packages there is a network.
    more = NO_NETWORK if what != "files" else {}
    done = install(installed.prefix, "--yes", "--no-models", **more)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"repair the Python packages in {installed.base}/venv (damaged: " in done.stdout
    if what == "files":
        assert "(damaged: msgspec numpy regex zmhook)" in done.stdout
    assert "Done: 1 changes." in done.stdout
    again = install(installed.prefix, "--yes", "--no-models")
    assert "nothing was changed" in again.stdout
    assert as_user([installed.command, "--version"]).stdout.startswith("zmhook ")


def test_damage_is_told_without_a_network_and_nothing_more_is_lost(install, installed: Place):
    site = site_packages(installed)
    with away(site / "rich"):
        before = sorted(path.name for path in site.iterdir() if path.name != "rich")
        done = install(installed.prefix, "--yes", "--no-models", PIP_NO_CACHE_DIR="1", **NO_NETWORK)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "no network?" in line
        assert set(before) <= {path.name for path in site.iterdir()}
    done = install(installed.prefix, "--yes", "--no-models")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not ROOT, reason="optional: only root can become somebody else")
def test_a_folder_that_was_given_to_the_web_server_is_taken_back(
    install, gathered: str, public: Path
):
    """Installers of other hooks end with chown -R over the whole base folder."""
    place = Place(public / "upgraded")
    options = ["--yes", "--no-models", "--wheels", gathered]
    first = install(place.prefix, *options, *LEAST, "--user", user(), **NO_NETWORK)
    assert (first.returncode, first.stderr) == (0, "")
    account = pwd.getpwnam(user())
    for path in (place.base, *place.base.rglob("*")):
        os.lchown(path, account.pw_uid, account.pw_gid)
    done = install(place.prefix, "--yes", "--no-models")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        f"remove the environment {place.base}/venv, which others could have changed" in done.stdout
    )
    assert "(parts: remote)" in done.stdout
    assert "Note: the environment was rebuilt" in done.stdout
    programs = [place.base, place.base / "bin", place.base / "venv"]
    programs += [*(place.base / "bin").iterdir(), *(place.base / "venv").rglob("*")]
    assert {path.lstat().st_uid for path in programs} == {0}
    assert {(place.base / name).owner() for name in DATA} == {user()}
    assert as_user([place.command, "--version"]).stdout.startswith("zmhook ")
    assert "nothing was changed" in install(place.prefix, "--yes", "--no-models").stdout


def test_packages_that_are_not_the_pinned_ones_are_refused(install, tmp_path: Path):
    """A wheel under the right name and version, with something else in it."""
    lock = (tmp_path / "wheels").parent
    (tmp_path / "wheels").mkdir()
    text = (Path(__file__).resolve().parents[2] / "requirements.lock").read_text("utf-8")
    version = text.partition("\nsetuptools==")[2].split()[0]
    wheel = tmp_path / f"wheels/setuptools-{version}-py3-none-any.whl"
    about = f"setuptools-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("setuptools/__init__.py", "raise SystemExit('planted')\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: setuptools\nVersion: {version}\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    options = ["--yes", "--no-models", "--user", user(), "--wheels", str(tmp_path / "wheels")]
    done = install(tmp_path / "prefix", *options)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "setuptools" in line
    assert "requirements.lock" in line
    assert not list((lock / "prefix").rglob(about))


# -- what it leaves alone --------------------------------------------------------------------------


def guide_blocks(root: Path, language: str) -> list[str]:
    """Return the code of that language that docs/models.md shows."""
    text = (root / "docs/models.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_a_plug_in_outlives_its_environment(
    install, gathered: str, root: Path, public: Path
) -> None:
    """The detector that the guide shows, whose folder the guide's file names."""
    place, plugin = Place(public / "plug-ins"), public / "brightness"
    plugin.mkdir(mode=0o755)
    (plugin / "brightness.py").write_text(guide_blocks(root, "python")[0])
    (plugin / "pyproject.toml").write_text(guide_blocks(root, "toml")[0])
    cv2.imwrite(str(plugin / "bright.png"), np.full((48, 64, 3), 200, np.uint8))
    place.etc.mkdir(parents=True)
    file = place.etc / "zmhook-plugins.txt"
    file.write_text(f"# my own\n{plugin}   # the guide's\n")
    for path in (public / "plug-ins", plugin, *plugin.iterdir(), *place.etc.parents, file):
        if path.is_relative_to(public):
            path.chmod(0o755 if path.is_dir() else 0o644)
    options = ("--yes", "--no-models", "--user", user(), *LEAST, "--wheels", gathered)
    what = f"install the plug-ins that {file} names"

    def detected() -> str:
        command = [place.base / "bin/zmhook", "detect", "--file", plugin / "bright.png"]
        for setting in ("general.models=brightness", "general.detect_pattern=.*"):
            command += ["-O", setting]
        done = as_user(command, ZMHOOK_CONFIG=str(place.etc / "objectconfig.ini"))
        return done.stdout + done.stderr

    first = install(place.prefix, *options)
    assert (first.returncode, first.stderr, first.stdout.count(what)) == (0, "", 1), first.stdout
    assert "detected:daylight" in detected()
    again = install(place.prefix, *options)
    assert "nothing was changed" in again.stdout
    settings = place.etc / "objectconfig.ini"
    settings.write_text(re.sub(r"(?m)^models = .*$", "models = brightness", settings.read_text()))
    shutil.rmtree(place.base / "venv")
    assert what in install(place.prefix, *options).stdout
    assert "detected:daylight" in detected()


def test_a_dry_run_changes_nothing(install, tmp_path: Path):
    done = install(tmp_path, "--dry-run", "--user", user())
    assert (done.returncode, done.stderr) == (0, "")
    assert "would make the folder" in done.stdout
    assert "Nothing was changed" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_your_configuration_stays_and_the_new_one_lies_beside_it(install, installed: Place):
    config = installed.etc / "objectconfig.ini"
    sample = config.read_bytes()
    config.write_bytes(b"[general]\nmodels = hog\n")
    secrets = installed.etc / "secrets.ini"
    secrets.write_bytes(b"[secrets]\nZM_USER = me\n")
    try:
        done = install(installed.prefix, "--yes", "--no-models")
        assert f"{config} is yours and was left alone; the one of this version is" in done.stdout
        assert config.read_bytes() == b"[general]\nmodels = hog\n"
        assert secrets.read_bytes() == b"[secrets]\nZM_USER = me\n"
        assert (installed.etc / "objectconfig.ini.new").read_bytes() == sample
        assert "nothing was changed" in install(installed.prefix, "--yes", "--no-models").stdout
    finally:
        config.write_bytes(sample)
        (installed.etc / "objectconfig.ini.new").unlink()


def test_uninstalling_keeps_what_is_yours(install, copy: Place):
    copy.command.parent.mkdir(parents=True)
    copy.command.symlink_to(copy.base / "venv/bin/zmhook")
    (copy.base / "bin").mkdir()
    (copy.base / "bin/zm_event_start.sh").touch()
    (copy.base / "bin/zm_snapshots.py").touch()
    (copy.base / "bin/my_own.sh").touch()
    (copy.base / "images").mkdir()
    (copy.base / "cache").mkdir()
    (copy.base / "cache/zm_token.json").touch()
    (copy.base / "run").mkdir()
    (copy.base / "run/x.lock").touch()
    (copy.base / "state/spool").mkdir(parents=True)
    (copy.base / "state/spool/unsent.json").touch()
    (copy.base / "state/history.sqlite").touch()
    (copy.base / "snapshots/0000").mkdir(parents=True)
    (copy.base / "snapshots/0000/image_00000_Human.jpg").touch()
    units = copy.prefix / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "zmhook.service").touch()
    (units / "zmhook.socket").touch()
    (units / "zmhook-snapshots.service").touch()
    (units / "zmhook-watch.service").touch()

    done = install(copy.prefix, "--uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (copy.base / "venv").exists()
    assert not copy.command.is_symlink()
    assert not (copy.base / "bin/zm_event_start.sh").exists()
    assert not (copy.base / "bin/zm_snapshots.py").exists()
    assert not (copy.base / "images").exists()
    assert not (copy.base / "cache").exists()
    assert not (copy.base / "run").exists()
    assert not (copy.base / "state/spool").exists()
    assert (copy.base / "state/history.sqlite").exists()
    assert (copy.base / "snapshots/0000/image_00000_Human.jpg").exists()
    assert list(units.iterdir()) == []
    assert (copy.base / "bin/my_own.sh").exists()
    assert (copy.base / "known_faces/ann/1.jpg").read_bytes() == b"a face"
    assert (copy.etc / "objectconfig.ini").exists()
    assert (copy.etc / "secrets.ini").exists()
    assert f"Kept: {copy.etc / 'objectconfig.ini'}" in done.stdout

    assert "zmhook is not installed." in install(copy.prefix, "--uninstall").stdout


def test_uninstalling_dry_removes_nothing(install, copy: Place):
    before = tree(copy.prefix)
    assert (
        f"would remove {copy.base / 'venv'}"
        in install(copy.prefix, "--uninstall", "--dry-run").stdout
    )
    assert tree(copy.prefix) == before


def test_a_zmhook_command_of_somebody_else_is_not_touched(install, copy: Place):
    copy.command.parent.mkdir(parents=True)
    copy.command.write_text("another program")
    install(copy.prefix, "--uninstall")
    assert copy.command.read_text() == "another program"


# -- what stops it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frobnicate"], "unknown option --frobnicate"),
        (["--yes", "--with"], "--with needs a value"),
        (
            ["--yes", "--with", "yolo,telepathy"],
            "unknown part 'telepathy'; available: zoneminder",
        ),
        (["--yes", "--with", "dev"], "unknown part 'dev'"),
        (["--yes", "--with", "*"], "unknown part '*'"),
        (["--yes", "--user", "no-such-user"], "there is no user no-such-user"),
        (["--yes", "--group", "no-such-group"], "there is no group no-such-group"),
        (["--yes", "--python", "/nowhere/python"], "there is no /nowhere/python"),
        (["--yes", "--wheels", "/nowhere"], "no such folder: /nowhere"),
        (["--yes", "--use-system", "torch"], "expected opencv or dlib, not 'torch'"),
        ([], "no terminal for prompts"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    options: list[str], message: str, install, tmp_path: Path
):
    if "--user" not in options and "--yes" in options:
        options = [*options[:1], "--user", user(), *options[1:]]
    done = install(tmp_path, *options)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("install.sh: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_an_old_python_is_named(install, tmp_path: Path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    done = install(tmp_path / "prefix", "--yes", "--user", user(), "--python", str(old))
    assert done.returncode == 1
    assert "Python 3.9.2 is too old: 3.10 or newer is needed" in done.stderr


@pytest.mark.skipif(not ROOT, reason="optional: only root can become somebody else")
def test_without_root_it_says_so(checkout: Path):
    done = as_user([checkout / "install.sh", "--yes"])
    assert done.returncode == 1
    assert "run this as root (sudo ./install.sh), or with --prefix DIR" in done.stderr


@pytest.mark.parametrize("offline", ["network", "wheels"])
def test_without_packages_it_ends_in_one_line(offline: str, install, tmp_path: Path):
    """pip's own pages go to a file; an index that refuses plays the missing network."""
    (tmp_path / "wheels").mkdir()
    options = ["--wheels", str(tmp_path / "wheels")] if offline == "wheels" else []
    done = install(tmp_path / "prefix", "--yes", "--user", user(), *options, **NO_NETWORK)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert ("no network?" in line and "--wheels DIR" in line) or "pip: ERROR" in line
    assert ("no network?" in line) == (offline == "network")
    log = Path(line.rpartition(" ")[2].rstrip(")"))
    assert "setuptools" in log.read_text()


# -- asking ----------------------------------------------------------------------------------------


def answered(checkout: Path, prefix: Path, answers: str) -> str:
    """Run it on a terminal of its own, type the answers, and return what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(
            str(checkout / "install.sh"), ["install.sh", "--prefix", str(prefix)], environment()
        )
    os.write(terminal, answers.encode())
    shown = b""
    while True:
        try:
            block = os.read(terminal, 4096)
        except OSError:  # the terminal is closed: it has ended
            break
        if not block:
            break
        shown += block
    os.close(terminal)
    os.waitpid(pid, 0)
    return shown.decode()


def test_it_asks_and_no_is_no(checkout: Path, tmp_path: Path):
    shown = answered(checkout, tmp_path, f"alpr; mqtt -face\n{user()}\nn\nno\n")
    assert "* yolo       objects: .onnx networks (YOLO)" in shown
    assert "  alpr       number plates, read on this machine (95 MB)" in shown
    assert "Which user runs the hooks" in shown
    assert "parts:     zoneminder yolo cli alpr mqtt" in shown
    assert "models:    none are downloaded now" in shown
    assert re.search(r"space:     about \d+ MB more, of \d+ MB that are free", shown)
    assert "Nothing was changed." in shown
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_answer_is_asked_again(checkout: Path, tmp_path: Path):
    answers = f"telepathy\n\nno-such-user\n{user()}\nperhaps\nY\nN\n"
    shown = answered(checkout, tmp_path, answers)
    assert "unknown part 'telepathy'; available: zoneminder yolo" in shown
    assert "there is no user no-such-user" in shown
    assert "Please answer yes or no." in shown
    assert "parts:     zoneminder yolo face cli" in shown
    assert "models:    those that the configuration uses" in shown
    assert "Nothing was changed." in shown
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_ask_for_ever(checkout: Path, tmp_path: Path):
    shown = answered(checkout, tmp_path, "a\nb\nc\n")
    assert "no answer that can be used, after 3 tries" in shown
    assert list(tmp_path.iterdir()) == []


# -- parts -----------------------------------------------------------------------------------------


def sourced(checkout: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script that has install.sh's functions."""
    return subprocess.run(
        ["bash", "-c", f"source {checkout}/install.sh; {script}"],
        env=environment(**more), capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_parts_are_those_of_the_package(checkout: Path):
    listed = sourced(checkout, "known_extras").stdout.split()
    text = (checkout / "pyproject.toml").read_text("utf-8")
    extras = text.partition("[project.optional-dependencies]")[2].partition("[project.")[0]
    ours = {"all", "demo", "pictures", "test", "lint", "lock", "docs", "dev"}
    assert sorted(listed) == sorted({*re.findall(r"^([a-z-]+) =", extras, re.MULTILINE)} - ours)
    every = re.search(r"^all = .*zmhook\[(.*?)\]", extras, re.MULTILINE)
    assert every
    every_part = sourced(checkout, "every_part").stdout.split()
    assert sorted(every_part) == sorted(every[1].split(","))


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ("", "", "zoneminder,yolo,face,cli"),
        ("", "--with alpr", "zoneminder,yolo,face,cli,alpr"),
        ("yolo,cli", "--with alpr,mqtt --with notify", "yolo,cli,alpr,mqtt,notify"),
        ("yolo,cli", "--with yolo", "yolo,cli"),
        ("yolo,face,cli", "--without face", "yolo,cli"),
        ("yolo,face", "--without all --with remote", "remote"),
        ("yolo,face", "--with yolo-gpu", "face,yolo-gpu"),
        ("yolo-gpu,face", "--with yolo,alpr", "yolo-gpu,face,alpr"),
        ("yolo-gpu,face", "--with alpr", "yolo-gpu,face,alpr"),
        ("yolo-gpu", "--without yolo-gpu --with yolo", "yolo"),
        (
            "yolo-gpu",
            "--with all",
            "yolo-gpu,zoneminder,face,alpr,mqtt,gemini,notify,remote,serve,cli",
        ),
        ("all", "--without face", "zoneminder,yolo,alpr,mqtt,gemini,notify,remote,serve,cli"),
    ],
)
def test_parts_are_added_and_removed(
    before: str, options: str, after: str, checkout: Path, tmp_path: Path
):
    place = Place(tmp_path)
    (place.base / "venv").mkdir(parents=True)
    (place.base / "venv/.choices").write_text(f"{before}\n\n")
    done = sourced(checkout, f"parse --prefix {tmp_path} {options}; choose_parts; echo $EXTRAS")
    assert done.stderr == ""
    assert sorted(done.stdout.strip().split(",")) == sorted(after.split(","))


def test_a_model_in_use_is_not_removed(install, tmp_path: Path):
    place = Place(tmp_path)
    place.etc.mkdir(parents=True)
    (place.etc / "objectconfig.ini").write_text("[general]\nmodels = hog, yolo,face # mine\n")
    options = ["--dry-run", "--user", user()]
    for part in ("yolo", "face"):
        done = install(tmp_path, *options, "--without", part)
        (line,) = done.stderr.splitlines()
        assert f"--without {part}: {place.etc}/objectconfig.ini uses it (models = hog" in line
    assert install(tmp_path, *options, "--without", "cli").returncode == 0
    swapped = install(tmp_path, *options, "--without", "yolo", "--with", "yolo-gpu")
    assert "(parts: zoneminder,face,cli,yolo-gpu)" in swapped.stdout


def test_an_engine_that_somebody_installed_stays(install, tmp_path: Path):
    site = Place(tmp_path).base / "venv/lib/python3.11/site-packages"
    (site / "onnxruntime_gpu-1.20.0.dist-info").mkdir(parents=True)
    script = f"parse --prefix {tmp_path}; choose_parts; echo $EXTRAS $(other_engine)"
    checkout = Path(__file__).resolve().parents[2]
    assert sourced(checkout, script).stdout.split() == ["zoneminder,face,cli,yolo-gpu"]


def test_a_part_comes_and_goes_with_its_packages(install, installed: Place):
    """The others stay as they are, the inference engine too."""
    site = site_packages(installed)
    engine = (site / "onnxruntime/__init__.py").stat().st_mtime_ns
    done = install(installed.prefix, "--yes", "--no-models", "--with", "mqtt")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "(parts: zoneminder,yolo,face,cli,mqtt)" in done.stdout
    assert (site / "paho").is_dir()
    done = install(installed.prefix, "--yes", "--no-models", "--without", "mqtt")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "(parts: zoneminder,yolo,face,cli)" in done.stdout
    assert not (site / "paho").exists()
    assert (site / "onnxruntime/__init__.py").stat().st_mtime_ns == engine
    assert "nothing was changed" in install(installed.prefix, "--yes", "--no-models").stdout


def test_repair_builds_all_of_it_anew(install, gathered: str, public: Path):
    place = Place(public / "repaired")
    options = ("--yes", "--no-models", "--user", user(), "--wheels", gathered)
    assert install(place.prefix, *options, *LEAST).returncode == 0
    stray = site_packages(place) / "stray.py"
    stray.touch()
    done = install(place.prefix, *options, "--repair")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"build the Python environment {place.base}/venv anew (parts: remote)" in done.stdout
    assert re.search(r"It took \d+ s: .*packages \d+ s", done.stdout)
    assert not stray.exists()
    assert "nothing was changed" in install(place.prefix, *options).stdout


# -- space, temporary files, reasons ---------------------------------------------------------------


def test_too_little_space_is_told_before_anything_is_changed(checkout: Path, tmp_path: Path):
    script = f"""free_megabytes() {{ printf 100; }}
        main --prefix {tmp_path} --yes --user {user()}"""
    done = sourced(checkout, script)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "100 MB are free there, and about" in line
    assert list(tmp_path.iterdir()) == []


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("zmhook-install.*")]


def commands_with(text: str) -> list[str]:
    """Return the command lines of processes that name it."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            commands.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in commands if text in command]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_temporary_folders_go_however_it_ends(number: int, checkout: Path, tmp_path: Path):
    """pip waits for an index that never answers; the next run tidies up after a killed one."""
    temp, prefix = tmp_path / "tmp", tmp_path / "prefix"
    temp.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        more = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(temp)}
        command = [checkout / "install.sh", "--prefix", prefix, "--yes", "--user", user()]
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        with subprocess.Popen(
            command, env=environment(**more), stderr=subprocess.DEVNULL, **options
        ) as running:
            silent.settimeout(TIMEOUT)
            connection, _ = silent.accept()  # pip has begun
            assert left_in(temp)
            running.send_signal(number)
            assert running.wait(60) == (-number if number == signal.SIGKILL else 143)
            connection.settimeout(60)
            with suppress(ConnectionResetError):
                while connection.recv(4096):  # until pip has ended too
                    pass
            connection.close()
    wait_until(lambda: not commands_with(str(prefix)))
    if number == signal.SIGKILL:
        (temp / "zmhook-install.mine").mkdir()  # of no process: somebody's own
        sourced(checkout, "workspace", TMPDIR=str(temp))
        (temp / "zmhook-install.mine").rmdir()
    assert left_in(temp) == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        (
            "WARNING: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...'",
            "the certificate of the package index is not trusted",
        ),
        ("WARNING: ProxyError('Cannot connect to proxy.', NewConnectionError(", "the proxy that"),
        ("ERROR: HTTP error 403 while getting https://a/b", "refuses a package: HTTP error 403"),
        ("WARNING: Retrying: NewConnectionError('refused')", "no network?"),
        (
            "ERROR: Could not find a version\nERROR: No matching distribution found for x==1",
            "there is none for Python 3.",
        ),
        ("error: command 'gcc' failed\nERROR: Failed building wheel for x", "no ready-made"),
        ("", "too little memory?"),
    ],
)
def test_the_reason_why_pip_failed_is_one_line(
    log: str, reason: str, checkout: Path, tmp_path: Path
):
    (tmp_path / "pip.log").write_text(log)
    script = f"VENV={tmp_path}/none BASE={tmp_path} PYTHON={sys.executable}; explain_pip {tmp_path}"
    done = sourced(checkout, f"{script}/pip.log")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert f"{tmp_path}/pip.log" in line


def test_progress_names_the_package_and_what_is_left(checkout: Path, tmp_path: Path):
    log = tmp_path / "pip.log"
    log.write_text("Collecting numpy==2.1\n  Downloading numpy-2.1.whl (16.2 MB)\n")
    script = f"VENV={tmp_path}; progress_of {log} 30"
    assert sourced(checkout, script).stdout == "  downloading 1 of 30: numpy (16.2 MB)"
    with log.open("a") as more:
        more.write("Installing collected packages: numpy, pyzm\n")
    (tmp_path / "lib/python3.11/site-packages/numpy-2.1.dist-info").mkdir(parents=True)
    assert sourced(checkout, script).stdout == "  unpacking: 1 of about 33 packages are in place"


def test_the_lines_to_type_are_those_that_work(checkout: Path, tmp_path: Path):
    script = "RUN_AS=www-data; may_own() { return 0; }; parse {}; next_steps"
    shown = sourced(checkout, script.replace("{}", "")).stdout
    assert "sudo zmhook config check --live" in shown
    assert "sudo -u www-data /var/lib/zmeventnotification/bin/zm_event_start.sh 1 1" in shown
    assert "sudo zmhook train-faces" in shown
    shown = sourced(checkout, script.replace("{}", f"--prefix {tmp_path}")).stdout
    config = f"ZMHOOK_CONFIG={tmp_path}/etc/zm/objectconfig.ini"
    assert f"sudo {config} {tmp_path}/usr/local/bin/zmhook config check --live" in shown
