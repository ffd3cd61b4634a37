"""Set a camera up as planned, remember what was there before, and restore it.

The file of what was there holds no password, for cameras do not reveal theirs. It is readable by
its owner alone all the same, because it says who logs in where.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct, field

from zmhook.camera.axis import CLIENT, Axis, CameraRequest, CameraState, call
from zmhook.camera.plan import MQTT, SNAPSHOTS, Change, add, delete, find, same_state
from zmhook.errors import CameraError
from zmhook.storage import atomic
from zmhook.storage.regular import reading
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MODE = 0o600
LARGEST = 1024 * 1024
POLL_SECONDS = 0.5


class PartBackup(Struct):
    """One thing that was changed: its state before and after the set-up."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


class CameraBackup(Struct):
    """The parts of one camera that were changed and not yet restored."""

    host: str
    parts: dict[str, PartBackup] = field(default_factory=dict)

    def note(self, change: Change) -> None:
        """Remember a change that is about to be made.

        A part that is still as an earlier set-up left it keeps that one's backup.
        """
        known = self.parts.get(change.part)
        if known and same_state(change.part, known.after, change.before):
            known.after = change.after
        else:
            self.parts[change.part] = PartBackup(change.before, change.after)


def backup_path(folder: str | Path, host: str) -> Path:
    """Return the file for a camera, whose name or address may hold anything."""
    return Path(folder, "cache", f"camera-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}.json")


def load_backup(path: Path, host: str) -> CameraBackup:
    """Return the backup, an empty one when there is no file. Raises `CameraError`."""
    try:
        with reading(path) as file:
            return decoded(file.read(LARGEST), CameraBackup)
    except (FileNotFoundError, NotADirectoryError):
        return CameraBackup(host)
    except OSError as error:
        raise CameraError(f"{path}: cannot be read ({error.strerror})") from None
    except Unreadable:
        raise CameraError(
            f"{path}: is damaged: what was on the camera before is not known; delete it to go on"
        ) from None


def save_backup(path: Path, memory: CameraBackup) -> None:
    """Write the backup, or delete it when nothing is left to restore. Raises `CameraError`."""
    try:
        if not memory.parts:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, msgspec.json.format(msgspec.json.encode(memory)), MODE, durable=True)
    except OSError as error:
        raise CameraError(
            f"{path}: what is on the camera now cannot be written there ({error.strerror}), so"
            " nothing could be put back: run this as the owner of that folder"
        ) from None


class UndoPlan(NamedTuple):
    """The changes that restore a camera, and notes on what a person has to know or do.

    `settled` are parts that need nothing: they are as before, or were changed by somebody else.
    """

    changes: list[Change]
    settled: list[str]
    notes: list[str]


def undo_plan(state: CameraState, backup: CameraBackup) -> UndoPlan:
    """Undo only what the set-up did, and only where it still is as the set-up left it."""
    plan = UndoPlan([], [], [])
    # The publisher goes first: without it nothing is sent while the rest is put back.
    for name in sorted(backup.parts, key=lambda part: (part == MQTT, part == SNAPSHOTS, part)):
        part, now = backup.parts[name], _now(state, name)
        if _is_as_before(name, part, now):
            plan.settled.append(name)
        elif not (same_state(name, now, part.after) or _half_done(name, part, now)):
            plan.settled.append(name)
            plan.notes.append(f"{name} was changed since and is left as it is")
        else:
            plan.changes.append(
                Change(_what(name, part), name, _calls(state, name, part), now, part.before)
            )
            plan.notes.extend(_passwords(name, part))
    return plan


def _is_as_before(name: str, part: PartBackup, now: dict[str, Any] | None) -> bool:
    same = same_state(name, now, part.before)
    return same and (name != MQTT or (now or {}).get("active") == (part.before or {}).get("active"))


def _half_done(name: str, part: PartBackup, now: dict[str, Any] | None) -> bool:
    """Say whether a publisher was deleted but not replaced, or a client not switched."""
    if name == MQTT:
        return same_state(name, now, part.before)
    return now is None and part.before is not None and name != SNAPSHOTS


