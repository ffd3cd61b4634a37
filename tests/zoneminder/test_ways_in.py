"""Ways in which a ZoneMinder without a notification server has the hook called.

The filter and its command are those of the guide; ZoneMinder's own zmfilter.pl runs them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.zoneminder

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "notification-server.md"
INSTALLED = "/var/lib/zmeventnotification/bin/zm_event_start.sh"
SECONDS = 60


class Ways:
    """A configuration for a ZoneMinder, and each way to have its events decided."""

    def __init__(self, zm, folder: Path, weights: Path, python: str, path: str) -> None:
        self.zm, self.folder, self.weights = zm, folder, weights
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": path,
            "ZMHOOK_CONFIG": str(folder / "objectconfig.ini"),
            "ZMHOOK_PYTHON": python,
            "ZMHOOK_RUN": str(folder / "run"),
        }
        self.python, self.path = python, path
        self.write_config()

    def write_config(self, more: str = "") -> None:
        """Let the web server's user own the data, as install.sh does."""
        path = self.folder / "objectconfig.ini"
        path.write_text(
            f"[general]\nbase_data_path = {self.folder}/data\nportal = {self.zm.url}\n"
            f"user = admin\npassword = admin\nmodels = yolo\n"
            f"base_zm_conf_path = {self.zm.known['conf']}\n"
            f"[yolo]\nweights = {self.weights}\nyolo_min_confidence = 0.5\n"
            f"[service]\nservice_workers = 1\nservice_idle_exit = 0\n"
            f"service_environment = PYTHONPATH={self.path}\n[watch]\n{more}"
        )
        self.folder.chmod(0o755)
        for name in ("data", "run"):
            (self.folder / name).mkdir(exist_ok=True)
            shutil.chown(self.folder / name, "www-data", "www-data")

    # -- zmhook watch --------------------------------------------------------------------------

    def start_watch(self) -> subprocess.Popen[bytes]:
        command = [self.python, "-m", "zmhook.cli.main", "watch", "run", "--debug"]
        with self.log.open("w") as log:
            process = subprocess.Popen(command, env=self.environment, cwd="/", stderr=log)
        self.read_until(process, "INFO: watching")
        return process

    @property
    def log(self) -> Path:
        return self.folder / "watch.log"

    def read_until(self, process: subprocess.Popen[bytes], words: str) -> None:
        until = time.monotonic() + SECONDS
        while words not in self.log.read_text():
            assert time.monotonic() < until, f"no '{words}' in {self.log.read_text()}"
            assert process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    @contextmanager
    def watch(self) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start_watch()
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)

    def status(self) -> dict[str, object]:
        command = [self.python, "-m", "zmhook.cli.main", "watch", "status", "--json"]
        done = subprocess.run(
            command, env=self.environment, cwd="/", capture_output=True, text=True, timeout=SECONDS
        )
        return json.loads(done.stdout)

    # -- a filter ------------------------------------------------------------------------------

    @contextmanager
    def filter(self, monitor: str = "still", interval: int = 60) -> Iterator[None]:
        """Have zmfilter.pl run the guide's command, and look for events that often."""
        hook = self.folder / "zm_event_start.sh"
        exports = "".join(f"export {name}={shlex.quote(v)}\n" for name, v in self.given.items())
        hook.write_text(f'#!/bin/sh\n{exports}exec {ROOT}/zm_event_start.sh "$@"\n')
        hook.chmod(0o755)
        number = self.zm.monitors[monitor]
        command = self.command.replace(INSTALLED, str(hook)).replace(" 1 ", f" {number} ")
        query = json.dumps(
            {
                "terms": [
                    {"attr": "MonitorId", "op": "=", "val": number},
                    {"cnj": "and", "attr": "StartDateTime", "op": ">=", "val": "-10 minutes"},
                ],
                "limit": "20",
                "sort_field": "Id",
                "sort_asc": "1",
            }
        )
        quoted = command.replace("\\", "\\\\").replace("'", "''")
        self.zm.set_option("ZM_FILTER_EXECUTE_INTERVAL", str(interval))
        self.zm.sql(
            f"INSERT INTO Filters SET Name='zmhook', Query_json='{query}', AutoExecute=1,"
            f" AutoExecuteCmd='{quoted}', Background=1"
        )
        daemon = f"--filter_id={self.zm.sql('SELECT max(Id) FROM Filters')}"
        self.zm.as_web("zmdc.pl", "start", "zmfilter.pl", daemon, "--daemon")
        try:
            yield
        finally:
            self.zm.as_web("zmdc.pl", "stop", "zmfilter.pl", daemon, "--daemon")
            self.zm.sql("DELETE FROM Filters WHERE Name='zmhook'")

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if name != "PATH"}

    @property
    def command(self) -> str:
        """The command that the guide has for a filter."""
        blocks = re.findall(r"```text\n(.*?)\n```", GUIDE.read_text(), re.DOTALL)
        return next(block for block in blocks if "%EI%" in block)

    # -- what came of it -----------------------------------------------------------------------

    def decisions(self, event_id: int) -> list[tuple[float, float]]:
        """Return when it was decided, and when that began, from ZoneMinder's log.

        Both are seconds since the epoch.
        """
        message = f"event {event_id} of monitor %detected:dog%"
        rows = self.zm.rows(f"SELECT TimeKey, Message FROM Logs WHERE Message LIKE '{message}'")
        return [
            (float(at), float(at) - int(re.search(r"total (\d+) ms", text)[1]) / 1000)
            for at, text in rows
        ]

    def wait_for_decision(self, event_id: int, seconds: float = SECONDS) -> tuple[float, float]:
        until = time.monotonic() + seconds
        while not (times := self.decisions(event_id)):
            assert time.monotonic() < until, f"event {event_id} was never decided"
            time.sleep(0.1)
        return times[0]

    def close(self) -> None:
        """End the service."""
        command = [self.python, "-m", "zmhook.cli.main", "service", "stop"]
        subprocess.run(command, env=self.environment, cwd="/", capture_output=True, timeout=SECONDS)


