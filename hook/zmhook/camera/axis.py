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
from zmhook.text.bounded_json import mapping, mappings

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


class CameraRequest(NamedTuple):
    """A call that changes something."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def shown(self, base: str) -> str:
        """Return the call as it may be printed: secrets are `***`."""
        body = "" if self.body is None else f" {json.encode(_hidden(self.body)).decode()}"
        return f"{self.method} {base}{self.path}{body}"


class CameraDevice(NamedTuple):
    """The camera's name, serial number and firmware; empty where unknown."""

    name: str = ""
    serial: str = ""
    firmware: str = ""


class MqttClientState(NamedTuple):
    """The camera's MQTT client: its configuration, without password, and its state."""

    config: dict[str, Any]
    active: bool
    connection: str

    @property
    def connected(self) -> bool:
        """Firmwares write `Connected` and `connected`; another says `not connected`."""
        return self.connection.lower() == "connected"

    @property
    def server(self) -> dict[str, Any]:
        return mapping(self.config.get("server"))

    @property
    def user(self) -> str:
        return str(self.config.get("username") or "")


class SnapshotState(NamedTuple):
    """Whether tracks carry pictures, and the path of that setting."""

    path: str
    enabled: bool
    margin: bool

    @property
    def data(self) -> dict[str, bool]:
        return {"enabled": self.enabled, "margin": self.margin}


class Publisher(NamedTuple):
    """A data source that is published on a topic."""

    id: str
    data_source_key: str
    mqtt_topic: str
    qos: int = 0
    retain: bool = False
    use_topic_prefix: bool = False


class CameraState(NamedTuple):
    """Everything that the set-up reads. `analytics` is the path that this firmware has."""

    device: CameraDevice
    client: MqttClientState
    snapshots: SnapshotState | None
    analytics: str
    sources: tuple[str, ...]
    publishers: tuple[Publisher, ...]


class Axis:
    """An Axis camera. Everything raises `CameraError`, whose line begins with the address."""

    def __init__(self, client: CameraClient) -> None:
        self._client = client
        self.base = client.base

    def state(self) -> CameraState:
        """Read everything; nothing is changed."""
        client = self.client()
        analytics, sources = self._sources()
        return CameraState(
            device=self.device(),
            client=client,
            snapshots=self.snapshots(),
            analytics=analytics,
            sources=sources,
            publishers=self._publishers(analytics),
        )

    def device(self) -> CameraDevice:
        """Return the device information; firmware before 8.40 has none."""
        response = self._client.ask("POST", DEVICE, call("getAllProperties"))
        if response.status == NOT_FOUND:
            return CameraDevice()
        content = mapping(self._data(response).get("propertyList"))
        name = content.get("ProdFullName") or content.get("ProdShortName") or ""
        texts = (name, content.get("SerialNumber") or "", content.get("Version") or "")
        return CameraDevice(*map(self._client.masked, texts))

    def client(self) -> MqttClientState:
        """Return the MQTT client's configuration and whether it is connected."""
        response = self._client.ask("POST", CLIENT, call("getClientStatus"))
        if response.status == NOT_FOUND:
            raise CameraError(f"{response.url}: {NEEDS_CLIENT}")
        data = self._data(response)
        config, status = mapping(data.get("config")), mapping(data.get("status"))
        config.pop("password", None)
        return MqttClientState(
            config=config,
            active=str(status.get("state", "")).lower() == "active",
            connection=self._client.masked(status.get("connectionStatus", "unknown")),
        )

    def snapshots(self) -> SnapshotState | None:
        """Return the setting, None where the camera has no such thing."""
        for path in SNAPSHOTS:
            response = self._client.ask("GET", path)
            if response.status != NOT_FOUND:
                data = self._data(response)
                return SnapshotState(path, data.get("enabled") is True, data.get("margin") is True)
        return None

    def send(self, request: CameraRequest) -> None:
        """Change something."""
        params = mapping((request.body or {}).get("params"))
        self._client.hide(str(params.get("password") or ""))
        response = self._client.ask(*request)
        self._check(response)

    def close(self) -> None:
        self._client.close()

    def _sources(self) -> tuple[str, tuple[str, ...]]:
        """Return which of the paths this firmware has, and the keys of what it can publish."""
        for path in ANALYTICS:
            response = self._client.ask("GET", f"{path}/data_sources")
            if response.status != NOT_FOUND:
                keys = (str(item.get("key", "")) for item in self._list(response, "data_sources"))
                return path, tuple(map(self._client.masked, keys))
        raise CameraError(f"{self.base}{ANALYTICS[0]}: {NEEDS_ANALYTICS}")

    def _publishers(self, analytics: str) -> tuple[Publisher, ...]:
        response = self._client.ask("GET", f"{analytics}/publishers")
        return tuple(_publisher(item) for item in self._list(response, "publishers"))

    # -- answers ---------------------------------------------------------------------------------

    def _check(self, response: CameraResponse) -> dict[str, Any]:
        content = response.content or {}
        error = content.get("error")
        if error or response.status >= WRONG or content.get("status") == "error":
            raise CameraError(f"{response.url}: {self._refusal(error, response.status)}")
        return content

    def _refusal(self, error: object, status: int) -> str:
        content = mapping(error)
        code, message = content.get("code"), content.get("message")
        parts = [f"error {code}"] if code is not None else [f"status {status}"]
        parts += [self._client.masked(message)] if message else []
        return f"the camera refuses that ({', '.join(parts)})"

    def _data(self, response: CameraResponse) -> dict[str, Any]:
        return mapping(self._check(response).get("data"))

    def _list(self, response: CameraResponse, name: str) -> list[dict[str, Any]]:
        """Return a collection: `data` itself or what it has under its name; both are documented."""
        data = self._check(response).get("data")
        content = data.get(name) if isinstance(data, dict) else data
        return mappings(content)


def call(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body of a call to one of the `.cgi`."""
    body: dict[str, Any] = {"apiVersion": API_VERSION, "context": "zmhook", "method": method}
    return body if params is None else {**body, "params": params}


def _publisher(content: dict[str, Any]) -> Publisher:
    """Read one of a list; the documented answer calls the source `key`, the request otherwise."""
    source = content.get("data_source_key") or content.get("key") or ""
    qos = content.get("qos")
    return Publisher(
        id=str(content.get("id", "")),
        data_source_key=str(source),
        mqtt_topic=str(content.get("mqtt_topic", "")),
        qos=qos if isinstance(qos, int) else 0,
        retain=content.get("retain") is True,
        use_topic_prefix=content.get("use_topic_prefix") is True,
    )


def _hidden(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {
        key: "***" if key == "password" and item else _hidden(item) for key, item in value.items()
    }
