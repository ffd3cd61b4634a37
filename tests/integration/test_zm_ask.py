"""The hook's two clients, in Perl and in Python: what is asked and how it is answered."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from zmhook.service.paths import socket_name

pytestmark = pytest.mark.integration

LINE = b"[a] detected:dog:86% --SPLIT--{}\n"
ALARM = b"HTTP/1.1 200 \r\nContent-Length: %d\r\n\r\n%b" % (len(LINE), LINE)
NOTHING = b"HTTP/1.1 302 \r\nLocation: http://nothing/\r\nContent-Length: 0\r\n\r\n"
UNDECIDED = b"HTTP/1.1 422 \r\nContent-Length: 3\r\n\r\nwhy"
BAD_NUMBER = b"HTTP/1.1 400 \r\nContent-Length: 9\r\n\r\na\x1b[2Jb\xc2\x9b\n"
SIGN = b"HTTP/1.1 102 \r\n\r\n"
CONFIG = "/nowhere/zmhook/objectconfig.ini"


class Service:
    """Stands in for the service: gives one answer, and keeps what it was asked."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.place = folder / f"{socket_name(config)}.sock"
        self.answer: bytes | None = ALARM
        self.pieces: list[bytes] = []
        self.asked: list[bytes] = []
        self.left = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.place))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    @property
    def form(self) -> dict[str, bytes]:
        """What was asked, as bytes, since it need not be text."""
        body = self.asked[-1].partition(b"\r\n\r\n")[2].decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in pairs}

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        request = connection.recv(1 << 20)
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(1 << 20)
        self.asked.append(head + b"\r\n\r\n" + body)
        if self.answer is None:
            self.left.set() if connection.recv(1) == b"" else None
            return
        with suppress(OSError):
            for piece in self.pieces or [self.answer]:
                connection.sendall(piece)
                time.sleep(0.6 if self.pieces else 0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a socket may have 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    yield service
    service.close()


@pytest.fixture(params=["perl", "python"])
def client(request: pytest.FixtureRequest, root: Path) -> list[str | Path]:
    """The command of one client; Perl's with the checks that it does without in use."""
    if request.param == "python":
        return [sys.executable, "-I", "-S", root / "bin/zm_ask.py"]
    return ["perl", "-Mstrict", "-Mwarnings=FATAL,all", root / "bin/zm_ask.pl"]


@pytest.fixture
def ask(client, folder: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    def call(*args: str | bytes, config: str = CONFIG, command: tuple = (), **options):
        place = folder / f"{socket_name(config)}.sock"
        values = [*args, *[""] * (5 - len(args)), config]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 30} | options
        return subprocess.run([*client, place, "30", "20", *values, *command], **options)

    return call


@pytest.fixture(params=[("perl",), ()], ids=["perl", "python"])
def command(
    request: pytest.FixtureRequest, root: Path, folder: Path, tmp_path: Path
) -> tuple[Path, dict[str, str]]:
    """zm_event_start.sh, and an environment with Perl or without, and with no other program."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "readlink", "cksum", *request.param):
        (programs / name).symlink_to(shutil.which(name) or name)
    return root / "zm_event_start.sh", {
        "PATH": str(programs),
        "ZMHOOK_RUN": str(folder),
        "ZMHOOK_CONFIG": CONFIG,
        "ZMHOOK_PYTHON": sys.executable,
    }


@pytest.fixture
def hook(command) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    script, environment = command

    def call(*args: str | bytes, **extra: str):
        return subprocess.run(
            [script, *args],
            env={**environment, **extra},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )

    return call


def test_an_alarm_is_printed(ask, service: Service) -> None:
    done = ask("5", "2", "Front door", "Motion", "/events/5")
    assert (done.returncode, done.stdout, done.stderr) == (0, LINE, b"")
    assert service.form == {
        "eid": b"5",
        "mid": b"2",
        "name": b"Front door",
        "cause": b"Motion",
        "path": b"/events/5",
        "config": CONFIG.encode(),
    }


@pytest.mark.parametrize(
    "value",
    [
        "a&b=c;d+e%20f",
        "-d @/etc/passwd",
        "Tür 門 \N{DOG FACE}",
        "two\nlines\tand\rmore",
        "'\"$(reboot)`",
        b"\xff\xfe latin \xe4",
    ],
)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_every_value_arrives_as_it_was_given(
    value: str | bytes, locale: str, ask, service: Service
) -> None:
    done = ask("5", "2", value, value, value, env={"LC_ALL": locale})
    assert done.returncode == 0
    wanted = os.fsencode(value)
    assert [service.form[name] for name in ("name", "cause", "path")] == [wanted] * 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (NOTHING, 1),
        (UNDECIDED, 2),
        (SIGN * 3 + NOTHING, 1),
        (SIGN, 3),
        (SIGN + UNDECIDED, 2),
        (b"HTTP/1.1 204 \r\n\r\n", 3),
        (ALARM[:-3], 3),
        (ALARM + b"and more", 3),
        (b"", 3),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 3),
        (b"HTTP/1.1\r\n\r\n", 3),
        (b"HTTP/1.1 200 \r\nContent-Length: many\r\n\r\n", 3),
        (b"x" * (17 * 1024 * 1024), 3),
    ],
)
def test_the_exit_code_tells_the_answer(answer: bytes, code: int, ask, service: Service) -> None:
    service.answer = answer
    done = ask("5", "2")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_without_a_service_it_says_3(ask, folder: Path) -> None:
    assert ask("5").returncode == 3
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / f"{socket_name(CONFIG)}.sock"))
    assert ask("5").returncode == 3


@pytest.mark.parametrize("args", [["x.sock"], ["x.sock", "soon", "1", *"123456"]])
def test_wrong_arguments_are_no_answer(args: list[str], client) -> None:
    done = subprocess.run([*client, *args], capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"usage: zm_ask.")
    assert done.stderr.endswith(
        b" SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]\n"
    )


def test_no_answer_in_time_says_4(client, service: Service) -> None:
    service.answer = None
    command = [*client, service.place, "1", "1", *[""] * 6]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (4, b"", b"")


def test_one_that_shows_no_sign_of_life_is_none(client, service: Service) -> None:
    service.answer = None
    command = [*client, service.place, "60", "0.2", *[""] * 6]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


def test_one_that_lives_is_waited_for(client, service: Service) -> None:
    """Each sign begins the wait anew."""
    service.pieces = [SIGN, *[SIGN] * 5, ALARM]
    command = [*client, service.place, "60", "2", *[""] * 6]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, LINE)


def test_one_that_takes_no_connection_any_more(client, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as full, ExitStack() as others:
        full.bind(str(folder / "full"))
        full.listen(0)
        for _ in range(2):
            other = others.enter_context(socket.socket(socket.AF_UNIX))
            other.setblocking(False)
            other.connect_ex(str(folder / "full"))
        command = [*client, folder / "full", "60", "0.2", *[""] * 6]
        assert subprocess.run(command, capture_output=True, timeout=30).returncode == 3


SPY = ("/bin/sh", "-c", 'printf "%s|" "$@"; exit 7', "spy", "a b", "")


@pytest.mark.parametrize("answer", [b"", ALARM[:-3], b"HTTP/1.1 204 \r\n\r\n"])
def test_it_becomes_the_command_when_there_is_no_answer(
    answer: bytes, ask, service: Service
) -> None:
    service.answer = answer
    done = ask("5", "2", command=SPY)
    assert (done.returncode, done.stdout) == (7, b"a b||--ask-service|")


def test_it_becomes_the_command_without_a_service(ask) -> None:
    done = ask("5", "2", command=SPY)
    assert (done.returncode, done.stdout) == (7, b"a b||--ask-service|")


def test_too_late_the_command_asks_no_other(client, service: Service) -> None:
    service.answer = None
    command = [*client, service.place, "0.2", "0.2", *[""] * 6, *SPY]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (7, b"a b||")


@pytest.mark.parametrize("program", ["/nowhere/python", "/etc", "nosuchprogram"])
def test_a_command_that_cannot_be_run_is_2_and_a_line(ask, program: str) -> None:
    done = ask("5", "2", command=(program, "x"))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"zmhook: ERROR: {program}: cannot be run: ".encode())
    assert done.stderr.count(b"\n") == 1


def test_what_is_no_number_is_told_in_any_case(ask, service: Service) -> None:
    service.answer = BAD_NUMBER
    done = ask(" 5", "2")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"zmhook: ERROR: a [2Jb")
    assert not {0x1B, 0x9B} & set(done.stderr)


def test_why_it_is_undecided_is_told_to_a_person(client, service: Service) -> None:
    service.answer = UNDECIDED
    ours, theirs = pty.openpty()
    command = [*client, service.place, "30", "20", "5", "2", *[""] * 4]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=30)
    os.close(theirs)
    told = os.read(ours, 1000)
    os.close(ours)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told == b"zmhook: ERROR: why\r\n"


@contextmanager
def unwritable(how: str) -> Iterator[int]:
    """A file that cannot be written to: on a full disk, or whose reader has gone."""
    if how == "full":
        file = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, file = os.pipe()
        os.close(reader)
    yield file
    os.close(file)


UNWRITABLE = {"full": b"No space left on device", "gone": b"Broken pipe"}
ERROR = ("/bin/sh", "-c", 'printf %s "$1" >&2; exit 7', "spy")


@pytest.mark.parametrize("how", UNWRITABLE)
def test_an_answer_that_does_not_arrive_is_none(how: str, ask, service: Service) -> None:
    """Its caller would take the exit code for an alarm without a text."""
    with unwritable(how) as out:
        done = ask("5", capture_output=False, stdout=out, stderr=subprocess.PIPE)
        told = ask("5", capture_output=False, stdout=out, stderr=subprocess.PIPE, command=ERROR)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        b"zmhook: ERROR: the answer could not be written: " + UNWRITABLE[how]
    ]
    assert (told.returncode, told.stderr) == (7, b"--undelivered=" + UNWRITABLE[how])


@pytest.mark.parametrize("how", UNWRITABLE)
@pytest.mark.parametrize(("answer", "code"), [(ALARM, 0), (NOTHING, 1), (BAD_NUMBER, 2)])
def test_without_a_stderr_nothing_changes(
    how: str, answer: bytes, code: int, ask, service: Service
) -> None:
    service.answer = answer
    with unwritable(how) as err:
        done = ask("5", capture_output=False, stdout=subprocess.PIPE, stderr=err)
    assert (done.returncode, done.stdout) == (code, LINE if code == 0 else b"")


@pytest.mark.parametrize("how", UNWRITABLE)
@pytest.mark.parametrize(("answer", "code"), [(NOTHING, 1), (UNDECIDED, 2)])
def test_what_is_not_printed_needs_no_stdout(
    how: str, answer: bytes, code: int, ask, service: Service
) -> None:
    service.answer = answer
    with unwritable(how) as out:
        done = ask("5", capture_output=False, stdout=out, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (code, b"")


def test_with_every_file_closed_it_answers_by_its_exit_code(client, service: Service) -> None:
    script = 'exec "$@" <&- >&- 2>&-'
    command = ["sh", "-c", script, "sh", *client, service.place, "30", "20", "5", *[""] * 5]
    assert subprocess.run(command, timeout=30).returncode == 0
    service.answer = NOTHING
    assert subprocess.run(command, timeout=30).returncode == 1


def test_pythons_imports_nothing_that_takes_time(root: Path) -> None:
    """Every event pays for it; `socket` alone would double what it costs."""
    code = f"""
import sys
before = set(sys.modules)
source = open({str(root / "bin/zm_ask.py")!r}).read()
exec(compile(source, "zm_ask.py", "exec"), {{"__name__": "zm_ask"}})
new = set(sys.modules) - before - set(sys.builtin_module_names)
sys.stdout.write(" ".join(sorted(new)))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {"_socket"}  # built into some Pythons


def test_perls_loads_nothing(root: Path) -> None:
    source = (root / "bin/zm_ask.pl").read_text()
    assert not re.search(r"^\s*(use|require)\b", source, re.MULTILINE)


@pytest.mark.parametrize(("answer", "code", "out"), [(ALARM, 0, LINE), (NOTHING, 1, b"")])
def test_the_hook_asks(answer: bytes, code: int, out: bytes, hook, service: Service) -> None:
    service.answer = answer
    done = hook("5", "2", "Front & back", "Motion; All", "/events/5")
    assert (done.returncode, done.stdout, done.stderr) == (code, out, b"")
    assert service.form["name"] == b"Front & back"
    assert service.form["cause"] == b"Motion; All"


def test_the_hook_says_undecided(hook, service: Service) -> None:
    service.answer = UNDECIDED
    assert hook("5", "2").returncode == 2
    assert len(service.asked) == 1


def test_the_hook_decides_itself_when_the_answer_is_none(
    config, event_folder, hook, folder: Path
) -> None:
    """Cold, and with the same answer: the service's being there changes nothing."""
    path = config()
    service = Service(folder, str(path))
    service.answer = b""
    try:
        done = hook("17", "1", "", "", str(event_folder()), ZMHOOK_CONFIG=str(path))
    finally:
        service.close()
    assert len(service.asked) == 1
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"[s] detected:")
    assert done.stdout.count(b"\n") == 1


