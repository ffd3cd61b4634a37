"""The parts of an Axis camera's documented HTTP API that snapshots over MQTT need.

Sources: VAPIX, Network video: MQTT client API (`client.cgi`), Basic device information; Device
configuration: Object snapshot configuration, Analytics MQTT API. `client.cgi` answers errors with
status 200 and an `error` object; the configuration API with `status: error` and one of 4xx.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import json

from zmhook.camera.camera_client import NOT_FOUND, WRONG, CameraClient, CameraResponse
from zmhook.errors import CameraError

API_VERSION = "1.0"
CLIENT = "/axis-cgi/mqtt/client.cgi"
DEVICE = "/axis-cgi/basicdeviceinfo.cgi"
SNAPSHOTS = ("/config/rest/object-snapshot/v1", "/config/rest/best-snapshot/v1")
"""Where snapshots are turned on; older firmware has the second name for the same."""

ANALYTICS = ("/config/rest/analytics-mqtt/v1", "/config/rest/analytics-mqtt/v1beta")

NEEDS_CLIENT = "it has no MQTT client: that needs AXIS OS 9.80 or later"
NEEDS_ANALYTICS = (
    "it cannot publish tracks over MQTT: that needs AXIS OS 11.11 or later, object_track and"
    " object_snapshot 12.8, and a model with AXIS Scene Metadata"
)
NEEDS_SNAPSHOTS = "it cannot make snapshots of objects: that needs AXIS OS 11.11 or later"


class Request(NamedTuple):
    """A call that changes something."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def shown(self, base: str) -> str:
        """Return the call as it may be printed: secrets are `***`."""
        body = "" if self.body is None else f" {json.encode(_hidden(self.body)).decode()}"
        return f"{self.method} {base}{self.path}{body}"


class Device(NamedTuple):
    """What the camera says that it is; empty where it does not say."""

    name: str = ""
    serial: str = ""
    firmware: str = ""


class Client(NamedTuple):
    """The camera's MQTT client: its configuration, without password, and how it is."""

    config: dict[str, Any]
    active: bool
    connection: str

    @property
    def connected(self) -> bool:
        """Firmwares write `Connected` and `connected`; another says `not connected`."""
        return self.connection.lower() == "connected"

    @property
    def server(self) -> dict[str, Any]:
        server = self.config.get("server")
        return server if isinstance(server, dict) else {}

    @property
    def user(self) -> str:
        return str(self.config.get("username") or "")


class Snapshots(NamedTuple):
    """Whether tracks carry pictures, and where that is said."""

    path: str
    enabled: bool
    margin: bool

    @property
    def data(self) -> dict[str, bool]:
        return {"enabled": self.enabled, "margin": self.margin}


class Publisher(NamedTuple):
    """What is published, and on which topic."""

    id: str
    data_source_key: str
    mqtt_topic: str
    qos: int = 0
    retain: bool = False
    use_topic_prefix: bool = False


class State(NamedTuple):
    """Everything that the set-up looks at. `analytics` is the path that this firmware has."""

    device: Device
    client: Client
    snapshots: Snapshots | None
    analytics: str
    sources: tuple[str, ...]
    publishers: tuple[Publisher, ...]


