"""Check the background service: version, queue, jobs, and the hook's way to it."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

from zmhook import __version__
from zmhook.detectors.model_files import lacking
from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.jobs.enqueue import backlog
from zmhook.service import client, running
from zmhook.service.paths import socket_path
from zmhook.service.routes import PING
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.watch.hooks import script_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zmhook.doctor.patient import Patient

GROUP = "Service"
SECONDS = 5.0
OVERDUE = 600.0
"""Seconds after which a job that waits is late."""
_OK = 200


def checks(patient: Patient) -> list[Check]:
    return [
        Check(GROUP, "service", lambda: _service(patient)),
        Check(GROUP, "jobs", lambda: _jobs(patient)),
    ]


def hook_script() -> Path | None:
    """Return zm_event_start.sh, whether or not it can be run; None where there is none."""
    return next((script for script in script_places() if script.is_file()), None)


# -- service ---------------------------------------------------------------------------------------


def _service(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if not settings.service.use_service:
        yield ok("service", "switched off ([service] use_service): each event loads its models")
        return
    socket = socket_path(patient.path, settings.general)
    if not running.is_running(socket) and not socket.exists():
        yield ok("service", "not running: the first event starts it")
        return
    try:
        status = fetch_status(socket)
    except client.NoService as error:
        yield fault("service", str(error), patient.command("service restart"))
        return
    yield from _of_status(patient, status)
    yield _fast_way(patient)


def fetch_status(socket: Path) -> dict[str, Any]:
    """Return what the service says of itself; raises `NoService`."""
    response = client.ask(socket, "GET", "/status", SECONDS)
    try:
        return decoded(response.body, dict[str, Any])
    except Unreadable as error:
        raise client.NoService(f"{socket}: unexpected response ({error})") from None


def _of_status(patient: Patient, status: dict[str, Any]) -> Iterator[Finding]:
    restart = patient.command("service restart")
    version = status.get("version")
    if version != __version__:
        text = f"version {version} is running, and {__version__} is installed"
        yield fault("service", text, restart)
    else:
        yield ok("service", f"running (process {status.get('pid')}, version {version})")
    if error := status.get("config_error"):
        yield fault("service", f"the last edit is not in force: {error}", "correct it")
    of_models = {*lacking(patient.everybody())}
    for problem in status.get("problems", ()):
        if problem not in of_models:  # which are named among the models
            yield warning("service", str(problem))
    yield _queue(status.get("queue", {}))


def _queue(queue: dict[str, Any]) -> Finding:
    waiting, size = queue.get("waiting", 0), queue.get("size", 0)
    text = f"{waiting} of at most {size} events wait"
    if size and waiting >= size:
        return fault("queue", text, "a smaller network, fewer alarms, or more workers")
    return ok("queue", text)


def _fast_way(patient: Patient) -> Finding:
    """Have the hook itself ask the service, for nothing."""
    script = hook_script()
    if script is None:
        return unchecked("hook", "zm_event_start.sh is not where it should be", "sudo ./install.sh")
    environment = {**os.environ, "ZMHOOK_CONFIG": patient.path}
    began = time.monotonic()
    try:
        done = subprocess.run(
            [script, PING], env=environment, cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return fault("hook", f"{script} cannot be run: {error}", "sudo ./install.sh repairs it")
    took = (time.monotonic() - began) * 1000
    if done.returncode == 0 and done.stdout.startswith("zmhook "):
        return ok("hook", f"{script} reaches it in {took:.0f} ms")
    text = f"{script} does not reach the running service, and loads the models for each event"
    return fault("hook", text, patient.command("service restart"))


# -- jobs ------------------------------------------------------------------------------------------


def _jobs(patient: Patient) -> Iterator[Finding]:
    jobs = backlog(patient.settings.general.base_data_path)
    show = patient.command("service status")
    if jobs["error"]:
        yield fault("jobs", f"notifications and notes cannot be stored: {jobs['error']}", show)
        return
    waiting, failed = jobs["waiting"], jobs["failed"] + jobs["set_aside"]
    text = f"{waiting} wait, {failed} failed within a day"
    if failed or (jobs["overdue_s"] or 0) > OVERDUE:
        cure = f"{patient.command('notify test')}; the log says why (component zmesdetect)"
        yield warning("jobs", text, cure)
    else:
        yield ok("jobs", text)
