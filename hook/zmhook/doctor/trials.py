"""Try what a configuration names: the portal, the broker, remote servers, models, faces."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.doctor.files import models_here
from zmhook.errors import (
    BrokerError,
    DetectorError,
    ReportError,
    SettingsError,
    TrainingError,
    ZmhookError,
)
from zmhook.net.urls import shown
from zmhook.printable import one_line
from zmhook.settings.model import to_plain, without_secrets
from zmhook.settings.notify import addresses_of, scheme_of
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.settings import Config, Settings

SECONDS = 20.0
"""That each trial may take."""
LONGEST = 8.0
"""That one request may take, whatever the settings say."""
GRACE = 5.0
"""Seconds beyond a trial's own limit after which it is given up."""
MODULE = "zmhook.cli.try_model"


class Trial(NamedTuple):
    """One thing to try. `run` returns in a few words what was found; it raises `ZmhookError`.

    It may take `SECONDS`, and leaves nothing behind: no login, no file, no message.
    """

    name: str
    run: Callable[[], str]


def trials(config: Config, overrides: Sequence[str] = ()) -> list[Trial]:
    """Return what can be tried, each thing once, whichever monitors share it.

    `overrides` are those that the configuration was loaded with.
    """
    unique: dict[str, Trial] = {}
    for monitor, settings in [(None, config.general), *sorted(config.monitors.items())]:
        for key, trial in _of(config, settings, monitor, overrides):
            if key not in unique and any(trial.name == other.name for other in unique.values()):
                trial = trial._replace(name=f"{trial.name} (monitor {monitor})")  # noqa: PLW2901
            unique.setdefault(key, trial)
    return list(unique.values())


def _of(
    config: Config, settings: Settings, monitor: int | None, overrides: Sequence[str]
) -> Iterator[tuple[str, Trial]]:
    """Yield each trial with what makes it another one."""
    general, plain = settings.general, to_plain(settings)
    data = general.base_data_path
    yield f"data {data}", Trial(f"data folder {data}", partial(_data, settings))
    if general.portal:
        login = [general.portal, general.api_portal, general.user, general.basic_user]
        yield repr(["portal", *login]), Trial("portal", partial(_portal, settings))
    if _uses_broker(settings):
        yield repr(["broker", plain["mqtt"]]), Trial("broker", partial(_broker, settings))
    for address in settings.remote.ml_gateway:
        remote = structs.replace(settings.remote, ml_gateway=(address,))
        trial = partial(_gateway, structs.replace(settings, remote=remote))
        yield repr(["gateway", address, plain["remote"]]), Trial(f"gateway {shown(address)}", trial)
    for name in models_here(settings):
        needs = [plain.get(name), plain["face"] if name == "gemini" else None]
        run = partial(_model, name, config.path, monitor, tuple(overrides))
        yield repr(["model", name, needs]), Trial(f"model {name}", run)
    if "face" in general.models:
        folder = settings.face.known_images_path
        yield f"faces {folder}", Trial("known faces", partial(_faces, settings))
    for number, address in enumerate(addresses_of(settings.notify.notify_apprise.reveal()), 1):
        name = f"apprise {number} ({scheme_of(address)}://...)"
        yield repr(["apprise", address]), Trial(name, partial(_apprise, settings, number))


def _uses_broker(settings: Settings) -> bool:
    from zmhook.settings import Mqtt

    return settings.notify.notify_mqtt or bool(settings.topics) or settings.mqtt != Mqtt()


# -- running them ----------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """The result of a trial: one line, without any secret of the settings."""

    name: str
    works: bool
    message: str
    seconds: float


def run(
    trials: Sequence[Trial], settings: Sequence[Settings], seconds: float = SECONDS + GRACE
) -> Iterator[Outcome]:
    """Yield the outcome of each trial as it ends; after `seconds` those that hang are given up.

    `settings` are all those with secrets to mask. Raises nothing.
    """
    done: SimpleQueue[Outcome] = SimpleQueue()
    left = {trial.name for trial in trials}
    for trial in trials:
        Thread(target=lambda trial=trial: done.put(_tried(trial, settings)), daemon=True).start()
    until = time.monotonic() + seconds
    while left:
        try:
            outcome = done.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        left.discard(outcome.name)
        yield outcome
    for name in sorted(left):
        yield Outcome(name, False, f"took more than {seconds:g} s", seconds)


