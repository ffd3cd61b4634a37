"""What goes wrong costs at most the event it happens to, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

NEXT = 20
"""Seconds within which the next event must have been decided normally; it takes far less."""


def files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def next_is_right(site: Any) -> None:
    """The next event is decided normally, and soon."""
    started = time.monotonic()
    said = site.hook()
    assert said.code == 0
    assert said.text.startswith("[a] detected:dog")
    assert time.monotonic() - started < NEXT


def one_service(site: Any, workers: int = 1) -> None:
    """A service runs and is all there is."""
    site.warm()
    site.until(lambda: len(site.supervisors()) == 1)
    site.until(lambda: len(site.workers()) == workers)
    site.until(lambda: len(site.processes()) == workers + 1)
    found = {path.suffix for path in site.run.glob("*.ini.*")}
    assert found == {".lock", ".seconds", ".sock", ".start"}


@contextmanager
def nothing_leaked(site: Any) -> Iterator[None]:
    """The supervisor is the same afterwards, and as big as before."""
    pid = site.status()["pid"]
    open_files, memory = files(pid), rss_mb(pid)
    yield
    assert site.status()["pid"] == pid
    site.until(lambda: files(pid) <= open_files + 2)
    assert rss_mb(pid) < memory + 40


def test_the_supervisor_is_killed_during_an_event(faulty, ended: Callable) -> None:
    (pid,) = faulty.supervisors()
    workers = faulty.workers()
    faulty.order("sleep 30")
    hook = faulty.begin("5", "1", "", "", faulty.event())
    faulty.obeyed()

    os.kill(pid, signal.SIGKILL)

    said = ended(hook)
    assert (said.code, said.text.partition(":")[0]) == (0, "[a] detected")
    faulty.until(lambda: not {pid, *workers} & set(faulty.processes()))
    next_is_right(faulty)
    one_service(faulty)


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """The processes hang."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_service_that_hangs_is_put_aside_for_another(site) -> None:
    """The hook that meets it decides by itself within its time, and starts another."""
    site.write("event_deadline = 12")
    old = site.warm()["pid"]
    with stopped(old):
        next_is_right(site)
        assert f"process {old} hangs; it was put aside for a new service" in site.log()
        site.until(lambda: site.status()["pid"] != old)
        next_is_right(site)
        assert site.status()["events"] == {"alarm": 1}

    site.until(lambda: old not in site.processes())
    assert site.status()["pid"] != old
    next_is_right(site)


def test_stop_ends_what_was_put_aside_too(site) -> None:
    """Both the hung service and its hung worker."""
    site.write("event_deadline = 12")
    old = site.warm()
    with stopped(old["pid"], *site.workers()):
        next_is_right(site)
        site.until(lambda: site.status()["pid"] != old["pid"])
        stop = "import sys; from zmhook.cli.main import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", stop, "service", "stop", "-c", site.config],
            env=site.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert f"had been replaced (process {old['pid']}) was killed" in done.stdout
        site.until(lambda: not site.processes())
    assert not list(site.run.glob("*.aside-*"))


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_started_by_zoneminder_none_of_that_leaves_a_shell(site, as_zmdc, shell: str) -> None:
    """The first event starts a service, the next asks it, the one after finds that it hangs."""
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"optional: there is no {shell}")
    site.write("event_deadline = 20\non_failure = alarm")
    env = {name: value for name, value in site.env.items() if name not in ("HOME", "PATH")}
    call = [program, site.root / "zm_event_start.sh", "5", "1", "", "", site.event()]

    assert as_zmdc(call, env) == 0
    old = site.warm()["pid"]
    events = site.status()["events"]["alarm"]
    assert as_zmdc(call, env) == 0
    assert site.status()["events"]["alarm"] == events + 1
    with stopped(old):
        assert as_zmdc(call, env) == 0
        site.until(lambda: site.status()["pid"] != old)
    site.until(lambda: len(site.supervisors()) == 1)
    site.until(lambda: not site.processes(str(site.root / "zm_event_start.sh")))
    assert "no decision" not in site.log()
    made = [one for one in (site.folder / "data").rglob("*") if not one.is_symlink()]
    assert [one for one in [*made, *site.run.iterdir()] if one.stat().st_mode & 0o002] == []