@pytest.fixture
def ways(zm, model: Callable[[str], Path], program) -> Iterator[Ways]:
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
        weights = Path(folder) / "yolov8n.onnx"
        shutil.copyfile(model("yolov8n.onnx"), weights)
        made = Ways(zm, Path(folder), weights, program.python, program.env["PYTHONPATH"])
        yield made
        made.close()


def forced(zm, monitor: str = "still"):
    """Return an event of two seconds that is still being recorded."""
    event = zm.force_alarm(monitor)
    time.sleep(2)
    zm.end_alarm(monitor)
    return event


def ended(zm, event) -> None:
    until = time.monotonic() + SECONDS
    while zm.is_open(event):
        assert time.monotonic() < until
        time.sleep(0.1)


# -- zmhook watch ----------------------------------------------------------------------------------


def test_watch_hands_over_each_event_once(zm_either, ways, photo) -> None:
    """Those of two cameras; the newest of all when it begins is not analysed."""
    zm = zm_either
    zm.show(photo("dog.jpg"))
    before = forced(zm)
    ended(zm, before)
    with ways.watch():
        events = [forced(zm, monitor) for monitor in ("still", "film")]
        for event in events:
            ways.wait_for_decision(event.id)
            ended(zm, event)
        assert ways.status()["running"]
    assert ways.status()["counts"]["alarm"] >= 2
    assert [len(ways.decisions(event.id)) for event in (before, *events)] == [0, 1, 1]
    assert not ways.status()["running"]
    picture = events[0].path / "objdetect.jpg"
    assert picture.read_bytes().startswith(b"\xff\xd8")


def test_watch_goes_on_after_a_restart(zm, ways, photo) -> None:
    zm.show(photo("dog.jpg"))
    with ways.watch():
        first = forced(zm)
        ways.wait_for_decision(first.id)
        ended(zm, first)
    missed = forced(zm)
    ended(zm, missed)
    with ways.watch():
        ways.wait_for_decision(missed.id)
        last = forced(zm)
        ways.wait_for_decision(last.id)
        ended(zm, last)
    assert [len(ways.decisions(event.id)) for event in (first, missed, last)] == [1, 1, 1]


def test_watch_is_killed_and_goes_on(zm, ways, photo) -> None:
    zm.show(photo("dog.jpg"))
    process = ways.start_watch()
    event = forced(zm)
    ways.wait_for_decision(event.id)
    process.kill()
    process.wait(SECONDS)
    ended(zm, event)
    with ways.watch():
        last = forced(zm)
        ways.wait_for_decision(last.id)
        ended(zm, last)
    assert [len(ways.decisions(one.id)) for one in (event, last)] == [1, 1]


def test_watch_leaves_a_monitor_out(zm, ways, photo) -> None:
    zm.show(photo("dog.jpg"))
    ways.write_config(f"[monitor-{zm.monitors['film']}]\nwatch_events = no\n")
    with ways.watch():
        left_out, event = forced(zm, "film"), forced(zm)
        ways.wait_for_decision(event.id)
        for one in (left_out, event):
            ended(zm, one)
    assert ways.decisions(left_out.id) == []


def test_a_second_watch_is_refused(ways) -> None:
    with ways.watch():
        command = [ways.python, "-m", "zmhook.cli.main", "watch", "run"]
        done = subprocess.run(
            command, env=ways.environment, cwd="/", capture_output=True, text=True, timeout=SECONDS
        )
    assert done.returncode == 1
    assert "another zmhook watch is running" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_outage_is_two_lines(zm, ways, photo) -> None:
    """The web server is stopped, as for an upgrade; what began meanwhile is analysed after it."""
    if not (zm.state / "pids" / "apache2").exists():
        pytest.skip("optional: the web server of a given ZoneMinder is not stopped")
    apache = int((zm.state / "apache" / "pid").read_text())
    zm.show(photo("dog.jpg"))
    with ways.watch() as process:
        os.kill(apache, signal.SIGSTOP)
        children = subprocess.run(
            ["pgrep", "-P", str(apache)], capture_output=True, text=True
        ).stdout.split()
        try:
            for child in children:
                os.kill(int(child), signal.SIGSTOP)
            event = forced(zm)
            ways.read_until(process, "no events are analysed until it answers")
            assert ways.status()["problem"]
        finally:
            for child in (*children, apache):
                os.kill(int(child), signal.SIGCONT)
        ways.read_until(process, "ZoneMinder answers again")
        ways.wait_for_decision(event.id)
        ended(zm, event)
    assert ways.log.read_text().count("no events are analysed until it answers") == 1
    assert ways.log.read_text().count("ZoneMinder answers again") == 1


# -- a filter --------------------------------------------------------------------------------------


def test_a_filters_command(zm, ways, photo) -> None:
    """Each event is analysed once, with its monitor and folder, while it may still record."""
    zm.show(photo("dog.jpg"))
    with ways.filter(interval=2):
        event = forced(zm)
        ways.wait_for_decision(event.id)
        ended(zm, event)
        until = time.monotonic() + SECONDS
        while zm.sql(f"SELECT Executed FROM Events WHERE Id={event.id}") != "1":
            assert time.monotonic() < until
            time.sleep(0.2)
        last = forced(zm)
        ways.wait_for_decision(last.id)
        ended(zm, last)
    assert [len(ways.decisions(one.id)) for one in (event, last)] == [1, 1]
    assert (event.path / "objdetect.jpg").is_file()