def _tried(trial: Trial, settings: Sequence[Settings]) -> Outcome:
    began = time.monotonic()
    works = False
    try:
        message, works = trial.run(), True
    except SettingsError as error:
        message = "; ".join(map(str, error.problems))
    except ZmhookError as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001 - a broken trial must not hide the others
        message = unexpected(error)
    # Masked before and after shortening, which may cut a secret in two.
    line = without_secrets(one_line(without_secrets(message, settings)), settings)
    return Outcome(trial.name, works, line, time.monotonic() - began)


# -- each of them ----------------------------------------------------------------------------------


def _data(settings: Settings) -> str:
    """Whether this user may write below `base_data_path`, and the disk has room."""
    from zmhook.storage.disk import existing, free, mount_point, trouble

    state = Path(settings.general.base_data_path, "state")
    folder = existing(state)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, 1 << 20)
        room, _ = free(folder)
    except OSError as error:
        raise ReportError(trouble(error, state)) from None
    return f"can be written to; {room / 1e9:.3g} GB are free at {mount_point(folder)}"


def _portal(settings: Settings) -> str:
    """Log in anew, as if no login were kept, and ask for the version."""
    from zmhook.zoneminder.api import Portal

    general = settings.general
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        timeout = min(LONGEST, general.portal_timeout)
        general = structs.replace(general, base_data_path=folder, portal_timeout=timeout)
        with closing(Portal(general)) as portal:
            version = portal.json("host/getVersion.json", "its version")
            who = f"logged in as {general.user}" if general.user else "without a login"
            return f"{portal.address}: ZoneMinder {version.get('version', '?')}, {who}"


def _broker(settings: Settings) -> str:
    from zmhook.net import mqtt
    from zmhook.notify.mqtt import publish

    name = mqtt.name(settings.mqtt)
    try:
        publish(settings.mqtt, [], min(LONGEST, settings.notify.notify_timeout))
    except (ReportError, BrokerError) as error:
        raise BrokerError(str(error)) from None
    who = f" as {settings.mqtt.mqtt_user}" if settings.mqtt.mqtt_user else ""
    return f"{name}: login accepted{who}"


def _gateway(settings: Settings) -> str:
    from zmhook.errors import GatewayError
    from zmhook.gateway.gateways import Gateways

    (gateway,) = Gateways(settings).all
    try:
        # Twice: the first time also finds out how to ask, and logs in.
        gateway.refresh(min(LONGEST, settings.remote.ml_timeout))
        gateway.refresh(min(LONGEST, settings.remote.ml_timeout), anyway=True)
    except GatewayError as error:
        raise DetectorError(str(error)) from None
    finally:
        gateway.close()
    status = gateway.status
    models = ", ".join(status.models) if status and status.models else "models unknown"
    return f"{status.speaks if status else '?'} ({models})"


def _model(name: str, path: str, monitor: int | None, overrides: Sequence[str]) -> str:
    """Load it in a process of its own: a file can take the process that reads it along."""
    command = [sys.executable, "-m", MODULE, name, path]
    command += ["--monitor", str(monitor)] if monitor is not None else []
    for override in overrides:
        command += ["--override", override]
    from zmhook.process.environment import child_environment

    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            env=child_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DetectorError(f"it was not loaded within {SECONDS:g} s") from None
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode < 0:
        raise DetectorError(f"the process that loads it ends by signal {-done.returncode}")
    if done.returncode:
        raise DetectorError(lines[-1] if lines else f"exit code {done.returncode}")
    return lines[-1] if lines else "loaded"


def _faces(settings: Settings) -> str:
    from zmhook.detectors.face import store
    from zmhook.detectors.face.pictures import listed

    folder = Path(settings.face.known_images_path)
    pictures, entries = listed(folder), store.read(folder / store.FILE)
    if not pictures:
        raise TrainingError(f"{folder}: holds no picture of anybody: every face is unknown")
    used = [path for path in pictures if path in entries and not entries[path].reason]
    rejected = sum(path in entries and bool(entries[path].reason) for path in pictures)
    people = len({path.partition("/")[0] for path in used})
    text = f"{folder}: {len(used)} pictures of {people} people are known"
    new = len(pictures) - len(used) - rejected
    text += f", {rejected} were rejected (zmhook train-faces says why)" if rejected else ""
    return text + (f", {new} are not trained yet" if new else "")


def _apprise(settings: Settings, number: int) -> str:
    """Whether Apprise understands an address; nothing is sent."""
    from zmhook.detection import Decision
    from zmhook.event import Event
    from zmhook.jobs.work import Work
    from zmhook.notify.apprise import understood

    understood(Work(Decision(event=Event(), outcome="nothing"), settings), number)
    return "address understood; zmhook notify test sends a message"