def test_a_service_that_hangs_during_an_event_costs_no_answer(faulty, ended: Callable) -> None:
    """Signs of life have come by then; no more of them come."""
    faulty.write("models = faulty,yolo\nevent_deadline = 15")
    faulty.hook()
    old = faulty.status()["pid"]
    faulty.order("sleep 30")
    hook = faulty.begin("5", "1", "", "", faulty.event())
    faulty.obeyed()
    with stopped(old):
        said = ended(hook)

        assert (said.code, said.text.partition(":")[0]) == (0, "[a] detected")
    faulty.until(lambda: old not in faulty.processes())
    next_is_right(faulty)


def test_many_hooks_that_meet_one_that_hangs_start_one(site, ended: Callable) -> None:
    site.write("event_deadline = 25")
    old = site.warm()["pid"]
    folder = site.event()
    with stopped(old):
        hooks = [site.begin(str(number), "1", "", "", folder) for number in range(1, 9)]
        answers = {(said.code, said.text) for said in map(ended, hooks)}

        assert len(answers) == 1
        assert next(iter(answers))[0] == 0
        assert site.log().count("was put aside for a new service") == 1
        site.until(lambda: site.log().count("serving on") == 2)
    site.until(lambda: old not in site.processes())


def test_one_hang_after_the_other_leaves_two_services_at_most(site) -> None:
    site.write("event_deadline = 12")
    first = site.warm()["pid"]
    with stopped(first):
        next_is_right(site)
        site.until(lambda: site.status()["pid"] != first)
        second = site.status()["pid"]
        with stopped(second):
            next_is_right(site)
            site.until(lambda: first not in site.processes())
            site.until(lambda: site.status()["pid"] not in (first, second))
    site.until(lambda: second not in site.processes())
    next_is_right(site)


def test_a_worker_that_is_slow_is_no_service_that_hangs(faulty, ended: Callable) -> None:
    """Signs of life come while somebody else works."""
    faulty.write("models = faulty,yolo\nevent_deadline = 20")
    faulty.hook()
    pid = faulty.status()["pid"]
    faulty.order("sleep 6")

    said = ended(faulty.begin("5", "1", "", "", faulty.event()))

    assert (said.code, said.text.partition(":")[0]) == (0, "[a] detected")
    assert faulty.status()["pid"] == pid
    assert "no sign of life" not in faulty.log()
    one_service(faulty)


