"""Root tries things out by hand, where the web server's user may have prepared every folder.

Nothing that only root may write to may change, whatever is planted, and root may do nothing in
those folders while it is root.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from zmhook.cli.main import COMMANDS
from zmhook.service.paths import socket_name

pytestmark = pytest.mark.attack

SECONDS = 120
FOLDERS = ("run", "state", "logs", "cache", "images", "snapshots", "known_faces", "unknown_faces")

WATCH = """
import os, sys

DATA = os.environ["WATCHED"]
SAFE = {"os.listxattr", "os.putenv"}

def watch(event, args):
    if os.geteuid() == 0 and event not in SAFE and event.partition(".")[0] in NAMES:
        shown = [os.fsdecode(one) for one in args if isinstance(one, (str, bytes, os.PathLike))]
        if event == "subprocess.Popen" or any(DATA in one for one in shown):
            line = f"{event} {shown} {sys.argv[:2]}\\n".encode()
            os.write(OUT, line)

NAMES = {"open", "os", "shutil", "sqlite3", "socket", "subprocess"}
OUT = os.open(os.environ["WATCHED_LOG"], os.O_WRONLY | os.O_APPEND)
sys.addaudithook(watch)
"""
"""As sitecustomize: writes down what root does in the folders of data, and what it starts."""


class Ground:
    """An installation as install.sh makes it, and beside it things that only root may change."""

    def __init__(self, folder: Path, root: Path, program, web_user) -> None:
        self.folder, self.root, self.program, self.web = folder, root, program, web_user
        folder.chmod(0o755)
        self.base = folder / "data"
        self.treasure = folder / "roots"
        self.config = folder / "o.ini"
        self.event = folder / "event"
        self.log = folder / "watched"
        self.home = folder / "home"
        self.make()

    def make(self) -> None:
        (self.folder / "site").mkdir()
        (self.folder / "site" / "sitecustomize.py").write_text(WATCH)
        self.log.touch()
        self.log.chmod(0o666)
        self.home.mkdir(0o700)
        self.treasure.mkdir(0o700)
        for name in ("shadow", "crontab"):
            (self.treasure / name).write_text("root's\n")
            (self.treasure / name).chmod(0o600)
        self.base.mkdir()
        for name in FOLDERS:
            self.theirs(self.base / name)
        self.theirs(self.event)
        self.config.write_text(
            f"[general]\nbase_data_path = {self.base}\nbase_zm_conf_path = {self.folder}\n"
            "models = hog\nsecrets = secrets.ini\nevent_deadline = 60\n"
            "[hog]\nhog_min_confidence = 0.1\n"
            "[service]\nservice_workers = 1\nservice_idle_exit = 60\n"
            f"service_environment = {self.watched}\n"
            "[history]\nrecord_history = yes\n"
            "[notify]\nnotify_webhook = http://127.0.0.1:9/\nnotify_max_tries = 1\n"
            "[remote]\nml_timeout = 1\n"
        )
        (self.folder / "secrets.ini").write_text("[secrets]\nX = y\n")

    def theirs(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o770)
        os.chown(folder, self.web.uid, self.web.gid)

    def pictures(self, photo: Path) -> None:
        for name in ("alarm", "snapshot"):
            shutil.copyfile(photo, self.event / f"{name}.jpg")
        shutil.copyfile(photo, self.home / "mine.jpg")

    @property
    def run(self) -> Path:
        return self.base / "run" / socket_name(self.config)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "ZMHOOK_PYTHON": self.program.python,
            "ZMHOOK_RUN": str(self.base / "run"),
            "ZMHOOK_CONFIG": str(self.config),
            **self.watching,
        }

    @property
    def watching(self) -> dict[str, str]:
        """What every Python needs to find our packages and be watched."""
        paths = [str(self.folder / "site"), self.program.env["PYTHONPATH"]]
        return {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WATCHED": str(self.base),
            "WATCHED_LOG": str(self.log),
        }

    @property
    def watched(self) -> str:
        """The same for a service, which gets nothing of its first caller's environment."""
        return ", ".join(f"{name}={value}" for name, value in self.watching.items())

    def command(self, *words: str | Path) -> list[str | Path]:
        first, *rest = words
        if first == "hook":
            return [self.root / "zm_event_start.sh", *rest]
        if str(first).endswith(".py"):
            return [self.program.python, self.root / "bin" / first, *rest]
        return [self.program.python, "-m", "zmhook.cli.main", first, *rest]

    def call(self, *words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command of ours to its end; one that runs for ever is ended after a while."""
        process = subprocess.Popen(
            self.command(*words),
            env=self.env, cwd="/", stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip
        for_ever = words[0] in ("serve", "zm_snapshots.py")
        try:
            out, err = process.communicate(timeout=4 if for_ever else SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM if for_ever else signal.SIGKILL)
            out, err = process.communicate(timeout=SECONDS)
            assert for_ever, f"{words} hangs: {err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def hook(self) -> subprocess.CompletedProcess[str]:
        return self.call("hook", "5", "1", "Door", "Motion", self.event)

    def processes(self) -> list[int]:
        """Return the services and background processes of this ground."""
        mark = f"ZMHOOK_RUN={self.base}/run\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes() + b"\0" and int(path.parent.name) != os.getpid():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            until = time.monotonic() + 20
            while self.processes() and time.monotonic() < until:
                time.sleep(0.05)

    def close(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def of_root(self) -> dict[str, tuple[object, ...]]:
        """Return all that must stay as it is."""
        found = {}
        for path in [self.treasure, *self.treasure.rglob("*"), self.config, self.base]:
            now = path.lstat()
            text = path.read_bytes() if stat.S_ISREG(now.st_mode) else b""
            found[str(path)] = (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode), text)
        return found

    def made_by_root(self) -> list[Path]:
        """Return what root made in the folders of data, where others work."""
        folders = [self.base / name for name in FOLDERS]
        return [p for f in folders for p in [f, *f.rglob("*")] if p.lstat().st_uid == 0]


@pytest.fixture
def ground(root: Path, photo, program, web_user) -> Iterator[Ground]:
    ground = Ground(Path(tempfile.mkdtemp(prefix="zmh", dir="/tmp")), root, program, web_user)
    ground.pictures(photo("person.jpg"))
    yield ground
    ground.close()


CALLS: dict[str, list[tuple[str, ...]]] = {
    "detect": [
        ("hook", "5", "1", "Door", "Motion", "EVENT"),
        ("zm_detect.py", "-e", "6", "-m", "1", "-p", "EVENT"),
        ("zm_detect.py", "--file", "HOME/mine.jpg", "-m", "1"),
        ("zm_detect.py", "--file", "HOME/mine.jpg", "--explain"),
        ("detect", "-e", "7", "-m", "1", "-p", "EVENT", "--ask-service"),
    ],
    "train-faces": [("zm_train_faces.py",), ("train-faces",)],
    "explain": [("explain", "--file", "HOME/mine.jpg"), ("explain", "5", "-p", "EVENT")],
    "serve": [("serve",), ("serve", "--replace")],
    "service": [("service", "restart"), ("service", "status"), ("service", "stop")],
    "describe": [("describe", "--budget"), ("describe", "HOME/mine.jpg")],
    "models": [("models", "list"), ("models", "verify"), ("models", "get"), ("models", "fit")],
    "remote": [("remote", "status")],
    "snapshots": [
        ("snapshots", "list"),
        ("snapshots", "show", "1"),
        ("snapshots", "status"),
        ("snapshots", "export", "--all", "--to", "HOME/out"),
        ("zm_snapshots.py",),
    ],
    "watch": [("watch", "run"), ("watch", "status")],
    "camera": [("camera", "status", "--host", "127.0.0.1:9", "--user", "root")],
    "history": [("history", "list"), ("history", "show", "5"), ("history", "stats")],
    "notify": [("notify", "test")],
    "doctor": [("doctor",), ("doctor", "--event", "5", "--json")],
    "status": [("status",)],
    "config": [("config", "check"), ("config", "check", "--live")],
    "completion": [("completion", "bash"), ("completion", "zsh")],
}


def words(ground: Ground, call: tuple[str, ...]) -> list[str]:
    return [
        word.replace("EVENT", str(ground.event)).replace("HOME", str(ground.home)) for word in call
    ]


def test_every_command_is_tried() -> None:
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("command", CALLS)
def test_root_does_nothing_there_as_root(command: str, ground: Ground, attack) -> None:
    before = ground.of_root()
    for call in CALLS[command]:
        with attack(" ".join(call)):
            ground.log.write_text("")
            done = ground.call(*words(ground, call))
            assert "Traceback" not in done.stderr
            assert ground.log.read_text() == ""
            assert ground.made_by_root() == []
            assert ground.of_root() == before


def test_a_picture_of_roots_is_looked_at(ground: Ground, attack) -> None:
    with attack("a picture that only root may read"):
        done = ground.call("zm_detect.py", "--file", f"{ground.home}/mine.jpg", "-m", "1")
        assert (done.returncode, done.stderr) == (0, "")
        assert "detected:person" in done.stdout
    with attack("a picture that is not there"):
        done = ground.call("zm_detect.py", "--file", f"{ground.home}/none.jpg", "-m", "1")
        assert done.returncode == 2
        assert "there is no such file" in done.stderr


def test_the_service_that_root_starts_is_the_owners(ground: Ground, attack) -> None:
    with attack("the hook by hand"):
        done = ground.hook()
        assert (done.returncode, done.stderr) == (0, "")
        pids = ground.processes()
        assert pids
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {ground.web.uid}
    with attack("the owner can end it"):
        done = ground.call("service", "stop", **ground.web.popen())
        assert done.returncode == 0, done.stderr
        assert "has stopped" in done.stdout or "No service is running" in done.stdout


# -- links -----------------------------------------------------------------------------------------


def plants(ground: Ground) -> list[Path]:
    """Return every name that a run of ours opens or makes there, and folders of it."""
    ground.hook()
    ground.call("zm_train_faces.py")
    ground.end()
    made = [path for name in FOLDERS for path in (ground.base / name).rglob("*")]
    fixed = [
        ground.run.with_name(f"{ground.run.name}.{end}") for end in ("start", "lock", "seconds")
    ]
    state, spool = ground.base / "state", ground.base / "state" / "spool"
    fixed += [state / "history.sqlite", state / "past.sqlite", spool]
    fixed += [
        spool / f"{lane}.{what}" for lane in ("messages", "films") for what in ("slot-0", "waiting")
    ]
    fixed += [ground.base / "logs" / f"{name}.log" for name in ("zmesdetect", "zmesdetect_m1")]
    fixed += [ground.base / "cache" / name for name in ("tokens.json", "monitors.json")]
    fixed += [ground.base / "known_faces" / "faces.npz", ground.base / "images"]
    # Names that hold a time or a number come only once.
    return sorted({path for path in [*made, *fixed] if ".tmp" not in path.name})


def clear(ground: Ground) -> None:
    ground.end()
    for name in FOLDERS:
        path = ground.base / name
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
        ground.theirs(path)


def as_web(ground: Ground, *command: object) -> None:
    subprocess.run([*map(str, command)], check=True, **ground.web.popen())


@pytest.mark.parametrize("target", ["a file", "a new name", "a folder"])
def test_links_in_place_of_everything(
    target: str, ground: Ground, attack, several: Callable[[int, int], int]
) -> None:
    names = plants(ground)
    before = ground.of_root()
    aim = {"a file": "shadow", "a new name": "new", "a folder": ""}[target]
    # In the short run all links are there at once, as far as one is not within another.
    rounds = [[name] for name in names] if several(0, 1) else [names]
    for number, some in enumerate(rounds):
        with attack(f"{target} of root's in place of {some[0].name if len(rounds) > 1 else 'all'}"):
            clear(ground)
            for path in some:
                if path.is_symlink() or any(above.is_symlink() for above in path.parents):
                    continue
                as_web(ground, "mkdir", "-p", path.parent)
                if not path.exists():
                    as_web(ground, "ln", "-s", ground.treasure / aim, path)
            assert any(path.is_symlink() for path in some if path.is_relative_to(ground.base))
            calls = [
                ground.hook(),
                ground.call("zm_train_faces.py"),
                ground.call("service", "stop"),
            ]
            assert not [done.stderr for done in calls if "Traceback" in done.stderr]
            ground.end()
            assert ground.of_root() == before, f"round {number}"
            assert ground.made_by_root() == []


@pytest.mark.parametrize("kind", ["a link to root's", "a pipe"])
def test_how_long_to_wait_is_read_from_a_file_alone(kind: str, ground: Ground, attack) -> None:
    """What root reads there would stand in the list of processes."""
    ground.hook()
    (ground.treasure / "shadow").write_text("root:hash\n")
    told = ground.run.with_name(f"{ground.run.name}.seconds")
    told.unlink()
    make = ["mkfifo", told] if kind == "a pipe" else ["ln", "-s", ground.treasure / "shadow", told]
    as_web(ground, *make)
    with attack(f"{kind} in place of the seconds"):
        perl = ground.folder / "perl"
        perl.mkdir()
        args = ground.folder / "arguments"
        (perl / "perl").write_text(f'#!/bin/sh\necho "$@" >{args}\nexec /usr/bin/perl "$@"\n')
        (perl / "perl").chmod(0o755)
        done = subprocess.run(
            [ground.root / "zm_event_start.sh", "5", "1", "", "", ground.event],
            env={**ground.env, "PATH": f"{perl}:/usr/bin:/bin"},
            cwd="/", capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0
        assert "hash" not in args.read_text()


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_data_that_leads_to_roots(name: str, ground: Ground, attack) -> None:
    """Where the whole base folder is theirs, as other hooks' installers leave it."""
    os.chown(ground.base, ground.web.uid, ground.web.gid)
    (ground.base / name).rmdir()
    as_web(ground, "ln", "-s", ground.treasure, ground.base / name)
    before = ground.of_root()
    for call in (("hook", "5", "1", "", "", "EVENT"), ("zm_train_faces.py",), ("service", "stop")):
        with attack(f"{name} leads to root's, and root calls {call[0]}"):
            done = ground.call(*words(ground, call))
            assert "Traceback" not in done.stderr
            ground.end()
            assert ground.of_root() == before


# -- folders that are everybody's ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", *FOLDERS])
def test_what_everybody_may_write_to_is_refused(name: str, ground: Ground, attack) -> None:
    folder = ground.base / name
    folder.chmod(0o777)
    for call in (("hook", "5", "1", "", "", "EVENT"), ("zm_train_faces.py",), ("serve",)):
        with attack(f"{folder.name} of mode 777, and root calls {call[0]}"):
            done = ground.call(*words(ground, call))
            assert done.returncode == (1 if call[0] == "serve" else 2)
            assert f"{folder}: is writable by every user" in done.stderr
            assert "mode 0775" in done.stderr or "mode 0770" in done.stderr
            assert len(done.stderr.splitlines()) <= 2


# -- the lock --------------------------------------------------------------------------------------

CONTENTS = ["-1", "hello", "", "9" * 400, "0", "1", "\0\n", "-9 1", "VICTIM"]


def test_no_content_of_the_lock_says_whom_root_signals(ground: Ground, attack) -> None:
    victim = subprocess.Popen(["sleep", "600"])
    holder = subprocess.Popen(
        [
            "/usr/bin/perl", "-e",
            "open my $f, '+>>', $ARGV[0]; flock $f, 2; syswrite STDOUT, qq(held\\n); sleep 600",
            str(ground.run.with_name(f"{ground.run.name}.lock")), "zmhook.server",
        ],
        stdout=subprocess.PIPE, **ground.web.popen(),
    )  # fmt: skip
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        lock = ground.run.with_name(f"{ground.run.name}.lock")
        bystander = subprocess.Popen(["sleep", "600"], **ground.web.popen())
        for content in CONTENTS:
            for action in (("service", "status"), ("service", "stop")):
                if holder.poll() is not None:
                    continue
                with attack(f"{content[:9]!r} in the lock, {action[1]}"):
                    lock.write_text(content.replace("VICTIM", str(victim.pid)))
                    if action[1] == "stop":
                        # The holder calls itself a service and is the web user's: it may be ended.
                        break
                    done = ground.call(*action)
                    assert "Traceback" not in done.stderr
                    assert len((done.stdout + done.stderr).splitlines()) == 1
        with attack("only the holder of the lock is ended"):
            lock.write_text("-1\n")
            done = ground.call("service", "stop")
            assert "has stopped" in done.stdout, done.stderr
            assert holder.wait(SECONDS) == -signal.SIGTERM
            assert victim.poll() is None
            assert bystander.poll() is None
    finally:
        for process in (victim, holder, bystander):
            process.kill()
            process.communicate()


def test_a_holder_of_root_is_none_of_theirs(ground: Ground, attack) -> None:
    """The web user has a lock of its run folder held by somebody else's process."""
    lock = ground.run.with_name(f"{ground.run.name}.lock")
    code = "open my $f, '+>>', $ARGV[0]; flock $f, 2; syswrite STDOUT, qq(held\\n); sleep 600"
    holder = subprocess.Popen(
        ["/usr/bin/perl", "-e", code, str(lock), "zmhook.server"], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        os.chown(lock, ground.web.uid, ground.web.gid)
        with attack("a process of root's holds the lock"):
            done = ground.call("service", "stop")
            assert done.returncode != 0
            assert f"process {holder.pid} of root holds it" in done.stderr
            assert holder.poll() is None
    finally:
        holder.kill()
        holder.communicate()


def test_only_root_and_its_own_user_end_a_service(ground: Ground, attack) -> None:
    """Others of the group may have events decided, and nothing more."""
    ground.hook()
    other = {"user": 23456, "group": ground.web.gid, "extra_groups": []}
    with attack("another of the group asks for the end"):
        done = subprocess.run(
            ["curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
             "--unix-socket", ground.run.with_name(f"{ground.run.name}.sock"), "http://x/stop"],
            capture_output=True, text=True, **other,
        )  # fmt: skip
        assert done.stdout == "403"
        assert ground.call("service", "status").returncode == 0
    with attack("another of the group calls zmhook service stop"):
        done = ground.call("service", "stop", **other)
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1
        assert ground.call("service", "status").returncode == 0
    with attack("root ends it"):
        done = ground.call("service", "stop")
        assert "has stopped" in done.stdout, done.stderr


def test_messages_of_another_of_the_group_go_out(ground: Ground, endpoint, attack) -> None:
    """It may not write to the spool, which holds passwords."""
    ground.hook()
    ground.end()
    spool = ground.base / "state" / "spool"
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    text = ground.config.read_text()
    ground.config.write_text(text.replace("http://127.0.0.1:9/", f"{endpoint.url}/hook"))
    with attack("the hook by hand, without a service"):
        done = ground.call(
            "zm_detect.py", "-e", "8", "-m", "1", "-p", ground.event,
            user=23456, group=ground.web.gid, extra_groups=[],
        )  # fmt: skip
        assert done.returncode == 0
        assert "webhook is sent from memory, once only" in done.stderr
        assert "run the hook as that user" in done.stderr
        until = time.monotonic() + SECONDS
        while not endpoint.got:
            assert time.monotonic() < until, "no message came"
            time.sleep(0.05)
        assert [got.path for got in endpoint.got] == ["/hook"]


def test_a_listener_in_its_place_is_not_asked_by_root(ground: Ground, attack) -> None:
    """The socket of another of the group, beside a lock that its process holds."""
    name = str(ground.run.with_name(f"{ground.run.name}.sock"))
    code = (
        "import fcntl, socket, sys, time\n"
        "lock = open(sys.argv[1][:-4] + 'lock', 'a+'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "print('held', flush=True); s.accept()[0].close()\n"
        "s.accept(); print('asked', flush=True); time.sleep(600)"
    )
    other = {"user": 23456, "group": ground.web.gid, "extra_groups": []}
    process = subprocess.Popen(
        [ground.program.python, "-c", code, name, "zmhook.server"],
        stdout=subprocess.PIPE, text=True, **other,
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with attack("a listener of another account"):
            done = ground.call("service", "stop")
            assert done.returncode != 0
            assert "23456" in done.stderr
            assert process.poll() is None
    finally:
        process.kill()
        out, _ = process.communicate()
        assert "asked" not in out


# -- settings that others may write to -------------------------------------------------------------


class Plan(NamedTuple):
    """How www-data gives its own settings to root, and whose is what is run by them."""

    name: str
    file: str
    mode: int
    is_theirs: bool
    says: str


PLANS = [
    Plan("their own configuration", "o.ini", 0o644, True, "belongs to www-data, and the data"),
    Plan(
        "their own secrets file", "secrets.ini", 0o640, True, "belongs to www-data, and the data in"
    ),
    Plan("a configuration of everybody's", "o.ini", 0o666, False, "others than root may change it"),
    Plan("secrets of everybody's", "secrets.ini", 0o666, False, "others than root may change it"),
    Plan("a configuration of a group's", "o.ini", 0o664, False, "others than root may change it"),
]


def as_roots(ground: Ground) -> None:
    """Give all data to root, as in a container; the event stays the web server's."""
    for name in FOLDERS:
        os.chown(ground.base / name, 0, 0)
        (ground.base / name).chmod(0o755)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_settings_of_others_run_nothing_as_root(plan: Plan, ground: Ground, attack) -> None:
    as_roots(ground)
    sprung = ground.folder / "sprung"
    sprung.mkdir()
    sprung.chmod(0o777)
    program = ground.folder / "program"
    program.write_text(f'#!/bin/sh\n: >"{sprung}/$(id -u)-$$"\n')
    program.chmod(0o755)
    text = ground.config.read_text().replace("models = hog", "models = alpr")
    text += (
        "[alpr]\nalpr_service = open_alpr_cmdline\nalpr_use_after_detection_only = no\n"
        "openalpr_cmdline_binary = !PROGRAM\n"
    )
    ground.config.write_text(text)
    (ground.folder / "secrets.ini").write_text(f"[secrets]\nPROGRAM = {program}\n")
    with attack("root's own settings are obeyed"):
        ground.hook()
        ground.end()
        ran = [path.name.partition("-")[0] for path in sprung.iterdir()]
        assert set(ran) == {"0"}, ran
    for path in sprung.iterdir():
        path.unlink()
    file = ground.folder / plan.file
    os.chown(file, ground.web.uid if plan.is_theirs else 0, ground.web.gid)
    file.chmod(plan.mode)
    for call in (
        ("hook", "5", "1", "", "", "EVENT"),
        ("zm_detect.py", "--file", "HOME/mine.jpg"),
        ("zm_train_faces.py",),
        ("serve",),
        ("config", "check", "--live"),
    ):
        with attack(f"{plan.name}, and root calls {call[0]}"):
            done = ground.call(*words(ground, call))
            ground.end()
            assert done.returncode != 0
            assert plan.says in done.stderr
            assert str(file) in done.stderr
            assert "chown -h root:root" in done.stderr
            assert "Traceback" not in done.stderr
            assert not [path for path in sprung.iterdir() if path.name.startswith("0-")]


def test_a_way_of_others_to_the_configuration(ground: Ground, attack) -> None:
    as_roots(ground)
    way = ground.folder / "way"
    ground.theirs(way)
    link = way / "link.ini"
    as_web(ground, "ln", "-s", ground.config, link)
    for folder in (ground.folder, way):
        (folder / "secrets.ini").write_text("[secrets]\n")
    shutil.copyfile(ground.config, way / "o.ini")
    for file in (way / "o.ini", link):
        with attack(f"{file.name} in their folder"):
            done = ground.call("zm_detect.py", "-c", file, "-e", "5", "-m", "1", "-p", ground.event)
            assert done.returncode == 2
            assert "belongs to www-data, and the data in" in done.stderr
    way.chmod(0o777)
    with attack("in everybody's folder"):
        done = ground.call("zm_detect.py", "-c", way / "o.ini", "-e", "5", "-m", "1")
        assert done.returncode == 2
        assert f"{way}: others than root may change it (owner www-data, mode 0777)" in done.stderr


def test_a_service_of_roots_reads_no_settings_of_others(ground: Ground, attack) -> None:
    as_roots(ground)
    started = ground.call("service", "restart")
    assert started.returncode == 0, started.stderr
    with attack("the configuration is given away while it runs"):
        text = ground.config.read_text()
        ground.config.write_text(text.replace("models = hog", "models = alpr"))
        os.chown(ground.config, ground.web.uid, ground.web.gid)
        done = ground.hook()
        assert "detected:person" in done.stdout, done.stderr
        os.chown(ground.config, 0, 0)
        done = ground.call("service", "stop")
        assert "has stopped" in done.stdout, done.stderr
        logs = [path.read_text() for path in (ground.base / "logs").iterdir()]
        assert [text for text in logs if "others than root may change it" in text]


def test_settings_of_somebodys_own_make_root_that_account(ground: Ground, attack) -> None:
    """As a developer's, who calls sudo zmhook detect -c my.ini."""
    home = ground.folder / "dev"
    home.mkdir()
    config = home / "my.ini"
    config.write_text(f"[general]\nbase_data_path = {home}/data\nmodels = hog\n")
    shutil.copyfile(ground.home / "mine.jpg", home / "mine.jpg")
    for path in (home, config, home / "mine.jpg"):
        os.chown(path, 23456, 23456)
    with attack("sudo zm_detect.py"):
        done = ground.call("zm_detect.py", "-c", config, "--file", home / "mine.jpg", "-m", "1")
        assert (done.returncode, done.stderr) == (0, "")
        assert "detected:person" in done.stdout
        owners = {path.lstat().st_uid for path in home.rglob("*")}
        assert owners == {23456}, owners


# -- a root that stays root, and the web server's events -------------------------------------------

OUTPUTS = ("objects.json", "objdetect.jpg")


def wait_for(path: Path) -> None:
    until = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} is not made"
        time.sleep(0.1)


@pytest.mark.parametrize("how", ["cold", "service"])
def test_root_writes_through_no_link_to_an_event(how: str, ground: Ground, attack) -> None:
    as_roots(ground)
    config = ground.config.read_text().replace("[hog]", "write_image_to_zm = yes\n[hog]")
    ground.config.write_text(config)
    call = (
        ("hook", "5", "1", "", "", "EVENT")
        if how == "service"
        else ("zm_detect.py", "-e", "5", "-m", "1", "-p", "EVENT")
    )
    if how == "service":
        ground.hook()  # starts it
        for name in OUTPUTS:
            wait_for(ground.event / name)
            (ground.event / name).unlink()
    with attack("an event of the web server's, and all data root's"):
        done = ground.call(*words(ground, call))
        assert (done.returncode, done.stderr) == (0, "")
        for name in OUTPUTS:
            wait_for(ground.event / name)
    roots = ground.treasure / "event"
    shutil.copytree(ground.event, roots)
    for name in OUTPUTS:
        (roots / name).write_text("root's\n")
    before = ground.of_root()
    with attack("a link in place of the folder"):
        ground.event.rename(ground.folder / "moved")
        parent = ground.folder / "events"
        ground.theirs(parent)
        parent.chmod(0o755)
        as_web(ground, "ln", "-s", roots, parent / "5")
        done = ground.call(*(str(parent / "5") if word == "EVENT" else word for word in call))
        assert done.returncode == 2
        assert ground.of_root() == before
    with attack("a link of root's is followed"):
        (ground.folder / "roots-link").symlink_to(ground.folder / "moved")
        for name in OUTPUTS:
            (ground.folder / "moved" / name).unlink()
        path = str(ground.folder / "roots-link")
        done = ground.call(*(path if word == "EVENT" else word for word in call))
        assert (done.returncode, done.stderr) == (0, "")
        for name in OUTPUTS:
            wait_for(ground.folder / "moved" / name)
    with attack("the folder becomes a link once the answer is out"):
        from zmhook.storage import atomic

        (ground.folder / "moved").rename(parent / "6")
        shutil.move(parent / "6", ground.folder / "moved")
        with pytest.raises(OSError, match="leads through 5, a link of www-data's"):
            atomic.write_to_event(parent / "5" / "objects.json", b"x")
        assert ground.of_root() == before


def test_root_reads_through_no_link_of_an_event(ground: Ground, photo, attack) -> None:
    as_roots(ground)
    config = ground.config.read_text().replace("[hog]", "write_image_to_zm = yes\n[hog]")
    ground.config.write_text(config)
    (ground.treasure / "shadow").write_text("S3CRET words\n")
    shutil.copyfile(photo("person.jpg"), ground.treasure / "private.jpg")
    (ground.treasure / "private.jpg").chmod(0o600)
    for target in ("shadow", "private.jpg"):
        for kind in ("a link", "a second name", "a link instead of the video"):
            with attack(f"{kind} to root's {target}"):
                for path in ground.event.iterdir():
                    path.unlink()
                names = ["5-video.mp4"] if "video" in kind else ["alarm.jpg", "snapshot.jpg"]
                for name in names:
                    if kind == "a second name":
                        (ground.event / name).hardlink_to(ground.treasure / target)
                    else:
                        as_web(ground, "ln", "-s", ground.treasure / target, ground.event / name)
                done = ground.call(
                    "zm_detect.py", "-e", "5", "-m", "1", "-p", ground.event,
                    "-O", "general.max_attempts=1",
                )  # fmt: skip
                assert done.returncode == 2
                assert "S3CRET" not in done.stdout + done.stderr
                logs = [path.read_text() for path in (ground.base / "logs").iterdir()]
                assert not [text for text in logs if "S3CRET" in text]
                assert not (ground.event / "objdetect.jpg").exists()


def test_words_of_a_file_are_in_no_line(ground: Ground, attack) -> None:
    for text in ("S3CRET", '{"message": "S3CRET"}', "<title>S3CRET</title>"):
        with attack(f"{text} is no picture"):
            for name in ("alarm", "snapshot"):
                (ground.event / f"{name}.jpg").write_text(text)
            done = ground.call("zm_detect.py", "-e", "5", "-m", "1", "-p", ground.event)
            assert done.returncode == 2
            assert "expected a picture" in done.stderr
            assert "S3CRET" not in done.stderr


# -- other accounts --------------------------------------------------------------------------------

STRANGER = {"user": 54321, "group": 54321, "extra_groups": []}
NEEDS_NO_SECRET = [
    ("models", "list"),
    ("models", "verify"),
    ("config", "reference"),
    ("completion", "bash"),
    ("describe", "--question"),
    ("detect", "--file", "PICTURE"),
    ("explain", "--file", "PICTURE"),
    ("zm_detect.py", "--file", "PICTURE", "--explain"),
]
NEEDS_RIGHTS = [
    ("config", "check"),
    ("detect", "5", "--explain"),
    ("explain", "5"),
    ("describe", "PICTURE"),
    ("history", "list"),
    ("service", "status"),
    ("snapshots", "list"),
    ("train-faces",),
    ("notify", "test"),
]


@pytest.fixture
def picture(ground: Ground, photo) -> Path:
    """A picture that everybody may read, beside secrets and data that only some may."""
    secrets = ground.folder / "secrets.ini"
    secrets.chmod(0o640)
    os.chown(secrets, 0, ground.web.gid)
    ground.config.chmod(0o644)
    picture = ground.folder / "public.jpg"
    shutil.copyfile(photo("person.jpg"), picture)
    picture.chmod(0o644)
    return picture


@pytest.mark.parametrize("call", NEEDS_NO_SECRET, ids=" ".join)
def test_what_needs_no_secret_works_for_everybody(call, ground: Ground, picture, attack) -> None:
    before = ground.of_root()
    with attack(" ".join(call)):
        named = [str(picture) if word == "PICTURE" else word for word in call]
        done = ground.call(*named, **STRANGER)
        assert (done.returncode, done.stderr) == (0, ""), done
        if "PICTURE" in call:
            assert "person" in done.stdout
        assert ground.of_root() == before


@pytest.mark.parametrize("call", NEEDS_RIGHTS, ids=" ".join)
def test_others_are_told_what_to_type(call, ground: Ground, picture, attack) -> None:
    with attack(" ".join(call)):
        named = [str(picture) if word == "PICTURE" else word for word in call]
        done = ground.call(*named, **STRANGER)
        assert done.returncode not in (0, 1 if call[0] == "detect" else None)
        line, *notes = done.stderr.splitlines()
        assert all(note.startswith("note: ") for note in notes)
        assert "ermission denied" in line
        assert f"ZMHOOK_CONFIG={ground.config}" in line.partition("; type: ")[2]
        assert " ".join(named) in line
