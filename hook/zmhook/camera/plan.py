"""Plan the changes of a camera from its state and the requested set-up; no network here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote

from zmhook.camera.axis import (
    CLIENT,
    NEEDS_SNAPSHOTS,
    CameraRequest,
    CameraState,
    Publisher,
    SnapshotState,
    call,
)
from zmhook.errors import CameraError
from zmhook.settings.section import Secret

FORMATS = {
    "object_track": ("com.axis.scene.object_track.v1", "axis.scene.object_track_v1"),
    "consolidated_track": ("com.axis.consolidated_track.v1.beta",),
    "object_snapshot": ("com.axis.scene.object_snapshot.v1", "axis.scene.object_snapshot_v1"),
}
"""The data sources that carry pictures, under each name that a firmware has for them."""

BEST_FIRST = ("object_track", "consolidated_track")
"""The default formats, best first: one message a track, the newer one where it exists."""

SINCE = {"object_track": "12.8", "consolidated_track": "11.11", "object_snapshot": "12.8"}

PORTS = {"tcp": 1883, "ssl": 8883, "ws": 9001, "wss": 443}
ENCRYPTED = ("ssl", "wss")
WEBSOCKETS = ("ws", "wss")

TOPIC = re.compile(r"[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*")
LONGEST_TOPIC = 128


class CameraBroker(NamedTuple):
    """The broker that the camera connects to.

    `password` None: whatever the camera has for that user stays. `authority` names a certificate
    on the camera that the broker's is checked against; empty: it is not checked.
    """

    protocol: str
    host: str
    port: int
    path: str = ""
    user: str = ""
    password: Secret | None = None
    authority: str = ""

    @property
    def server(self) -> dict[str, Any]:
        """Return the server as `client.cgi` writes it."""
        server = {"protocol": self.protocol, "host": self.host, "port": self.port}
        # The camera joins the parts with slashes itself.
        path = {"basepath": self.path.strip("/")} if self.protocol in WEBSOCKETS else {}
        return server | path

    def __str__(self) -> str:
        path = f"/{self.path.strip('/')}" if self.protocol in WEBSOCKETS else ""
        return f"{self.protocol}://{self.host}:{self.port}{path}"


class SetupRequest(NamedTuple):
    """The requested set-up. `format` empty: the best that the camera has."""

    broker: CameraBroker
    topic: str
    channel: int = 1
    format: str = ""


class Change(NamedTuple):
    """A change of one part, by one or more calls.

    `part` is `mqtt`, `snapshots` or a publisher's id; `before` and `after` are how it was and will
    be, as plain data without passwords; None: it was not, or will not be, there.
    """

    what: str
    part: str
    requests: tuple[CameraRequest, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


MQTT, SNAPSHOTS = "mqtt", "snapshots"


def changes(state: CameraState, request: SetupRequest) -> list[Change]:
    """Return the changes that are needed, in order; none when the camera is set up.

    Raises `CameraError` when the camera cannot do what is requested.
    """
    check_topic(request.topic)
    source = data_source(state, request.format, request.channel)
    planned = (
        _client(state, request.broker),
        _snapshots(state),
        _publisher(state, Publisher(publisher_id(request.channel), source, request.topic, qos=1)),
    )
    return [change for change in planned if change]


def publisher_id(channel: int) -> str:
    return f"zmhook-{channel}"


def check_topic(topic: str) -> None:
    """Raise `CameraError` for a topic that a camera would refuse; MQTT allows more."""
    if len(topic) > LONGEST_TOPIC or not TOPIC.fullmatch(topic):
        raise CameraError(
            f"topic '{topic[:LONGEST_TOPIC]}': a camera takes letters, digits, _ and - between"
            f" slashes, at most {LONGEST_TOPIC} characters (no dots, no spaces)"
        )


def data_source(state: CameraState, form: str, channel: int) -> str:
    """Return the key of the data source that has the format."""
    for name in (form,) if form else BEST_FIRST:
        for source in FORMATS[name]:
            if f"{source}#{channel}" in state.sources:
                return f"{source}#{channel}"
    names = form or " or ".join(BEST_FIRST)
    since = SINCE[form] if form else min(SINCE.values(), key=float)
    offered = ", ".join(state.sources) or "nothing"
    raise CameraError(
        f"the camera offers no {names} on channel {channel} (AXIS OS {since} or later has it; this"
        f" one has {state.device.firmware or 'an unknown version'}); it offers: {offered}"
    )


# -- broker --------------------------------------------------------------------------------------


def _client(state: CameraState, broker: CameraBroker) -> Change | None:
    client = state.client
    same = target(client.config) == target({"server": broker.server, "username": broker.user})
    if same and client.active and client.connected:
        return None
    who = f" as {broker.user}" if broker.user else ", anonymous"
    return Change(
        what=f"broker {broker}{who}{'' if same else _instead(state)}",
        part=MQTT,
        requests=(
            CameraRequest("POST", CLIENT, call("configureClient", _params(state, broker))),
            CameraRequest("POST", CLIENT, call("activateClient")),
        ),
        before={"config": client.config, "active": client.active},
        after={"config": {"server": broker.server, "username": broker.user}, "active": True},
    )


def _instead(state: CameraState) -> str:
    """Name the former broker, which the new one replaces."""
    now = target(state.client.config)
    return f", instead of {now['protocol']}://{now['host']}:{now['port']}" if now["host"] else ""


def target(config: dict[str, Any]) -> dict[str, Any]:
    """Return the server and user of a configuration, to compare two."""
    server = config.get("server") or {}
    return {
        "protocol": server.get("protocol", "tcp"),
        "host": server.get("host", ""),
        "port": server.get("port"),
        "path": str(server.get("basepath") or "").strip("/"),
        "user": config.get("username") or "",
    }


def same_state(part: str, state: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Say whether two states of a part are the same; for the MQTT client, its target."""
    if part == MQTT and state and other:
        return target(state["config"]) == target(other["config"])
    return state == other