@contextmanager
def held_by_systemd(site: Any, tmp_path: Path) -> Iterator[Any]:
    """A service with the socket and the environment that systemd gives it."""
    starter = tmp_path / "systemd.py"
    starter.write_text(
        "import os, socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        f"listener.bind({str(site.socket)!r})\n"
        "listener.listen()\n"
        "os.dup2(listener.fileno(), 3)\n"
        "os.set_inheritable(3, True)\n"
        "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid()),\n"
        f"    'NOTIFY_SOCKET': {str(site.run / 'notify')!r}, 'WATCHDOG_USEC': '600000'}}\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'zmhook.server', *sys.argv[1:]])\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(site.run / "notify"))
        manager.settimeout(NEXT)
        process = subprocess.Popen(
            [sys.executable, starter, "-c", site.config, "--permanent"],
            env={**site.env, "PYTHONPATH": f"{site.root / 'hook'}:{site.env['PYTHONPATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        site.children.append(process)
        yield manager


def test_systemd_learns_that_it_serves_and_when_it_hangs(site, tmp_path: Path) -> None:
    site.write("event_deadline = 12")
    with held_by_systemd(site, tmp_path) as systemd:
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        next_is_right(site)
        pid = site.status()["pid"]
        worker = site.status()["workers"][0]["pid"]
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{worker}/environ").read_bytes()

        with stopped(pid):
            systemd.settimeout(1.5)
            with suppress(TimeoutError):
                while True:
                    systemd.recv(100)
            next_is_right(site)

            # Its socket is systemd's, and so is the service.
            assert site.socket.exists()
            assert "systemctl restart zmhook" in site.log()
            assert not list(site.run.glob("*.aside-*"))
            assert [one for one in site.supervisors() if one != pid] == []
        next_is_right(site)


@pytest.mark.parametrize("policy", ["silence", "alarm"])
def test_whatever_hangs_the_hook_ends_in_its_time(site, tmp_path: Path, policy: str) -> None:
    """The service and the disk at once: here a picture that is never there to be read."""
    site.write(f"event_deadline = 8\non_failure = {policy}")
    old = site.warm()["pid"]
    folder = site.folder / "hung"
    folder.mkdir()
    for name in ("alarm.jpg", "snapshot.jpg"):
        os.mkfifo(folder / name)
    began = Path("/proc/uptime").read_text().split()[0]
    with stopped(old):
        said = site.hook(folder)

    assert said.code == (0 if policy == "alarm" else 2)
    assert (said.out != "") is (policy == "alarm")
    assert float(Path("/proc/uptime").read_text().split()[0]) - float(began) < 8 + NEXT


def test_the_supervisor_is_killed_while_many_wait(faulty, ended: Callable) -> None:
    faulty.order("sleep 30")
    folder = faulty.event()
    hooks = [faulty.begin("1", "1", "", "", folder)]
    faulty.obeyed()
    hooks += [
        faulty.begin(str(number), str(number % 3 + 1), "", "", folder) for number in range(1, 9)
    ]
    faulty.until(lambda: faulty.status()["queue"]["waiting"] == 8)

    os.kill(faulty.supervisors()[0], signal.SIGKILL)

    answers = [ended(hook) for hook in hooks]
    assert {said.code for said in answers} == {0}
    assert len({said.out for said in answers}) == 1
    one_service(faulty)


def test_the_dead_ones_socket_is_no_service(site) -> None:
    (pid,) = [site.warm()["pid"]]
    os.kill(pid, signal.SIGKILL)
    site.until(lambda: not site.processes())
    assert site.socket.exists()

    next_is_right(site)
    one_service(site)


def test_many_hooks_after_a_death_start_one(site, ended: Callable) -> None:
    pid = site.warm()["pid"]
    os.kill(pid, signal.SIGKILL)
    folder = site.event()

    hooks = [site.begin(str(number), "1", "", "", folder) for number in range(1, 13)]
    answers = {(said.code, said.out) for said in map(ended, hooks)}

    assert len(answers) == 1
    assert next(iter(answers))[0] == 0
    one_service(site)
    site.until(lambda: site.log().count("serving on") == 2)
    assert site.status()["events"]["alarm"] >= 6


def test_a_worker_is_killed_during_an_event(faulty, ended: Callable) -> None:
    faulty.order("sleep 30")
    with nothing_leaked(faulty):
        hook = faulty.begin("5", "1", "", "", faulty.event())
        os.kill(faulty.obeyed(), signal.SIGKILL)

        said = ended(hook)
        assert (said.code, said.text.partition(":")[0]) == (0, "[a] detected")
        next_is_right(faulty)
    assert faulty.status()["restarts"] == 1
    faulty.until(lambda: "a worker ended by SIGKILL during event 5" in faulty.log())
    one_service(faulty)


def test_workers_are_killed_between_events(site) -> None:
    site.write(service="service_workers = 2")
    site.warm()
    site.until(lambda: len(site.workers()) == 2)
    with nothing_leaked(site):
        for pid in site.workers():
            os.kill(pid, signal.SIGKILL)
        next_is_right(site)
        next_is_right(site)


def test_a_model_that_crashes_once_is_tried_again(faulty) -> None:
    faulty.order("crash")
    with nothing_leaked(faulty):
        next_is_right(faulty)
        next_is_right(faulty)
    assert faulty.status()["restarts"] == 1


@pytest.mark.parametrize(("policy", "code"), [("silence", 2), ("alarm", 0)])
def test_a_model_that_crashes_twice_fails_by_policy(faulty, policy: str, code: int) -> None:
    faulty.write(f"models = faulty,yolo\non_failure = {policy}")
    faulty.order("crash", "crash")
    with nothing_leaked(faulty):
        said = faulty.hook()

        assert said.code == code
        assert ("the model process ended by SIGSEGV, 2 times" in said.text) is (code == 0)
        next_is_right(faulty)
    assert "SIGSEGV" in faulty.status()["last_errors"]["1"]["error"]
    one_service(faulty)


@pytest.mark.parametrize(("policy", "code"), [("silence", 2), ("alarm", 0)])
def test_a_model_that_hangs_is_answered_for_at_the_deadline(faulty, policy: str, code: int) -> None:
    faulty.write(f"models = faulty,yolo\nevent_deadline = 3\non_failure = {policy}")
    faulty.order("sleep 600")
    with nothing_leaked(faulty):
        said = faulty.hook()
        hung = faulty.obeyed()

        assert said.code == code
        # The service says the first; a hook that waits for it on a busy machine, the second.
        late = ("no decision after 3 s", "no decision in time")
        assert any(words in said.text for words in late) is (code == 0)
        faulty.until(lambda: hung not in faulty.workers())
        faulty.write("models = faulty,yolo")
        next_is_right(faulty)
    assert faulty.status()["restarts"] == 1
    one_service(faulty)


def test_the_other_worker_goes_on_while_one_hangs(site, ended: Callable) -> None:
    site.write("models = faulty,yolo\nevent_deadline = 6", service="service_workers = 2")
    site.warm()
    site.order("sleep 600")
    hook = site.begin("5", "1", "", "", site.event())
    site.obeyed()

    next_is_right(site)
    assert hook.poll() is None
    assert ended(hook).code == 2


def test_the_sockets_file_is_removed(site) -> None:
    old = site.warm()["pid"]
    site.socket.unlink()

    next_is_right(site)
    site.until(lambda: old not in site.supervisors())
    next_is_right(site)
    one_service(site)


def test_the_run_folder_is_removed(site) -> None:
    site.warm()
    for path in site.run.iterdir():
        path.unlink()
    site.run.rmdir()

    next_is_right(site)
    site.until(lambda: len(site.supervisors()) == 1)
    next_is_right(site)
    one_service(site)


def test_the_disk_is_full(site) -> None:
    """The log, the report and the kept pictures cannot be written; the answer comes."""
    full = site.folder / "data"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("optional: no file system can be mounted here")
    try:
        with suppress(OSError), (full / "filler").open("wb") as filler:
            while True:
                filler.write(b"x" * 4096)
                filler.flush()
        site.write("delete_after_analyze = no\nwrite_debug_image = yes")
        next_is_right(site)
        site.warm()
        with nothing_leaked(site):
            for _ in range(5):
                next_is_right(site)
        (full / "filler").unlink()
        next_is_right(site)
        for pid in site.supervisors():
            os.kill(pid, signal.SIGTERM)
        site.gone()
    finally:
        subprocess.run(["umount", "-l", full], check=True)


def test_a_thousand_clients_say_nothing(site) -> None:
    site.warm()
    with nothing_leaked(site), ExitStack() as clients:
        for _ in range(1000):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(10)
            client.connect(str(site.socket))
        next_is_right(site)
        clients.close()
        next_is_right(site)


def test_silent_clients_are_hung_up_on(site) -> None:
    site.warm()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(site.socket))
        client.sendall(b"POST /decide HTTP/1.1\r\nHost: x\r\n")
        with suppress(ConnectionError):
            assert client.recv(1000) == b""


def test_more_clients_than_are_taken(site) -> None:
    site.warm()
    with nothing_leaked(site), ExitStack() as clients:
        for _ in range(1600):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(site.socket))
        next_is_right(site)


def test_a_client_sends_100_mb(site) -> None:
    site.warm()
    with nothing_leaked(site):
        for head in (b"", b"POST /decide HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(20)
                client.connect(str(site.socket))
                with suppress(ConnectionError):
                    client.sendall(head)
                    for _ in range(100):
                        client.sendall(b"x" * 2**20)
                    pytest.fail("it was all read")
            next_is_right(site)


def test_a_client_talks_nonsense(site) -> None:
    site.warm()
    with nothing_leaked(site):
        for nonsense in (b"\0" * 1000, b"GET\r\n\r\n", b"\x16\x03\x01\x02\0", b"POST /decide\r\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(20)
                client.connect(str(site.socket))
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                with suppress(ConnectionError):
                    assert client.recv(1000)[:12] in (b"HTTP/1.1 400", b"")
        next_is_right(site)


def test_a_hook_that_is_ended_drops_its_event(faulty, ended: Callable) -> None:
    faulty.order("sleep 1")
    with nothing_leaked(faulty):
        hook = faulty.begin("5", "1", "", "", faulty.event())
        faulty.obeyed()
        waiting = faulty.begin("6", "1", "", "", faulty.event())
        faulty.until(lambda: faulty.status()["queue"]["waiting"] == 1)

        for process in (waiting, hook):
            process.send_signal(signal.SIGTERM)
            said = ended(process)
            assert (said.code, said.out) == (1, "")

        faulty.until(lambda: faulty.status()["dropped"] == 2)
        assert faulty.status()["queue"]["waiting"] == 0
        next_is_right(faulty)
    assert faulty.status()["events"] == {"alarm": 1}
    one_service(faulty)


def test_a_full_queue_refuses_by_policy(site, ended: Callable) -> None:
    site.write("models = faulty,yolo\non_failure = alarm", service="service_queue = 2")
    site.warm()
    site.order("sleep 2")
    with nothing_leaked(site):
        running = site.begin("1", "1", "", "", site.event())
        site.obeyed()
        waiting = [running]
        for number in (2, 3):
            waiting.append(site.begin(str(number), "1", "", "", site.event()))
            site.until(lambda n=number: site.status()["queue"]["waiting"] == n - 1)

        refused = ended(site.begin("4", "1", "", "", site.event()))
        other = site.begin("5", "2", "", "", site.event())

        assert refused.code == 0
        assert "refused: 2 events wait already" in refused.text
        answers = [ended(process).text for process in (*waiting, other)]
        assert [text.startswith("[a] detected:dog") for text in answers] == [
            True,
            True,
            False,
            True,
        ]
        assert "refused" in answers[2]
    assert site.status()["refused"] == 2
    site.until(lambda: "was refused: 2 events wait already" in site.log())


def test_a_storm_on_one_monitor_does_not_starve_another(site) -> None:
    site.write("models = faulty,yolo")
    site.warm()
    site.order(*["sleep 0.1"] * 60)
    folder = site.event()
    done: list[int] = []

    def one(number: int, monitor: int) -> None:
        assert site.hook(folder, number, monitor).code == 0
        done.append(number)

    with ThreadPoolExecutor(25) as threads:
        storm = [threads.submit(one, number, 1) for number in range(20)]
        site.until(lambda: site.status()["queue"]["waiting"] > 15)
        quiet = threads.submit(one, 99, 2)
        for each in (*storm, quiet):
            each.result()

    assert done.index(99) < 10
    assert site.status()["events"]["alarm"] == 21


def test_a_worker_that_grows_is_replaced(site) -> None:
    site.write("models = faulty,yolo", service="worker_max_rss = 400")
    before = site.warm()["workers"][0]["pid"]
    site.order("grow 500")
    with nothing_leaked(site):
        next_is_right(site)
        site.until(lambda: site.status()["workers"][0]["pid"] not in (None, before))
        site.until(lambda: site.status()["workers"][0]["rss_mb"] < 400)
        next_is_right(site)
    assert site.status()["restarts"] == 1
    one_service(site)


def test_idle_models_are_unloaded(site) -> None:
    site.write(service="model_idle_unload = 1")
    site.hook()
    site.until(lambda: site.status()["workers"][0]["pid"])
    site.until(lambda: not site.workers())

    assert site.status()["workers"][0]["models"] == []
    next_is_right(site)
    assert site.status()["restarts"] == 0
