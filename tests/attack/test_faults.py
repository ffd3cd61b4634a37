"""A fault matrix: what goes wrong under a running service costs one event's answer at the most.

A fault befalls the service before an event or in the middle of one, as `on_failure` is `silence`
or `alarm`, where all is root's and where all is the web server's. Whatever it is, the hook answers
within its event_deadline, with the right line or as `on_failure` says and without a traceback,
and the event after it is right again. A long run tries every combination, a short one a part.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.attack

DEADLINE = 25
"""Seconds that an event has; far more than it needs on a machine under load."""
SHORT_DEADLINE = 4
"""... where something hangs until they are over."""
RIGHT = "[a] detected:dog"
UNDECIDED = "detected:nothing could be decided ("
TROUBLE = ("Traceback", "internal error", "please report")

CLOCK = """
import time
from pathlib import Path

_offset, _time, _time_ns = Path({offset!r}), time.time, time.time_ns

def _jump():
    try:
        return int(_offset.read_text())
    except (OSError, ValueError):
        return 0

time.time = lambda: _time() + _jump()
time.time_ns = lambda: _time_ns() + _jump() * 10**9
"""
"""As sitecustomize: the clock of our own processes, which `time.time` reads, can be set.

There is no namespace of it, and the machine's is not ours to set. The kernel's own stamps (of
files) and C's clock (`datetime.now`) do not jump along.
"""


class Ground:
    """A warm service whose chain begins with a model that waits where it is told to."""

    def __init__(self, site: Any, endpoint: Any, account: str) -> None:
        self.site, self.endpoint, self.account = site, endpoint, account
        self.data = site.folder / "data"
        self.number = 100
        self.policy = "silence"
        self.seconds = DEADLINE
        self.hooks: list[subprocess.Popen[bytes]] = []
        self.fallen: set[str] = set()

    def write(self, **more: Any) -> None:
        general = {
            "models": "faulty,yolo",
            "event_deadline": self.seconds,
            "on_failure": self.policy,
            **more,
        }
        self.site.write(
            general="\n".join(f"{key} = {value}" for key, value in general.items()),
            service="worker_max_rss = 600",
            rest=(
                "[gate]\nmatch_past_detections = yes\n"
                "ignore_past_detection_labels = dog,bicycle,truck,car\n"
                "[history]\nrecord_history = yes\n"
                f"[notify]\nnotify_webhook = {self.endpoint.url}/hook\n"
                if "rest" not in more
                else ""
            ),
        )

    def theirs(self, path: Path) -> None:
        """Give what a test made to the account that runs hooks."""
        if "user" in self.site.account:
            os.chown(path, self.site.account["user"], self.site.account["group"])

    def begin(self, **extra: Any) -> subprocess.Popen[bytes]:
        self.number += 1
        folder = self.event(self.number)
        hook = self.site.begin(str(self.number), "1", "Door", "Motion", folder, **extra)
        self.hooks.append(hook)
        return hook

    def event(self, number: int) -> Path:
        """Return an event's folder; it is made where it is not there yet."""
        folder: Path = self.site.folder / "events" / str(number)
        if not folder.exists():
            self.site.event(number=number)
            for path in (folder.parent, folder, *folder.iterdir()):
                self.theirs(path)
        return folder

    def wait_in_model(self) -> subprocess.Popen[bytes]:
        """Begin an event, and return as soon as its model waits."""
        (self.site.run / "go").unlink(missing_ok=True)
        self.site.order("wait")
        self.theirs(self.site.run / "orders")
        hook = self.begin()
        self.site.obeyed()
        return hook

    def go(self) -> None:
        with suppress(OSError):
            (self.site.run / "go").touch()

    def calm(self) -> None:
        """Have one service that is ready, however it was left."""
        self.go()
        for hook in self.hooks:
            if hook.returncode is None:
                hook.communicate(timeout=DEADLINE * 3)
        self.hooks.clear()
        self.seconds = DEADLINE
        self.write()
        for name in ("orders", "obeying", "obeyed"):
            (self.site.run / name).unlink(missing_ok=True)
        self.right(self.begin())
        self.site.until(lambda: len(self.site.supervisors()) == 1, DEADLINE * 2)
        self.site.until(lambda: self.site.status()["workers"][0]["models"], DEADLINE * 2)

    def pid(self) -> int:
        pid: int = self.site.status()["pid"]
        return pid

    # -- what a hook may say ------------------------------------------------------------------

    def right(self, hook: subprocess.Popen[bytes]) -> None:
        said = self.said(hook)
        assert (said.code, said.text[: len(RIGHT)]) == (0, RIGHT), said

    def fair(self, hook: subprocess.Popen[bytes]) -> None:
        """It is right, or undecided as `on_failure` says."""
        said = self.said(hook)
        if self.policy == "alarm":
            assert said.code == 0, said
            assert said.text.startswith(RIGHT) or UNDECIDED in said.text, said
        elif said.code == 0:
            assert said.text.startswith(RIGHT), said
        else:
            assert (said.code, said.out) == (2, ""), said

    def said(self, hook: subprocess.Popen[bytes]) -> Any:
        said = _end(hook)
        assert not [word for word in TROUBLE if word in said.err + said.out], said
        return said

    def no_trouble(self) -> None:
        """Nothing new in the log is a bug's."""
        lines = [line for line in self.site.log().splitlines() if any(w in line for w in TROUBLE)]
        new, self.fallen = set(lines) - self.fallen, self.fallen | set(lines)
        assert not new, "\n".join(sorted(new))


