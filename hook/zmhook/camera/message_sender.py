"""Send messages to the broker of `[mqtt]`, each until the broker has taken it."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Any

from msgspec import structs

from zmhook.errors import BrokerError
from zmhook.net import mqtt as client

if TYPE_CHECKING:
    from zmhook.settings import Mqtt

QOS = 1


class MessageSender:
    """A connection to the broker. `close` once at the end. Everything raises `BrokerError`."""

    def __init__(self, mqtt: Mqtt) -> None:
        client.require()
        # A name of its own: under the collector's it would take that one's place.
        name = f"zmhook-simulate-{secrets.token_hex(4)}"
        self._mqtt = structs.replace(mqtt, mqtt_client_id=name, mqtt_session_expiry=0)
        self._seconds = client.CONNECT_SECONDS
        self._decided = threading.Event()
        self._refusal = ""
        self._paho_error = ""
        self._client = client.make(self._mqtt, self._on_paho_log, lasting=False)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    @property
    def name(self) -> str:
        return f"broker {client.name(self._mqtt)}"

    def connect(self) -> None:
        """Connect, and wait until the broker has accepted us."""
        try:
            client.connect(self._client, self._mqtt, lasting=False)
        except (OSError, ValueError) as error:
            raise BrokerError(client.of_error(error, self._mqtt)) from None
        self._client.loop_start()
        if not self._decided.wait(self._seconds):
            raise BrokerError(client.of_silence(self._mqtt))
        if self._refusal:
            raise BrokerError(self._refusal)

    def send(self, topic: str, payload: bytes) -> None:
        """Send a message, and wait until the broker has taken it."""
        try:
            message = self._client.publish(topic, payload, qos=QOS)
        except ValueError as error:
            raise BrokerError(f"{self.name}: topic '{topic}': {error}") from None
        with contextlib.suppress(ValueError, RuntimeError):
            message.wait_for_publish(self._seconds)
        if not message.is_published():
            raise BrokerError(
                f"{self.name}: took no message within {self._seconds:.3g} s: is it larger than"
                " this broker allows (max_packet_size, message_size_limit)?"
            )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_paho_log(self, text: str) -> None:
        self._paho_error = text

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if reason.is_failure:
            self._refusal = client.of_answer(reason.value, str(reason), self._mqtt)
        self._decided.set()

    def _on_disconnect(self, *_: Any) -> None:
        if not self._decided.is_set():
            self._refusal = client.of_loss(self._paho_error, self._mqtt, accepted=False)
            self._decided.set()