def _now(state: CameraState, name: str) -> dict[str, Any] | None:
    if name == MQTT:
        return {"config": state.client.config, "active": state.client.active}
    if name == SNAPSHOTS:
        return state.snapshots.data if state.snapshots else None
    publisher = find(state, name)
    return publisher._asdict() if publisher else None


def _what(name: str, part: PartBackup) -> str:
    if name == MQTT:
        host = _host(part)
        return f"broker {host}, as before" if host else "no broker, as before"
    if name == SNAPSHOTS:
        return f"snapshots {'on' if (part.before or {}).get('enabled') else 'off'}, as before"
    return f"publisher {name} {'as before' if part.before else 'removed'}"


def _calls(state: CameraState, name: str, part: PartBackup) -> tuple[CameraRequest, ...]:
    if name == MQTT:
        return tuple(_client(state, part))
    if name == SNAPSHOTS and state.snapshots:
        return (CameraRequest("PATCH", state.snapshots.path, {"data": part.before}),)
    again = [add(state, part.before)] if part.before else []
    return (*([delete(state, name)] if find(state, name) else []), *again)


def _client(state: CameraState, part: PartBackup) -> Iterator[CameraRequest]:
    """Configure the former broker; a camera cannot be configured to have none."""
    before = part.before or {}
    config = before["config"] if _host(part) else _nobody(state)
    configure = CameraRequest("POST", CLIENT, call("configureClient", config | _password(part)))
    # Last, what makes it differ from what the set-up left: a failure before is tried again.
    if before.get("active"):
        yield from (configure, CameraRequest("POST", CLIENT, call("activateClient")))
    else:
        yield from (CameraRequest("POST", CLIENT, call("deactivateClient")), configure)


def _nobody(state: CameraState) -> dict[str, Any]:
    """Return our broker's address without our login."""
    return {**state.client.config, "username": ""}


def _password(part: PartBackup) -> dict[str, Any]:
    if _same_user(part):
        return {"keepExistingPassword": True}
    return {} if _user(part.before) else {"password": ""}


def _passwords(name: str, part: PartBackup) -> list[str]:
    """Explain what happens to a former password: cameras do not reveal theirs."""
    if name != MQTT or not _user(part.before) or not _host(part):
        return []
    user = _user(part.before)
    if _same_user(part):
        return [f"the broker's user '{user}' keeps the password that the set-up gave"]
    lost = (
        f"the password of the broker's user '{user}' cannot be read from a camera, so it could not"
        " be put back: type it in on the camera's page, System > MQTT"
    )
    return [lost]


def _same_user(part: PartBackup) -> bool:
    return bool(_user(part.before)) and _user(part.before) == _user(part.after)


def _user(state: dict[str, Any] | None) -> str:
    return str((state or {}).get("config", {}).get("username") or "")


def _host(part: PartBackup) -> str:
    server = (part.before or {}).get("config", {}).get("server") or {}
    return str(server.get("host") or "")


def carry_out(
    axis: Axis, changes: Sequence[Change], file: Path, host: str, say: Callable[[str], None]
) -> None:
    """Make the changes, one after another.

    Each is remembered in `file` before it is made, so that one which stops halfway can be undone.
    Raises `CameraError`.
    """
    backup = load_backup(file, host)
    for change in changes:
        backup.note(change)
        save_backup(file, backup)
        _make(axis, change)
        say(change.what)


def put_back(axis: Axis, plan: UndoPlan, file: Path, host: str, say: Callable[[str], None]) -> None:
    """Restore the camera, and forget each restored part. Raises `CameraError`."""
    backup = load_backup(file, host)
    for name in plan.settled:
        backup.parts.pop(name, None)
    for change in plan.changes:
        _make(axis, change)
        backup.parts.pop(change.part, None)
        save_backup(file, backup)
        say(change.what)
    save_backup(file, backup)


def wait_until_connected(axis: Axis, seconds: float) -> str:
    """Wait for the connection; return "" once it is there, else its state when time is up."""
    until = time.monotonic() + seconds
    while True:
        client = axis.client()
        if client.connected:
            return ""
        if time.monotonic() >= until:
            return client.connection
        time.sleep(min(POLL_SECONDS, seconds))


def _make(axis: Axis, change: Change) -> None:
    for request in change.requests:
        try:
            axis.send(request)
        except CameraError as error:
            raise CameraError(f"{change.what}: {error}") from None
