"""install.sh as root, where the web server's user could write before: nothing of that is obeyed.

Installers of other hooks give the whole base folder to that user, so this is what an upgrade meets.
Packages are not installed here (the folder of wheels is empty): by then everything has happened
that an attack could use.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.attack

TIMEOUT = 400
DATA = ("images", "known_faces", "unknown_faces", "snapshots", "state", "logs", "cache", "run")
DATA = (*DATA, "models")
STOPPED = "Could not find a version"
Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ground(web_user) -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="zmhook-attack-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def checkout(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="zmhook-checkout-") as folder:
        Path(folder).chmod(0o755)
        for name in ("hook", "bin", "systemd"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, Path(folder, name), ignore=ignored)
        for path in root.iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        yield Path(folder)


def unwrapped(text: str) -> str:
    """Join the lines that install.sh has wrapped."""
    return re.sub(r"\n {2,}(?=\S)", " ", text)


@pytest.fixture
def install(checkout: Path, ground: Path) -> Install:
    """Run install.sh up to where it would install packages."""
    wheels = ground / "wheels"
    wheels.mkdir()

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [checkout / "install.sh", "--prefix", ground / "prefix", *options]
        if "--uninstall" not in options:
            command += ["--yes", "--no-models", "--user", "www-data", "--wheels", wheels]
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "HOME": "/root"},
            cwd=ground,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        done.stdout = unwrapped(done.stdout)
        return done

    return run


@pytest.fixture
def prepare(checkout: Path, ground: Path) -> Callable[[], None]:
    """Run install.sh up to where it would make the environment, which takes seconds."""
    stop = "make_environment() { exit 3; }"
    arguments = f"--prefix {ground}/prefix --yes --no-models --user www-data"

    def run() -> None:
        script = f"source {checkout}/install.sh; {stop}; main {arguments}"
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=ground, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert (done.returncode, done.stderr) == (3, ""), done.stdout

    return run


@pytest.fixture
def base(ground: Path) -> Path:
    folder = ground / "prefix/var/lib/zmeventnotification"
    folder.mkdir(parents=True)
    (ground / "prefix/etc/zm").mkdir(parents=True)
    return folder


class Traps:
    """Programs that note who runs them, and files of root's that nothing may touch."""

    def __init__(self, ground: Path) -> None:
        self.sprung = ground / "sprung"
        self.sprung.mkdir()
        self.sprung.chmod(0o777)
        self.secret = ground / "roots"
        self.secret.mkdir(mode=0o700)
        (self.secret / "file").write_text("root's own\n")
        (self.secret / "file").chmod(0o600)
        (self.secret / "folder").mkdir(mode=0o700)
        (self.secret / "folder/kept").write_text("kept")
        self.before = self.state()

    def program(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\n: >"{self.sprung}/$(id -u)-$$"\nexec {sys.executable} "$@"\n')
        path.chmod(0o755)

    def module(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"import os\nopen(f'{self.sprung}/{{os.getuid()}}-{{os.getpid()}}', 'w').close()\n"
        )

    def by_root(self) -> list[str]:
        return [path.name for path in self.sprung.iterdir() if path.name.startswith("0-")]

    def state(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in (self.secret, *self.secret.rglob("*")):
            about = path.lstat()
            text = path.read_text() if path.is_file() else sorted(map(str, path.iterdir()))
            found[str(path)] = (about.st_mode, about.st_uid, about.st_gid, text)
        return found


@pytest.fixture
def traps(ground: Path) -> Traps:
    return Traps(ground)


def give(folder: Path, web_user) -> None:
    """Do as the installers of other hooks do: chown -R www-data."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, web_user.uid, web_user.gid)


def open_to_others(folder: Path) -> list[str]:
    found = []
    for path in (folder, *folder.rglob("*")):
        about = path.lstat()
        link = stat.S_ISLNK(about.st_mode)
        if about.st_uid or (not link and about.st_mode & (stat.S_IWOTH | stat.S_IWGRP)):
            found.append(str(path))
    return found


def plant_programs(base: Path, traps: Traps) -> None:
    for name in ("python", "python3", "pip", "zmhook"):
        traps.program(base / "venv/bin" / name)
    (base / "venv/.choices").write_text("yolo\n\n")
    (base / "venv/pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")
    for version in (f"python3.{sys.version_info[1]}", "python3.11"):
        site = base / "venv/lib" / version / "site-packages"
        traps.module(site / "sitecustomize.py")
        traps.module(site / "pip/__init__.py")
        traps.module(site / "pip/__main__.py")
        traps.module(site / "zmhook/__init__.py")
    for name in ("zm_detect.py", "zm_event_start.sh", ".venv/bin/python"):
        traps.program(base / "bin" / name)
    for name in ("argparse.py", "zmhook/__init__.py", "zmhook.py"):
        traps.module(base / "bin" / name)
    traps.module(base / "hook/zmhook/__init__.py")
    traps.program(base / ".venv/bin/python")
    for name in DATA:
        (base / name).mkdir()


@pytest.mark.parametrize(
    ("options", "ends"),
    [([], STOPPED), (["--dry-run"], ""), (["--uninstall"], "")],
    ids=["install", "dry-run", "uninstall"],
)
def test_what_others_planted_does_not_run(options, ends, attack, install, base, traps, web_user):
    plant_programs(base, traps)
    give(base, web_user)
    done = install(*options)
    with attack(f"it ends as it should: {done.stdout}{done.stderr}"):
        assert (ends in done.stderr) if ends else (done.returncode == 0)
        assert done.stderr.count("\n") == (1 if ends else 0)
    with attack("no planted program was run by root"):
        assert traps.by_root() == []
    if options:
        return
    with attack("it says what it takes back, and why"):
        assert f"take {base} back: it is www-data's, mode 755" in done.stdout
        assert "remove the environment" in done.stdout
        assert "which others could have changed" in done.stdout
    with attack("the programs are root's"):
        assert open_to_others(base / "venv") + open_to_others(base / "bin") == []
        assert base.stat().st_uid == 0
    with attack("what is not ours is no longer where it would be run or imported"):
        ours = {"zmhook", "zm_detect.py", "zm_event_start.sh", "zm_ask.py"}
        there = {path.name for path in (base / "bin").iterdir()}
        assert ours <= there
        assert not there & {".venv", "argparse.py", "zmhook.py"}
        assert (base / "bin/zmhook").is_file()
        (aside,) = base.glob("bin.aside.*")
        assert {path.name for path in aside.iterdir()} == {
            ".venv",
            "argparse.py",
            "zmhook",
            "zmhook.py",
        }
    with attack("data stays the web server's"):
        assert {(base / name).owner() for name in DATA} == {"www-data"}


def test_planted_modules_are_not_imported_by_what_is_installed(attack, root, traps, base):
    """By hand, root runs what is in bin; the installed copy looks for no checkout around it."""
    for name in ("zm_detect.py", "zm_snapshots.py", "zm_train_faces.py", "zmhook"):
        script = f"sed '/^# In a checkout/,/^# -- end/d' '{root}/bin/{name}'"
        copy = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        target = base / "bin" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(copy.stdout)
        target.chmod(0o755)
        traps.module(base / "hook/zmhook/__init__.py")
        traps.program(base / ".venv/bin/python")
        done = subprocess.run([target, "--help"], capture_output=True, text=True, timeout=TIMEOUT)
        with attack(f"{name} says in one line that there is no environment"):
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.count("\n") == 1
            assert "run install.sh again" in done.stderr
        with attack(f"{name} runs nothing that lies around"):
            assert list(traps.sprung.iterdir()) == []


LINKS = {
    **dict.fromkeys(DATA, "folder"),
    "bin": "folder",
    "venv": "folder",
    "venv/bin": "folder",
    "venv/.choices": "file",
    "venv/.made-from": "file",
    "venv/pip.log": "file",
    "venv/lib": "folder",
    "bin/zm_detect.py": "file",
    "bin/zm_detect.py.tmp": "file",
    "bin/zm_ask.pl.tmp": "folder",
    "bin/zm_ask.pl": "folder",
    "bin/zmhook": "file",
    "state/spool": "folder",
    "cache": "folder",
}
"""What could be a link to what is root's, below the base folder."""


@pytest.mark.parametrize("options", [[], ["--uninstall"]], ids=["install", "uninstall"])
def test_planted_links_are_not_followed(options, attack, install, base, traps, web_user):
    """All that can be at once: links in folders that are links themselves come in another round."""
    rounds: list[list[str]] = [
        [name for name in LINKS if name not in ("bin", "venv", "state", "venv/bin", "venv/lib")],
        ["bin", "venv", "state"],
        ["venv/bin", "venv/lib", *DATA],
    ]
    for names in rounds:
        shutil.rmtree(base)
        base.mkdir()
        for name in names:
            link = base / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(traps.secret / LINKS[name])
        give(base, web_user)
        done = install(*options)
        with attack(f"{names}: it ends with at most one line: {done.stderr}"):
            assert done.stderr.count("\n") <= 1
            assert "Traceback" not in done.stderr
        with attack(f"{names}: root's files are as they were"):
            assert traps.state() == traps.before
        for name in names if not options else ():
            if name in DATA:
                with attack(f"{name}: it says that the link is left alone"):
                    assert (base / name).is_symlink()


def test_links_of_data_folders_are_named(attack, checkout, base, traps, web_user):
    script = f"""source {checkout}/install.sh; BASE={base} ETC={base}/etc RUN_AS=www-data
        RUN_GROUP=www-data; folders; printf '%s\\n' "${{NOTES[@]}}" """
    for name in DATA:
        (base / name).symlink_to(traps.secret / "folder")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT)
    for name in DATA:
        with attack(f"{name} is named"):
            assert f"{base / name} is a link: its owner and mode were left alone." in done.stdout
    with attack("root's folder is as it was"):
        assert traps.state() == traps.before


def test_second_names_of_roots_files_keep_owner_and_mode(attack, install, base, traps, web_user):
    """Where the kernel lets users make them; root makes them here."""
    (base / "bin").mkdir()
    (base / "venv").mkdir()
    os.link(traps.secret / "file", base / "bin/zm_detect.py")
    os.link(traps.secret / "file", base / "venv/.choices")
    os.link(traps.secret / "file", base.parents[2] / "etc/zm/secrets.ini")
    os.chown(base, web_user.uid, web_user.gid)
    install()
    with attack("root's file is as it was"):
        assert traps.state() == traps.before


def test_a_base_folder_that_all_may_write_is_closed(attack, prepare, base, web_user):
    for mode in (0o777, 0o1777, 0o775):
        base.chmod(mode)
        (base / "bin").mkdir(exist_ok=True)
        (base / "bin").chmod(mode)
        os.chown(base / "bin", 0, web_user.gid)
        os.chown(base, 0, web_user.gid)
        prepare()
        with attack(f"mode {mode:o} is mended"):
            for folder in (base, base / "bin"):
                assert stat.S_IMODE(folder.stat().st_mode) & 0o7022 == 0
                assert folder.stat().st_uid == 0


@pytest.mark.parametrize("options", [[], ["--uninstall"]], ids=["install", "uninstall"])
@pytest.mark.parametrize("parent", ["prefix", "prefix/var", "prefix/var/lib", "prefix/etc"])
def test_a_way_that_others_could_change_is_refused(
    parent, options, attack, install, base, traps, ground, web_user
):
    plant_programs(base, traps)
    before = sorted(map(str, base.rglob("*")))
    os.chown(ground / parent, web_user.uid, web_user.gid)
    done = install(*options)
    with attack("it is refused with a line that names the folder"):
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert f"{ground / parent} is www-data's, mode 755" in line
        assert "chown root:root" in line
    with attack("nothing is changed, and nothing run"):
        assert sorted(map(str, base.rglob("*"))) == before
        assert list(traps.sprung.iterdir()) == []


@pytest.mark.parametrize("how", ["owner", "mode", "link", "library"])
def test_a_python_that_others_could_change_is_refused(
    how, attack, install, base, traps, ground, web_user
):
    python = ground / "opt/bin/python3"
    traps.program(python)
    given = python
    if how == "owner":
        os.chown(python, web_user.uid, web_user.gid)
    elif how == "mode":
        python.chmod(0o777)
    elif how == "library":
        traps.module(ground / "opt/lib/python3.11/os.py")
        os.chown(ground / "opt/lib/python3.11/os.py", web_user.uid, web_user.gid)
    else:
        given = ground / "links/python3"
        given.parent.mkdir()
        given.symlink_to(python)
        os.chown(given.parent, web_user.uid, web_user.gid)
    done = install("--python", str(given))
    with attack("it is refused in a line"):
        (line,) = done.stderr.splitlines()
        assert f"root must not run {given}" in line
        assert "www-data's" in line or "mode 777" in line
    with attack("it was not run"):
        assert list(traps.sprung.iterdir()) == []


@pytest.mark.parametrize("kind", ["words", "fifo", "long", "secret", "device"])
def test_choices_are_read_with_suspicion(kind, attack, checkout, base, traps, web_user):
    venv = base / "venv"
    venv.mkdir()
    choices = venv / ".choices"
    expected = "zoneminder,yolo,face,cli"
    if kind == "words":
        choices.write_text("yolo,$(touch /tmp/x),../x,-r,cli\nopencv,rm -rf\n")
        expected = "yolo,cli"
    elif kind == "fifo":
        os.mkfifo(choices)
    elif kind == "long":
        choices.write_bytes(b"yolo," * 1_000_000)
        expected = "yolo"
    elif kind == "device":
        choices.symlink_to("/dev/zero")
    else:
        choices.symlink_to(traps.secret / "file")
    give(base, web_user)
    script = f"""source {checkout}/install.sh; parse --prefix {base.parents[2]}
        printf '%s|%s\\n' "$EXTRAS" "$USE_SYSTEM"; printf '%s\\n' "${{NOTES[@]-}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    line, _, notes = done.stdout.partition("\n")
    parts, _, system = line.partition("|")
    with attack("only parts that there are remain"):
        assert {*parts.split(",")} == {*expected.split(",")}
        assert system == ("opencv" if kind == "words" else "")
    with attack("nothing of the file is shown"):
        assert "root's own" not in done.stdout + done.stderr
    with attack("what was left out is told"):
        assert ("was left out" in notes) == (kind == "words")


def test_an_owner_by_trickery_does_not_make_root_run_the_hooks(attack, checkout, base, web_user):
    """A folder of root's can be renamed in a folder of one's own: it must not decide who runs."""
    (base / "images").mkdir()
    os.chown(base, web_user.uid, web_user.gid)
    script = f"source {checkout}/install.sh; parse --prefix {base.parents[2]}; echo =$RUN_AS="
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    with attack("root is not taken for the user of the hooks"):
        assert done.stdout == "==\n"


def test_an_access_list_does_not_open_the_environment(attack, install, base, web_user):
    if not hasattr(os, "setxattr"):
        pytest.skip("optional: this Python knows no extended attributes")
    entries = [(1, 7, 0xFFFFFFFF), (2, 7, web_user.uid), (4, 5, 0xFFFFFFFF)]
    entries += [(16, 7, 0xFFFFFFFF), (32, 5, 0xFFFFFFFF)]
    packed = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + may.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, may, who in entries
    )
    try:
        os.setxattr(base, "system.posix_acl_default", packed)
    except OSError:
        pytest.skip("optional: the file system has no access lists")
    install()
    with attack("nothing in the environment can be written by others"):
        assert open_to_others(base / "venv") == []
        assert "system.posix_acl_default" not in os.listxattr(base / "venv")


def test_it_runs_nothing_from_the_folder_that_it_is_called_in(attack, install, base, traps, ground):
    for name in ("pip.py", "venv.py", "ensurepip.py", "sitecustomize.py", "numpy.py", "json.py"):
        traps.module(ground / name)
    install()
    with attack("modules beside it are not imported"):
        assert list(traps.sprung.iterdir()) == []


def test_plug_ins_that_others_could_name_or_change_are_not_installed(
    attack, checkout, base, traps, web_user
):
    """pip runs what a package says, as root."""
    etc, plugin, work = base / "etc", base / "own", base / "work"
    for folder in (etc, plugin, work):
        folder.mkdir()
    names = etc / "plugins.txt"
    script = f"source {checkout}/install.sh; PLUGINS={names}; gather_plugins {work}"

    def refusal(text: str) -> str:
        names.write_text(text)
        done = subprocess.run(
            ["/bin/bash", "-c", script], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    with attack("a requirement that nobody else can change"):
        assert refusal("# mine\nowl==1.0 --hash=sha256:00\nowl @ https://a.example/owl.whl\n") == ""
        assert refusal(f"{plugin}\n") == ""
    with attack("a file of the web server's"):
        os.chown(names, web_user.uid, web_user.gid)
        assert "make it root's" in refusal("owl\n")
        names.unlink()
    with attack("a link"):
        (etc / "other.txt").write_text("owl\n")
        names.symlink_to(etc / "other.txt")
        assert "is a link" in refusal("owl\n")
        names.unlink()
    for line in (f"-e {plugin}", "--index-url http://a", f"owl @ file://{plugin}", "./own", "a/b"):
        with attack(line):
            assert f"'{line}'" in refusal(f"{line}\n")
    with attack("a package of the web server's"):
        (plugin / "setup.py").write_text("")
        os.chown(plugin / "setup.py", web_user.uid, web_user.gid)
        assert "root installs nothing that others can change" in refusal(f"{plugin}\n")
        (plugin / "setup.py").unlink()
    with attack("a way through a folder of the web server's"):
        os.chown(base / "own", web_user.uid, web_user.gid)
        (plugin / "inner").mkdir()
        assert "root installs nothing that others can change" in refusal(f"{plugin}/inner\n")
    assert list(traps.sprung.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o666, 0o640, 0o600])
def test_settings_that_others_could_write_are_taken_back(
    mode, attack, checkout, base, traps, web_user
):
    """They name folders and programs to run. chown -R www-data /etc/zm is what other hooks do."""
    etc = base / "etc"
    etc.mkdir()
    script = f"""source {checkout}/install.sh; SOURCE={checkout}; BASE={base} ETC={etc}
        RUN_AS=www-data
        RUN_GROUP=www-data; take_folder $ETC; configuration; printf '%s\\n' "${{NOTES[@]}}" """

    def configure() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-c", script], capture_output=True, text=True, timeout=60
        )

    names = ("objectconfig.ini", "secrets.ini")
    for name in names:
        (etc / name).write_text("[general]\n")
        (etc / name).chmod(mode)
    (etc / "zm.conf").write_text("ZoneMinder's\n")
    give(etc, web_user)
    with attack(f"settings of www-data's with mode {mode:o}"):
        before = open(etc / names[0], "r+")  # as somebody who has it open  # noqa: PTH123, SIM115
        done = configure()
        assert done.returncode == 0, done.stderr
        before.write("# planted\n")
        before.close()
        for name, group in zip(
            names, ("root" if mode & 4 else "www-data", "www-data"), strict=True
        ):
            about = (etc / name).stat()
            assert (about.st_uid, (etc / name).group()) == (0, group)
            assert not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            assert f"take {etc / name} back: it is www-data's, mode {mode:o}" in unwrapped(
                done.stdout
            )
            assert f"look through {etc / name}" in done.stdout
            assert (etc / name).read_text() == "[general]\n"
        assert (etc / "objectconfig.ini").stat().st_mode & 4 == mode & 4
        assert (etc / "zm.conf").stat().st_uid == web_user.uid
        again = configure()
        assert "back" not in again.stdout
    for link in (True, False):
        with attack("a link or a second name of root's in place of the configuration"):
            (etc / "objectconfig.ini").unlink()
            target = traps.secret / "file"
            if link:
                (etc / "objectconfig.ini").symlink_to(target)
                os.lchown(etc / "objectconfig.ini", web_user.uid, web_user.gid)
            else:
                (etc / "objectconfig.ini").hardlink_to(target)
            done = configure()
            assert done.returncode == 0, done.stderr
            assert traps.state() == traps.before