def test_a_hook_that_is_ended_takes_its_client_along(command, service: Service) -> None:
    script, environment = command
    service.answer = None
    running = subprocess.Popen(
        [script, "5", "2"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 20
    while not service.asked:
        assert time.monotonic() < until
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (1, b"", b"")
    assert service.left.wait(10), "the service has not seen its caller go"


@pytest.fixture(params=["dash", "bash"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """What /bin/sh may be."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip(f"optional: there is no {request.param}")
    return [program, *(["--posix"] if request.param == "bash" else [])]


@pytest.mark.parametrize(("answer", "code"), [(ALARM, 0), (NOTHING, 1), (UNDECIDED, 2)])
def test_started_by_zoneminder_it_asks(
    answer: bytes, code: int, as_zmdc, shell, command, service: Service
) -> None:
    script, environment = command
    service.answer = answer

    assert as_zmdc([*shell, script, "71", "4"], environment) == code

    assert (service.form["eid"], service.form["mid"]) == (b"71", b"4")


@pytest.mark.parametrize("silent", [False, True])
def test_started_by_zoneminder_it_decides_where_no_service_answers(
    silent: bool, as_zmdc, shell, command, config, event_folder, folder: Path
) -> None:
    """The event is neither lost nor waited for for ever."""
    script, environment = command
    path, pictures = config("event_deadline = 20"), event_folder()
    service = Service(folder, str(path))
    service.answer = None if silent else b""
    service.place.with_suffix(".seconds").write_text("20 0.5\n")
    try:
        code = as_zmdc(
            [*shell, script, "17", "1", "", "", str(pictures)],
            {**environment, "ZMHOOK_CONFIG": str(path)},
        )
    finally:
        service.close()

    assert (code, len(service.asked)) == (0, 1)
    assert (pictures / "objdetect.jpg").exists()


# -- what the service has written beside its socket, and what it talks -----------------------------

DAMAGED = ["30.", ".", "1.2.3 3", "30 3.", "", "\0" * 50, "9" * 9000, "inf nan", "30 3 x", "-1 -1"]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_of_seconds_costs_no_answer(text: str, hook, service: Service) -> None:
    service.place.with_suffix(".seconds").write_text(text)
    done = hook("5", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, LINE, b"")


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_is_no_file_of_seconds_is_waited_for_by_nobody(
    kind: str, hook, service: Service
) -> None:
    path = service.place.with_suffix(".seconds")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert (hook("5", "2").returncode, len(service.asked)) == (0, 1)


@pytest.mark.parametrize(("monitor", "code"), [("4", 4), ("5", 0)])
def test_a_monitor_may_have_another_time(monitor: str, code: int, client, service: Service) -> None:
    service.place.with_suffix(".seconds").write_text("60.000 20.000 4=0.200\n")
    service.pieces = [SIGN, ALARM]
    command = [*client, service.place, "30", "20", "1", monitor, *[""] * 4]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == code


def test_one_that_shows_signs_for_ever_is_given_up(client, service: Service) -> None:
    service.place.with_suffix(".seconds").write_text("1.000 0.900\n")
    service.pieces = [SIGN * 100] * 20
    command = [*client, service.place, "30", "20", "1", "4", *[""] * 4, *SPY]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (7, b"a b||")


def test_wrong_arguments_with_a_command_become_it(client) -> None:
    args = ["x.sock", "30.", "3", *"123456", *SPY]
    done = subprocess.run([*client, *args], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"a b||--ask-service|", b"")


HOSTILE = (
    b"\x1b]0;owned\x07\x1b[2J dog \xe9\x96\x80 \xc3\xbc\x9b31m raw\nzmhook: second \xc2\x9b"
    b"\xe2\x80\xae\xe2\x80\xa8\xe2\x80\xa9\xe2\x81\xa6\xd8\x9c\xef\xbb\xbf\x7f\xed\xa0\x80"
    b' --SPLIT--{"a":"b"}\n\n'
)


@pytest.mark.parametrize("status", [b"200", b"400"])
def test_what_is_printed_is_one_line_that_no_terminal_obeys(
    status: bytes, ask, service: Service
) -> None:
    service.answer = b"HTTP/1.1 %b \r\nContent-Length: %d\r\n\r\n%b" % (
        status, len(HOSTILE), HOSTILE,
    )  # fmt: skip
    done = ask("5", "2")
    text = (done.stdout if status == b"200" else done.stderr).decode()
    line = text.removesuffix("\n")
    assert text.endswith('--SPLIT--{"a":"b"}\n')
    assert line.isprintable()
    assert "dog \N{CJK UNIFIED IDEOGRAPH-9580} ü" in line


def test_an_alarm_without_a_line_is_no_answer(ask, service: Service) -> None:
    service.answer = b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n\n"
    assert ask("5").returncode == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
@pytest.mark.parametrize(("owner", "code"), [(33, 0), (0, 3)])
def test_root_takes_no_answer_of_anybody(owner: int, code: int, ask, folder: Path) -> None:
    """The socket is of an account that owns the folder, or only may write there."""
    place = folder / f"{socket_name(CONFIG)}.sock"
    folder.chmod(0o777)
    os.chown(folder, owner, 0)
    serve = (
        "import os,socket,sys\nos.setgid(33); os.setuid(33)\n"
        "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "print(flush=True); c,_=s.accept(); c.recv(9999)\n"
        f"c.sendall({ALARM!r})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", serve, place], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout
        server.stdout.readline()
        assert ask("5", "2").returncode == code
        server.kill()


# -- a damaged installation ------------------------------------------------------------------------


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "empty": lambda path: path.write_text(""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:1900]),
    "no program": lambda path: path.write_bytes(b"\0\xff" * 500),
    "a missing file": lambda path: path.symlink_to("/nowhere") if path.unlink() is None else None,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["zm_ask", "zm_detect.py"])
def test_a_damaged_program_ends_in_0_1_or_2(
    damage: str, name: str, command, root: Path, tmp_path: Path, service: Service
) -> None:
    """Without the clients the slow way decides; without that nothing does, and that is 2."""
    script, environment = command
    copy = tmp_path / "copy"
    shutil.copytree(root / "bin", copy / "bin")
    shutil.copy(script, copy)
    (copy / "hook").symlink_to(root / "hook")
    for path in (copy / "bin").glob(f"{name}*"):
        DAMAGES[damage](path)
    service.answer = b""
    done = subprocess.run(
        [copy / script.name, "x", "1"], env=environment, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    assert done.stderr.count(b"\n") == 1
    wanted = b"is missing or damaged" if name == "zm_detect.py" else b"'x'"
    assert wanted in done.stderr


@pytest.mark.parametrize("size", [5000, 131_000])
def test_arguments_too_long_are_cut(size: int, hook, service: Service) -> None:
    done = hook("5", "2", "n" * size, "c" * size, "/" + "p" * size)
    assert (done.returncode, done.stdout) == (0, LINE)
    assert service.form["name"] == b"n" * 4096


def test_an_empty_perl_is_none(command, service: Service) -> None:
    script, environment = command
    perl = Path(environment["PATH"]) / "perl"
    perl.unlink(missing_ok=True)
    perl.touch(0o755)
    done = subprocess.run([script, "5", "2"], env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, LINE)


@pytest.mark.parametrize("policy", ["alarm", "silence"])
def test_a_service_that_lives_and_never_decides_leaves_time_for_on_failure(
    policy: str, config, hook, folder: Path, tmp_path: Path
) -> None:
    path = config(f"event_deadline = 6\non_failure = {policy}")
    service = Service(folder, str(path))
    service.place.with_suffix(".seconds").write_text("5.000 2.000\n")
    service.pieces = [SIGN] * 40
    try:
        done = hook("17", "1", "", "", str(tmp_path), ZMHOOK_CONFIG=str(path))
    finally:
        service.close()
    assert len(service.asked) == 1
    assert b"event 17 of monitor 1: " in done.stderr
    log = "".join(file.read_text() for file in (tmp_path / "data/logs").glob("*.log"))
    assert "event 17 of monitor 1: " in log
    if policy == "alarm":
        assert done.returncode == 0
        assert b"detected:nothing could be decided" in done.stdout
    else:
        assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("deadline", ["2", "40"])
def test_called_when_no_time_is_left_it_answers_as_on_failure_says(
    deadline: str, config, hook, tmp_path: Path
) -> None:
    path = config(f"event_deadline = {deadline}\non_failure = alarm")
    began = float(Path("/proc/uptime").read_text().split()[0]) - 100
    args = ("--decide", "--eventid=17", "--monitorid=1", f"--eventpath={tmp_path}")
    done = hook(*args, ZMHOOK_CONFIG=str(path), ZMHOOK_BEGAN=f"{began:.2f}")
    assert done.returncode == 0
    assert b"nothing could be decided" in done.stdout
    assert b"event_deadline" in done.stderr
