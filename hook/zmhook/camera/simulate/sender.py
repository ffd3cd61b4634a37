"""Sends messages to the broker of `[mqtt]` and waits until it has taken them."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from zmhook.errors import BrokerError, MissingPart

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

    from zmhook.settings import Mqtt

SECONDS = 10.0
UNDER_WAY = 20
"""Messages that may wait for their acknowledgement; brokers take no more at a time anyway."""

QOS = 1
USUAL = {("tcp", False): 1883, ("tcp", True): 8883, ("websockets", False): 9001}
SECURE_WEBSOCKETS = 443


class Sender:
    """A connection to the broker. `close` once at the end. Everything raises `BrokerError`."""

    def __init__(self, mqtt: Mqtt, seconds: float = SECONDS) -> None:
        self.place = place(mqtt)
        self._mqtt = mqtt
        self._seconds = seconds
        self._answered = threading.Event()
        self._refusal = ""
        self._under_way: deque[MQTTMessageInfo] = deque()
        self._client = self._made()

    def connect(self) -> None:
        """Connect, and wait until the broker has accepted us."""
        host, port = self._mqtt.mqtt_host, port_of(self._mqtt)
        try:
            self._client.connect(host, port, keepalive=self._mqtt.mqtt_keepalive)
        except (OSError, ValueError) as error:
            raise BrokerError(f"{self.place}: cannot be reached ({_reason(error)})") from None
        self._client.loop_start()
        if not self._answered.wait(self._seconds):
            raise BrokerError(f"{self.place}: no answer within {self._seconds:.3g} s")
        if self._refusal:
            raise BrokerError(
                f"{self.place}: refuses us ({self._refusal}): are user and password right?"
            )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes) -> None:
        """Hand a message over; waits while too many are under way."""
        while len(self._under_way) >= UNDER_WAY:
            self._settle()
        try:
            self._under_way.append(self._client.publish(topic, payload, qos=QOS))
        except ValueError as error:
            raise BrokerError(f"{self.place}: topic '{topic}': {error}") from None

    def settle(self) -> None:
        """Wait until the broker has taken everything."""
        while self._under_way:
            self._settle()

    def _settle(self) -> None:
        message = self._under_way.popleft()
        with contextlib.suppress(ValueError, RuntimeError):
            message.wait_for_publish(self._seconds)
        if not message.is_published():
            raise BrokerError(
                f"{self.place}: took no message within {self._seconds:.3g} s: may this user publish"
                " there, is the message not too large for the broker?"
            )

    def _made(self) -> Client:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingPart("zmhook camera simulate", "paho-mqtt", "mqtt") from None
        client = Client(CallbackAPIVersion.VERSION2, transport=self._mqtt.mqtt_transport)
        client.connect_timeout = self._seconds
        client.on_connect = self._on_connect
        if self._mqtt.mqtt_user:
            client.username_pw_set(self._mqtt.mqtt_user, self._mqtt.mqtt_password.reveal())
        if self._mqtt.mqtt_transport == "websockets":
            client.ws_set_options(path=self._mqtt.mqtt_path)
        if self._mqtt.mqtt_tls and self._mqtt.mqtt_transport != "unix":
            self._encrypt(client)
        return client

    def _encrypt(self, client: Client) -> None:
        mqtt = self._mqtt
        required = ssl.CERT_REQUIRED if mqtt.mqtt_verify else ssl.CERT_NONE
        try:
            client.tls_set(
                mqtt.mqtt_ca or None,
                mqtt.mqtt_cert or None,
                mqtt.mqtt_cert_key or None,
                cert_reqs=required,
            )
        except (OSError, ValueError) as error:
            raise BrokerError(f"[mqtt]: a file for TLS cannot be used ({_reason(error)})") from None
        client.tls_insecure_set(not mqtt.mqtt_verify)

    def _on_connect(
        self, client: Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        self._refusal = str(reason) if reason.is_failure else ""
        self._answered.set()


def port_of(mqtt: Mqtt) -> int:
    """Return the broker's port: the one that is set, or the usual one."""
    usual = USUAL.get((mqtt.mqtt_transport, mqtt.mqtt_tls), SECURE_WEBSOCKETS)
    return mqtt.mqtt_port or usual


def place(mqtt: Mqtt) -> str:
    """Return the broker as messages name it."""
    if mqtt.mqtt_transport == "unix":
        return f"broker at {mqtt.mqtt_host}"
    return f"broker at {mqtt.mqtt_host}:{port_of(mqtt)}"


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be verified: {error.verify_message}"
    return getattr(error, "strerror", None) or str(error)