def _params(state: CameraState, broker: CameraBroker) -> dict[str, Any]:
    """Return the configuration with the broker in it; whatever else was set stays as it is."""
    params = {key: item for key, item in state.client.config.items() if key != "ssl"}
    params |= {
        "server": broker.server,
        "clientId": params.get("clientId") or f"axis-{state.device.serial or 'camera'}",
        "activateOnReboot": True,
        "autoReconnect": True,
        "cleanSession": True,
        **_credentials(state, broker),
    }
    if broker.protocol in ENCRYPTED:
        params["ssl"] = {"validateServerCert": bool(broker.authority)}
        params["ssl"] |= {"CACertID": broker.authority} if broker.authority else {}
    return params


def _credentials(state: CameraState, broker: CameraBroker) -> dict[str, Any]:
    if broker.password is not None or not broker.user:
        password = broker.password.reveal() if broker.password and broker.user else ""
        return {"username": broker.user, "password": password}
    if broker.user != state.client.user:
        raise CameraError(f"the broker's user '{broker.user}' needs a password")
    return {"username": broker.user, "keepExistingPassword": True}


# -- snapshots -----------------------------------------------------------------------------------


def _snapshots(state: CameraState) -> Change | None:
    now = state.snapshots
    if now is None:
        raise CameraError(NEEDS_SNAPSHOTS)
    target_state = SnapshotState(now.path, enabled=True, margin=True)
    if now == target_state:
        return None
    return Change(
        what="snapshots on, with a margin",
        part=SNAPSHOTS,
        requests=(CameraRequest("PATCH", now.path, {"data": target_state.data}),),
        before=now.data,
        after=target_state.data,
    )


# -- publisher -----------------------------------------------------------------------------------


def _publisher(state: CameraState, publisher: Publisher) -> Change | None:
    """Replace a publisher that differs: publishers cannot be changed."""
    if any(item._replace(id=publisher.id) == publisher for item in state.publishers):
        return None
    now = find(state, publisher.id)
    return Change(
        what=f"publisher {publisher.id}: {publisher.data_source_key} to {publisher.mqtt_topic}",
        part=publisher.id,
        requests=(
            *([delete(state, publisher.id)] if now else []),
            add(state, publisher._asdict()),
        ),
        before=now._asdict() if now else None,
        after=publisher._asdict(),
    )


def find(state: CameraState, identifier: str) -> Publisher | None:
    return next((item for item in state.publishers if item.id == identifier), None)


def add(state: CameraState, publisher: dict[str, Any]) -> CameraRequest:
    return CameraRequest("POST", f"{state.analytics}/publishers", {"data": publisher})


def delete(state: CameraState, identifier: str) -> CameraRequest:
    return CameraRequest("DELETE", f"{state.analytics}/publishers/{quote(identifier, safe='')}")