def _end(hook: subprocess.Popen[bytes]) -> Any:
    out, err = hook.communicate(timeout=DEADLINE * 3)
    text = out.decode()
    return Said(hook.returncode, text, err.decode(), text.partition("--SPLIT--")[0].strip())


class Said(NamedTuple):
    code: int
    out: str
    err: str
    text: str


# -- grounds ---------------------------------------------------------------------------------------


@contextmanager
def made_ground(make_site: Any, installed: Path, assets: Path, endpoint: Any, account: str,
                request: pytest.FixtureRequest) -> Iterator[Ground]:  # fmt: skip
    web = request.getfixturevalue("web_user") if account == "web" else None
    site = make_site(installed, assets)
    try:
        if web:
            program = request.getfixturevalue("program")
            _give(site, installed, program, web)
        ground = Ground(site, endpoint, account)
        (site.folder / "plugin" / "sitecustomize.py").write_text(
            CLOCK.format(offset=str(site.folder / "clock"))
        )
        ground.write()
        ground.calm()
        yield ground
    finally:
        site.close()


def _give(site: Any, installed: Path, program: Any, web: Any) -> None:
    """Have it all where the web server's account may read it, and what hooks write be theirs."""
    root = site.folder / "installed"
    shutil.copytree(installed, root)
    packages = program.env["PYTHONPATH"].partition(os.pathsep)[2]
    root.chmod(0o755)
    site.root = root
    site.env["ZMHOOK_PYTHON"] = program.python
    site.env["PYTHONPATH"] = os.pathsep.join([site.env["PYTHONPATH"], packages])
    site.account = web.popen()
    site.folder.chmod(0o755)
    for folder in (site.run, site.folder / "data"):
        folder.mkdir(exist_ok=True)
        os.chown(folder, web.uid, web.gid)


@pytest.fixture(scope="module", params=["ours", "web"])
def ground(request, make_site, installed, assets, endpoint_type) -> Iterator[Ground]:
    endpoint = endpoint_type()
    try:
        with made_ground(make_site, installed, assets, endpoint, request.param, request) as made:
            yield made
    finally:
        endpoint.close()


# -- faults ----------------------------------------------------------------------------------------

Fault = Callable[[Ground], AbstractContextManager[None]]


class Case(NamedTuple):
    """A fault, and what it may cost while it lasts."""

    fault: Fault
    may_fail: bool = False
    """Whether events meanwhile may be undecided."""
    seconds: int = DEADLINE
    is_told: bool = False
    """Whether messages of all events go out meanwhile."""


def signalled(which: str, number: signal.Signals) -> Fault:
    @contextmanager
    def fault(ground: Ground) -> Iterator[None]:
        pids = [pid for name in which.split("+") for pid in getattr(ground.site, name)()]
        assert pids
        _send(pids, number)
        try:
            yield
        finally:
            _send(pids, signal.SIGCONT)

    return fault


def _send(pids: list[int], number: signal.Signals) -> None:
    """To those that are still there: a worker ends by itself when its supervisor does."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


PROCESSES = {
    f"the {who} gets {number.name}": Case(
        signalled(who, number),
        may_fail=number is signal.SIGSTOP and who == "workers",
        seconds=SHORT_DEADLINE if number is signal.SIGSTOP and who == "workers" else DEADLINE,
    )
    for who in ("workers", "supervisors", "supervisors+workers")
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
}


def read_only(name: str) -> Fault:
    @contextmanager
    def fault(ground: Ground) -> Iterator[None]:
        """By its mode where that binds; root's is mounted so."""
        folder = ground.site.folder / name
        folder.mkdir(exist_ok=True)
        ground.theirs(folder)
        with _mounted(folder) if ground.account == "ours" and _is_root() else _mode(folder):
            yield

    return fault


