"""What must be changed to have a camera as it was before it was set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.camera.axis import CLIENT, Request, State, call
from zmhook.camera.plan import MQTT, SNAPSHOTS, Change, add, alike, delete, find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.camera.memory import Memory, Part


class Way(NamedTuple):
    """The way back: what is changed, and what a person has to know or do besides.

    `settled` are parts that need nothing: they are as they were, or somebody else's by now.
    """

    changes: list[Change]
    settled: list[str]
    notes: list[str]


def way_back(state: State, memory: Memory) -> Way:
    """Undo only what the set-up did, and only where it still is as the set-up left it."""
    way = Way([], [], [])
    # The publisher goes first: without it nothing is sent while the rest is put back.
    for name in sorted(memory.parts, key=lambda part: (part == MQTT, part == SNAPSHOTS, part)):
        part, now = memory.parts[name], _now(state, name)
        if _is_as_before(name, part, now):
            way.settled.append(name)
        elif not (alike(name, now, part.after) or _half_done(name, part, now)):
            way.settled.append(name)
            way.notes.append(f"{name} was changed since and is left as it is")
        else:
            way.changes.append(
                Change(_what(name, part), name, _calls(state, name, part), now, part.before)
            )
            way.notes.extend(_passwords(name, part))
    return way


def _is_as_before(name: str, part: Part, now: dict[str, Any] | None) -> bool:
    same = alike(name, now, part.before)
    return same and (name != MQTT or (now or {}).get("active") == (part.before or {}).get("active"))


def _half_done(name: str, part: Part, now: dict[str, Any] | None) -> bool:
    """Say whether a publisher was deleted and the other never came, or a client not switched."""
    if name == MQTT:
        return alike(name, now, part.before)
    return now is None and part.before is not None and name != SNAPSHOTS


def _now(state: State, name: str) -> dict[str, Any] | None:
    if name == MQTT:
        return {"config": state.client.config, "active": state.client.active}
    if name == SNAPSHOTS:
        return state.snapshots.data if state.snapshots else None
    publisher = find(state, name)
    return publisher._asdict() if publisher else None


def _what(name: str, part: Part) -> str:
    if name == MQTT:
        host = _host(part)
        return f"broker {host}, as before" if host else "no broker, as before"
    if name == SNAPSHOTS:
        return f"snapshots {'on' if (part.before or {}).get('enabled') else 'off'}, as before"
    return f"publisher {name} {'as before' if part.before else 'removed'}"


def _calls(state: State, name: str, part: Part) -> tuple[Request, ...]:
    if name == MQTT:
        return tuple(_client(state, part))
    if name == SNAPSHOTS and state.snapshots:
        return (Request("PATCH", state.snapshots.path, {"data": part.before}),)
    again = [add(state, part.before)] if part.before else []
    return (*([delete(state, name)] if find(state, name) else []), *again)


def _client(state: State, part: Part) -> Iterator[Request]:
    """Configure the broker that there was; a camera cannot be told to have none."""
    before = part.before or {}
    config = before["config"] if _host(part) else _nobody(state)
    configure = Request("POST", CLIENT, call("configureClient", config | _password(part)))
    # Last, what makes it differ from what the set-up left: a failure before is tried again.
    if before.get("active"):
        yield from (configure, Request("POST", CLIENT, call("activateClient")))
    else:
        yield from (Request("POST", CLIENT, call("deactivateClient")), configure)


def _nobody(state: State) -> dict[str, Any]:
    """Return our broker's address without our login."""
    return {**state.client.config, "username": ""}


def _password(part: Part) -> dict[str, Any]:
    if _same_user(part):
        return {"keepExistingPassword": True}
    return {} if _user(part.before) else {"password": ""}


def _passwords(name: str, part: Part) -> list[str]:
    """Say what becomes of a password that was set before: cameras do not tell theirs."""
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


def _same_user(part: Part) -> bool:
    return bool(_user(part.before)) and _user(part.before) == _user(part.after)


def _user(state: dict[str, Any] | None) -> str:
    return str((state or {}).get("config", {}).get("username") or "")


def _host(part: Part) -> str:
    server = (part.before or {}).get("config", {}).get("server") or {}
    return str(server.get("host") or "")
