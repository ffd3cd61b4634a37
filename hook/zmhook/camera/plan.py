"""What must be changed on a camera, from what it is and what is wanted. Nothing is asked here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote

from zmhook.camera.axis import (
    CLIENT,
    NEEDS_SNAPSHOTS,
    Publisher,
    Request,
    Snapshots,
    State,
    call,
)
from zmhook.errors import CameraError
from zmhook.settings.values import Secret

FORMATS = {
    "object_track": ("com.axis.scene.object_track.v1", "axis.scene.object_track_v1"),
    "consolidated_track": ("com.axis.consolidated_track.v1.beta",),
    "object_snapshot": ("com.axis.scene.object_snapshot.v1", "axis.scene.object_snapshot_v1"),
}
"""The data sources that carry pictures, under each name that a firmware has for them."""

BEST_FIRST = ("object_track", "consolidated_track")
"""What is chosen where nobody chooses: one message a track, the newer one when there is one."""

SINCE = {"object_track": "12.8", "consolidated_track": "11.11", "object_snapshot": "12.8"}

PORTS = {"tcp": 1883, "ssl": 8883, "ws": 9001, "wss": 443}
ENCRYPTED = ("ssl", "wss")
WEBSOCKETS = ("ws", "wss")

TOPIC = re.compile(r"[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*")
LONGEST_TOPIC = 128


class Broker(NamedTuple):
    """The broker as the camera is to reach it.

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


class Wanted(NamedTuple):
    """What the set-up is to bring about. `format` empty: the best that the camera has."""

    broker: Broker
    topic: str
    channel: int = 1
    format: str = ""


class Change(NamedTuple):
    """One thing that is changed, by one or more calls.

    `part` is `mqtt`, `snapshots` or a publisher's id; `before` and `after` are how it was and will
    be, as plain data without passwords; None: it was not, or will not be, there.
    """

    what: str
    part: str
    requests: tuple[Request, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


MQTT, SNAPSHOTS = "mqtt", "snapshots"


def changes(state: State, wanted: Wanted) -> list[Change]:
    """Return what is missing, in the order in which it is to be done; nothing when all is there.

    Raises `CameraError` when the camera cannot do what is wanted.
    """
    check_topic(wanted.topic)
    source = data_source(state, wanted.format, wanted.channel)
    found = (
        _client(state, wanted.broker),
        _snapshots(state),
        _publisher(state, Publisher(publisher_id(wanted.channel), source, wanted.topic, qos=1)),
    )
    return [change for change in found if change]


def publisher_id(channel: int) -> str:
    return f"zmhook-{channel}"


def check_topic(topic: str) -> None:
    """Raise `CameraError` where a camera would refuse the topic; its own rule is stricter."""
    if len(topic) > LONGEST_TOPIC or not TOPIC.fullmatch(topic):
        raise CameraError(
            f"topic '{topic[:LONGEST_TOPIC]}': a camera takes letters, digits, _ and - between"
            f" slashes, at most {LONGEST_TOPIC} characters (no dots, no spaces)"
        )


def data_source(state: State, wanted: str, channel: int) -> str:
    """Return the key of the data source that has the format."""
    for name in (wanted,) if wanted else BEST_FIRST:
        for source in FORMATS[name]:
            if f"{source}#{channel}" in state.sources:
                return f"{source}#{channel}"
    what = wanted or " or ".join(BEST_FIRST)
    since = SINCE[wanted] if wanted else min(SINCE.values(), key=float)
    offered = ", ".join(state.sources) or "nothing"
    raise CameraError(
        f"the camera offers no {what} on channel {channel} (AXIS OS {since} or later has it; this"
        f" one has {state.device.firmware or 'an unknown version'}); it offers: {offered}"
    )


# -- broker --------------------------------------------------------------------------------------


def _client(state: State, broker: Broker) -> Change | None:
    client = state.client
    same = target(client.config) == target({"server": broker.server, "username": broker.user})
    if same and client.active and client.connected:
        return None
    who = f" as {broker.user}" if broker.user else ", anonymous"
    return Change(
        what=f"broker {broker}{who}{'' if same else _instead(state)}",
        part=MQTT,
        requests=(
            Request("POST", CLIENT, call("configureClient", _params(state, broker))),
            Request("POST", CLIENT, call("activateClient")),
        ),
        before={"config": client.config, "active": client.active},
        after={"config": {"server": broker.server, "username": broker.user}, "active": True},
    )


def _instead(state: State) -> str:
    """Name the broker that the camera had: it is not there twice."""
    now = target(state.client.config)
    return f", instead of {now['protocol']}://{now['host']}:{now['port']}" if now["host"] else ""


def target(config: dict[str, Any]) -> dict[str, Any]:
    """Return where a configuration leads and as whom, for comparing two."""
    server = config.get("server") or {}
    return {
        "protocol": server.get("protocol", "tcp"),
        "host": server.get("host", ""),
        "port": server.get("port"),
        "path": str(server.get("basepath") or "").strip("/"),
        "user": config.get("username") or "",
    }


def alike(part: str, one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Say whether two states of a part are the same; of the MQTT client, only where it leads."""
    if part == MQTT and one and other:
        return target(one["config"]) == target(other["config"])
    return one == other


def _params(state: State, broker: Broker) -> dict[str, Any]:
    """Return the configuration with the broker in it; whatever else was set stays as it is."""
    params = {key: one for key, one in state.client.config.items() if key != "ssl"}
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


def _credentials(state: State, broker: Broker) -> dict[str, Any]:
    if broker.password is not None or not broker.user:
        password = broker.password.reveal() if broker.password and broker.user else ""
        return {"username": broker.user, "password": password}
    if broker.user != state.client.user:
        raise CameraError(f"the broker's user '{broker.user}' needs a password")
    return {"username": broker.user, "keepExistingPassword": True}


# -- snapshots -----------------------------------------------------------------------------------


def _snapshots(state: State) -> Change | None:
    now = state.snapshots
    if now is None:
        raise CameraError(NEEDS_SNAPSHOTS)
    wanted = Snapshots(now.path, enabled=True, margin=True)
    if now == wanted:
        return None
    return Change(
        what="snapshots on, with a margin",
        part=SNAPSHOTS,
        requests=(Request("PATCH", now.path, {"data": wanted.data}),),
        before=now.data,
        after=wanted.data,
    )


# -- publisher -----------------------------------------------------------------------------------


def _publisher(state: State, wanted: Publisher) -> Change | None:
    """Replace one that has other contents: publishers cannot be changed."""
    if any(one._replace(id=wanted.id) == wanted for one in state.publishers):
        return None
    now = find(state, wanted.id)
    return Change(
        what=f"publisher {wanted.id}: {wanted.data_source_key} to {wanted.mqtt_topic}",
        part=wanted.id,
        requests=(
            *([delete(state, wanted.id)] if now else []),
            add(state, wanted._asdict()),
        ),
        before=now._asdict() if now else None,
        after=wanted._asdict(),
    )


def find(state: State, identifier: str) -> Publisher | None:
    return next((one for one in state.publishers if one.id == identifier), None)


def add(state: State, publisher: dict[str, Any]) -> Request:
    return Request("POST", f"{state.analytics}/publishers", {"data": publisher})


def delete(state: State, identifier: str) -> Request:
    return Request("DELETE", f"{state.analytics}/publishers/{quote(identifier, safe='')}")