def _is_root() -> bool:
    return os.geteuid() == 0


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "--bind", folder, folder], capture_output=True)
    if done.returncode:
        pytest.skip("optional: only root can mount, and not in each container")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def _mode(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    modes = [(path, path.stat().st_mode & 0o7777) for path in folders]
    try:
        for path, _ in modes:
            path.chmod(0o555)
        yield
    finally:
        for path, mode in modes:
            path.chmod(mode)


FOLDERS = {
    f"{name} is read-only": Case(read_only(name))
    for name in ("data/state", "data/cache", "data/logs", "data/images", "data", "r", "events")
}


def clock_jumps(seconds: int) -> Fault:
    @contextmanager
    def fault(ground: Ground) -> Iterator[None]:
        offset = ground.site.folder / "clock"
        offset.with_suffix(".new").write_text(str(seconds))
        offset.with_suffix(".new").chmod(0o644)
        offset.with_suffix(".new").replace(offset)
        try:
            yield
        finally:
            offset.unlink()

    return fault


DAY = 86_400
CLOCKS = {
    "the clock is put forward by an hour": Case(clock_jumps(3600), is_told=True),
    "the clock is put back by an hour": Case(clock_jumps(-3600), is_told=True),
    "the clock is put forward by 30 years": Case(clock_jumps(30 * 365 * DAY), is_told=True),
    "the clock is put back to 1970": Case(clock_jumps(-int(time.time()) + 60), is_told=True),
    "the clock is put before 1970": Case(clock_jumps(-int(time.time()) - DAY), is_told=True),
}


def limited(which: str, what: int, soft: Callable[[int], int]) -> Fault:
    """Lower a limit of running processes; `soft` says from a process id to what."""

    @contextmanager
    def fault(ground: Ground) -> Iterator[None]:
        before = []
        for pid in getattr(ground.site, which)():
            before.append((pid, soft_limit(pid, what)))
            limit(ground, pid, what, soft(pid))
        try:
            yield
        finally:
            for pid, old in before:
                if pid in ground.site.processes():
                    limit(ground, pid, what, old)

    return fault


NAMES = {
    resource.RLIMIT_NOFILE: ("nofile", "Max open files"),
    resource.RLIMIT_AS: ("as", "Max address space"),
}


def soft_limit(pid: int, what: int) -> str:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(NAMES[what][1]))
    return line.removeprefix(NAMES[what][1]).split()[0]


def limit(ground: Ground, pid: int, what: int, soft: object) -> None:
    """As the account that the process belongs to: not every root may do it to another's."""
    command = ["prlimit", f"--pid={pid}", f"--{NAMES[what][0]}={soft}:"]
    subprocess.run(command, check=True, capture_output=True, **ground.site.account)


def _files(pid: int) -> int:
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 1


def _bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


@contextmanager
def grows(ground: Ground) -> Iterator[None]:
    ground.site.order("grow 700")
    ground.theirs(ground.site.run / "orders")
    yield


LIMITS = {
    "the service may open no file more": Case(
        limited("supervisors", resource.RLIMIT_NOFILE, _files)
    ),
    "the service may open three files more": Case(
        limited("supervisors", resource.RLIMIT_NOFILE, lambda pid: _files(pid) + 3)
    ),
    "a worker may open no file more": Case(
        limited("workers", resource.RLIMIT_NOFILE, _files), may_fail=True
    ),
    "the service gets no memory more": Case(
        limited("supervisors", resource.RLIMIT_AS, _bytes), may_fail=True
    ),
    "a worker gets no memory more": Case(
        limited("workers", resource.RLIMIT_AS, _bytes), may_fail=True
    ),
    "a worker gets 4 MB more": Case(
        limited("workers", resource.RLIMIT_AS, lambda pid: _bytes(pid) + (4 << 20)), may_fail=True
    ),
    "a worker grows past worker_max_rss": Case(grows),
}

# -- the matrix ------------------------------------------------------------------------------------

MOMENTS = ("before", "during")
POLICIES = ("silence", "alarm")


