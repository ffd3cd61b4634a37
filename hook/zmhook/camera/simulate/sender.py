"""Sends messages to the broker of `[mqtt]` and waits until it has taken them."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec import structs

from zmhook.errors import BrokerError
from zmhook.net import mqtt as client
from zmhook.net import mqtt_errors

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessageInfo

    from zmhook.settings import Mqtt

UNDER_WAY = 20
"""Messages that may wait for their acknowledgement; brokers take no more at a time anyway."""

QOS = 1


class Sender:
    """A connection to the broker. `close` once at the end. Everything raises `BrokerError`."""

    def __init__(self, mqtt: Mqtt, seconds: float | None = None) -> None:
        client.require()
        # A name of its own: under the collector's it would take that one's place.
        name = f"zmhook-simulate-{secrets.token_hex(4)}"
        self._mqtt = structs.replace(mqtt, mqtt_client_id=name, mqtt_session_expiry=0)
        self._seconds = seconds or client.CONNECT_SECONDS
        self._answered = threading.Event()
        self._refusal = ""
        self._said = ""
        self._under_way: deque[MQTTMessageInfo] = deque()
        self._client = client.make(self._mqtt, self._hear, lasting=False)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    @property
    def place(self) -> str:
        return f"broker {client.name(self._mqtt)}"

    def connect(self) -> None:
        """Connect, and wait until the broker has accepted us."""
        try:
            client.connect(self._client, self._mqtt, lasting=False)
        except (OSError, ValueError) as error:
            raise BrokerError(mqtt_errors.of_error(error, self._mqtt)) from None
        self._client.loop_start()
        if not self._answered.wait(self._seconds):
            raise BrokerError(mqtt_errors.of_silence(self._mqtt))
        if self._refusal:
            raise BrokerError(self._refusal)

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

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _settle(self) -> None:
        message = self._under_way.popleft()
        with contextlib.suppress(ValueError, RuntimeError):
            message.wait_for_publish(self._seconds)
        if not message.is_published():
            raise BrokerError(
                f"{self.place}: took no message within {self._seconds:.3g} s: is it larger than"
                " this broker allows (max_packet_size, message_size_limit)?"
            )

    def _hear(self, text: str) -> None:
        self._said = text

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if reason.is_failure:
            self._refusal = mqtt_errors.of_answer(reason.value, str(reason), self._mqtt)
        self._answered.set()

    def _on_disconnect(self, *_: Any) -> None:
        if not self._answered.is_set():
            self._refusal = mqtt_errors.of_loss(self._said, self._mqtt, accepted=False)
            self._answered.set()