class Axis:
    """An Axis camera. Everything raises `CameraError`, whose line begins with the address."""

    def __init__(self, client: CameraClient) -> None:
        self._client = client
        self.base = client.base

    def state(self) -> State:
        """Read everything; nothing is changed."""
        client = self.client()
        analytics, sources = self._sources()
        return State(
            device=self.device(),
            client=client,
            snapshots=self.snapshots(),
            analytics=analytics,
            sources=sources,
            publishers=self._publishers(analytics),
        )

    def device(self) -> Device:
        """Return what it says of itself; firmware before 8.40 says nothing."""
        answer = self._client.ask("POST", DEVICE, call("getAllProperties"))
        if answer.status == NOT_FOUND:
            return Device()
        found = self._object(self._data(answer).get("propertyList"))
        name = found.get("ProdFullName") or found.get("ProdShortName") or ""
        texts = (name, found.get("SerialNumber") or "", found.get("Version") or "")
        return Device(*map(self._client.masked, texts))

    def client(self) -> Client:
        """Return the MQTT client's configuration and whether it is connected."""
        answer = self._client.ask("POST", CLIENT, call("getClientStatus"))
        if answer.status == NOT_FOUND:
            raise CameraError(f"{answer.url}: {NEEDS_CLIENT}")
        data = self._data(answer)
        config, status = self._object(data.get("config")), self._object(data.get("status"))
        config.pop("password", None)
        return Client(
            config=config,
            active=str(status.get("state", "")).lower() == "active",
            connection=self._client.masked(status.get("connectionStatus", "unknown")),
        )

    def snapshots(self) -> Snapshots | None:
        """Return the setting, None where the camera has no such thing."""
        for path in SNAPSHOTS:
            answer = self._client.ask("GET", path)
            if answer.status != NOT_FOUND:
                data = self._data(answer)
                return Snapshots(path, data.get("enabled") is True, data.get("margin") is True)
        return None

    def send(self, request: Request) -> None:
        """Change something."""
        params = self._object((request.body or {}).get("params"))
        self._client.hide(str(params.get("password") or ""))
        answer = self._client.ask(*request)
        self._check(answer)

    def close(self) -> None:
        self._client.close()

    def _sources(self) -> tuple[str, tuple[str, ...]]:
        """Return which of the paths this firmware has, and the keys of what it can publish."""
        for path in ANALYTICS:
            answer = self._client.ask("GET", f"{path}/data_sources")
            if answer.status != NOT_FOUND:
                keys = (str(one.get("key", "")) for one in self._list(answer, "data_sources"))
                return path, tuple(map(self._client.masked, keys))
        raise CameraError(f"{self.base}{ANALYTICS[0]}: {NEEDS_ANALYTICS}")

    def _publishers(self, analytics: str) -> tuple[Publisher, ...]:
        answer = self._client.ask("GET", f"{analytics}/publishers")
        return tuple(_publisher(one) for one in self._list(answer, "publishers"))

    # -- answers ---------------------------------------------------------------------------------

    def _check(self, answer: CameraResponse) -> dict[str, Any]:
        content = answer.content or {}
        error = content.get("error")
        if error or answer.status >= WRONG or content.get("status") == "error":
            raise CameraError(f"{answer.url}: {self._refusal(error, answer.status)}")
        return content

    def _refusal(self, error: object, status: int) -> str:
        found = self._object(error)
        code, message = found.get("code"), found.get("message")
        parts = [f"error {code}"] if code is not None else [f"status {status}"]
        parts += [self._client.masked(message)] if message else []
        return f"the camera refuses that ({', '.join(parts)})"

    def _data(self, answer: CameraResponse) -> dict[str, Any]:
        return self._object(self._check(answer).get("data"))

    def _list(self, answer: CameraResponse, name: str) -> list[dict[str, Any]]:
        """Return a collection: `data` itself or what it has under its name; both are documented."""
        data = self._check(answer).get("data")
        found = data.get(name) if isinstance(data, dict) else data
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @staticmethod
    def _object(value: object) -> dict[str, Any]:
        return value if isinstance(value, dict) else {}


def call(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body of a call to one of the `.cgi`."""
    body: dict[str, Any] = {"apiVersion": API_VERSION, "context": "zmhook", "method": method}
    return body if params is None else {**body, "params": params}


def _publisher(found: dict[str, Any]) -> Publisher:
    """Read one of a list; the documented answer calls the source `key`, the request otherwise."""
    source = found.get("data_source_key") or found.get("key") or ""
    qos = found.get("qos")
    return Publisher(
        id=str(found.get("id", "")),
        data_source_key=str(source),
        mqtt_topic=str(found.get("mqtt_topic", "")),
        qos=qos if isinstance(qos, int) else 0,
        retain=found.get("retain") is True,
        use_topic_prefix=found.get("use_topic_prefix") is True,
    )


def _hidden(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: "***" if key == "password" and one else _hidden(one) for key, one in value.items()}