def befall(ground: Ground, case: Case, moment: str, policy: str) -> None:
    """Have a fault, an event or two while it lasts, and one after it."""
    ground.policy, ground.seconds = policy, case.seconds
    ground.write()
    ground.right(ground.begin())  # by these settings; the fault may be that they cannot be read
    first = ground.number
    for number in range(1, 4):
        ground.event(first + number)
    answer = ground.fair if case.may_fail else ground.right
    try:
        under_way = ground.wait_in_model() if moment == "during" else None
        with case.fault(ground):
            ground.go()
            if under_way:
                answer(under_way)
            answer(ground.begin())
            if case.is_told:
                ground.site.until(lambda: set(range(first + 1, ground.number + 1)) <= told(ground))
    finally:
        ground.calm()
    ground.right(ground.begin())
    ground.no_trouble()


def told(ground: Ground) -> set[int]:
    """Return the events whose messages have come."""
    return {json.loads(got.body)["event"] for got in ground.endpoint.got}


def combinations(ground: Ground, *, long_run: bool, number: int) -> list[tuple[str, str]]:
    """Return moments and policies: all, or one for every other fault, which differ."""
    found = [(moment, policy) for moment in MOMENTS for policy in POLICIES]
    if long_run:
        return found
    is_web = ground.account == "web"
    return [found[number // 2 % len(found)]] if number % 2 == is_web else []


@pytest.mark.parametrize(
    "faults", [PROCESSES, FOLDERS, CLOCKS, LIMITS], ids=["processes", "folders", "clocks", "limits"]
)
def test_a_service_survives(
    faults: dict[str, Case], ground: Ground, attack: Any, long_run: bool
) -> None:
    for number, (name, case) in enumerate(faults.items()):
        for moment, policy in combinations(ground, long_run=long_run, number=number):
            with attack(f"{name} {moment} an event, {policy}"):
                befall(ground, case, moment, policy)


# -- what lies on the disk -------------------------------------------------------------------------

DATABASES = ("history.sqlite", "past.sqlite")
"""Whose damage has tests of its own."""


def garble(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\xa5" * max(size, 64))


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "overwritten": garble,
    "halved": halve,
    "truncated": lambda path: os.truncate(path, 0),
    "deleted": Path.unlink,
}


def kept(ground: Ground) -> list[Path]:
    """Return what the service keeps: state, cache, and how hooks reach it; logs left out."""
    places = [*(ground.data / name for name in ("state", "cache")), ground.site.run]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return [path for path in files if path.name not in (*DATABASES, "go", "orders", "obeyed")]


def test_files_are_damaged_under_it(ground: Ground, attack: Any, long_run: bool) -> None:
    ground.policy = "alarm"
    ground.calm()
    damages = list(DAMAGE.items())
    for number, path in enumerate(kept(ground)):
        if not long_run and number % 2 == (ground.account == "web"):
            continue
        for fault, harm in damages if long_run else [damages[number % len(damages)]]:
            if not path.is_file():
                continue  # a job that was done meanwhile
            with attack(f"{path.relative_to(ground.site.folder)} {fault}"):
                under_way = ground.wait_in_model()
                with suppress(FileNotFoundError):
                    harm(path)
                ground.go()
                ground.right(under_way)
                ground.right(ground.begin())
                ground.no_trouble()
    with attack("the service serves on"):
        ground.calm()


# -- limits of the hook itself ---------------------------------------------------------------------

# With three files the system's own shell does not load.
HOOK_LIMITS: dict[str, tuple[int, list[int]]] = {
    "files": (resource.RLIMIT_NOFILE, [4, 5, 6, 8, 10, 12, 16, 24, 32]),
    "megabytes": (resource.RLIMIT_AS, [16, 32, 64, 128, 256, 512, 1024]),
}


def begin_limited(ground: Ground, what: int, limit: int) -> subprocess.Popen[bytes]:
    before = ground.site.account
    amount = limit << 20 if what == resource.RLIMIT_AS else limit
    ground.site.account = {
        **before, "preexec_fn": lambda: resource.setrlimit(what, (amount, amount))
    }  # fmt: skip
    try:
        return ground.begin()
    finally:
        ground.site.account = before


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_hook_with_little(ground: Ground, warm: bool, attack: Any, long_run: bool) -> None:
    """It is the hook's own limit, which it hands on to no service: cold none is started."""
    ground.policy = "silence"
    ground.calm()
    if not warm:
        text = ground.site.config.read_text().replace("[service]", "[service]\nuse_service = no")
        ground.site.config.write_text(text)
        ground.site.until(lambda: not ground.site.supervisors())
    for unit, (what, limits) in HOOK_LIMITS.items():
        for limit in limits if long_run else limits[::3]:
            with attack(f"{limit} {unit}"):
                said = _end(begin_limited(ground, what, limit))
                assert "Traceback" not in said.err, said.err
                if said.code == 0:
                    assert said.text.startswith(RIGHT), said
                else:
                    assert (said.code, said.out) == (2, ""), said
    with attack("the event after"):
        ground.calm()
    ground.no_trouble()


# -- live changes ----------------------------------------------------------------------------------


def test_the_configuration_changes_while_events_run(
    ground: Ground, attack: Any, several: Callable[[int, int], int]
) -> None:
    """Valid, invalid and half written: each event is decided by one that was good."""
    ground.policy = "silence"
    ground.calm()
    good = ground.site.config.read_text()
    other = good.replace("[general]", "[general]\ndetect_pattern = bicycle")
    size = len(good)
    cuts = (good[: size * share // 10].rstrip("\n") for share in range(1, 10))
    edits = [
        good, other, "[general\n", other, good + "[yolo]\nno_such_key = 1\n", "", good,
        *cuts, good, "\0" * 100, other,
    ]  # fmt: skip
    done = threading.Event()

    def edit() -> None:
        while not done.is_set():
            for text in edits:
                ground.site.config.write_text(text)  # in place, as an editor may
                time.sleep(0.05)

    editor = threading.Thread(target=edit)
    pid = ground.pid()
    editor.start()
    try:
        for _ in range(several(3, 60)):
            hooks = [ground.begin() for _ in range(3)]
            for hook in hooks:
                with attack("an event while it changes"):
                    said = ground.said(hook)
                    assert said.code == 0, said
                    assert said.text.startswith((RIGHT, "[a] detected:bicycle")), said
    finally:
        done.set()
        editor.join()
    with attack("the last good one holds, in the same service"):
        ground.calm()
        assert ground.pid() == pid
        assert ground.site.status()["config_error"] == ""
        ground.no_trouble()


# -- two services ----------------------------------------------------------------------------------


def test_two_services_whose_paths_end_alike(ground: Ground, attack: Any, long_run: bool) -> None:
    """What befalls one leaves the other as it was."""
    ground.policy = "silence"
    ground.calm()
    configs = {label: made_beside(ground, label) for label in ("dog", "bicycle")}
    for label in configs:
        right_beside(ground, configs, label)
    ground.site.until(lambda: len(ground.site.supervisors()) == len(configs) + 1, DEADLINE)
    numbers = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
    for number in numbers if long_run else numbers[:1]:
        for label, config in configs.items():
            (other,) = configs.keys() - {label}
            with attack(f"{number.name} for the service of {label}"):
                ground.site.until(lambda: len(ground.site.supervisors()) == len(configs) + 1)
                (pid,) = ground.site.processes("zmhook.server", str(config))
                (others,) = ground.site.processes("zmhook.server", str(configs[other]))
                os.kill(pid, number)
                right_beside(ground, configs, other, label)
                right_beside(ground, configs, label, other)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                assert ground.site.processes("zmhook.server", str(configs[other])) == [others]
    ground.no_trouble()
    for config in configs.values():
        for pid in ground.site.processes("zmhook.server", str(config)):
            os.kill(pid, signal.SIGKILL)


def made_beside(ground: Ground, label: str) -> Path:
    """Make a configuration that rings for a label, in a deep folder of its own."""
    folder = ground.site.folder / label / "zoneminder" / "config" / "of-the-hooks-of-this-machine"
    folder.mkdir(parents=True)
    for path in (folder, *folder.parents[:3]):
        path.chmod(0o755)
    text = ground.site.config.read_text().replace("[general]", f"[general]\ndetect_pattern={label}")
    (folder / "objectconfig.ini").write_text(text)
    return folder / "objectconfig.ini"


def right_beside(ground: Ground, configs: dict[str, Path], *labels: str) -> None:
    """Each label's configuration decides an event of its own, at the same time."""
    hooks = {label: ground.begin(ZMHOOK_CONFIG=str(configs[label])) for label in labels}
    for label, hook in hooks.items():
        said = ground.said(hook)
        assert (said.code, said.text.partition(":")[2][: len(label)]) == (0, label), said
