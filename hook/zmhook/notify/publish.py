"""Publishing to the broker of `[mqtt]`: connect, hand over, leave."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from zmhook.errors import BrokerError, MissingPart, Undelivered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import Client, MQTTMessageInfo
    from paho.mqtt.reasoncodes import ReasonCode

    from zmhook.settings import Mqtt

LOOP_SECONDS = 0.1


class Note(NamedTuple):
    """One message: its topic, its payload, and whether the broker keeps it for who comes later."""

    topic: str
    payload: bytes
    retain: bool = False


def publish(mqtt: Mqtt, notes: Sequence[Note], seconds: float) -> None:
    """Publish in this order; on return the broker has taken over all of it (QoS 1).

    Raises `Undelivered`; `MissingPart` without paho-mqtt.
    """
    try:
        import paho.mqtt.client  # noqa: F401 - whether it is there is the question
    except ImportError:
        raise MissingPart("[notify] notify_mqtt", "paho-mqtt", "mqtt") from None
    # Every process is another client to the broker, which keeps nothing for it.
    name = f"zmhook-{secrets.token_hex(6)}"
    _Delivery(structs.replace(mqtt, mqtt_client_id=name), seconds).run(notes)


class _Delivery:
    """One connection; all of it in the thread that asks for it."""

    def __init__(self, mqtt: Mqtt, seconds: float) -> None:
        self._mqtt = mqtt
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._accepted = False
        self._problem = ""

    def run(self, notes: Sequence[Note]) -> None:
        made = self._connected()
        try:
            sent = [made.publish(note.topic, note.payload, 1, note.retain) for note in notes]
            while not all(map(_is_taken, sent)):
                self._turn(made)
        finally:
            made.disconnect()
            connection = made.socket()
            if connection is not None:
                connection.close()

    def _connected(self) -> Client:
        from zmhook.net import mqtt as client

        try:
            made = client.make(self._mqtt, self._listen, lasting=False)
        except BrokerError as error:  # a certificate's file: that does not change by itself
            raise Undelivered(str(error)) from None
        made.on_connect = self._on_connect
        made.on_publish = self._on_publish
        made.connect_timeout = min(client.CONNECT_SECONDS, self._seconds)
        try:
            client.connect(made, self._mqtt, lasting=False)
        except Exception as error:  # noqa: BLE001 - sockets, TLS and paho raise what they like
            raise Undelivered(client.of_error(error, self._mqtt), retry=True) from None
        while not self._accepted:
            self._turn(made)
        return made

    def _turn(self, made: Client) -> None:
        from zmhook.net import mqtt as client

        if time.monotonic() > self._end:
            raise Undelivered(f"{client.of_silence(self._mqtt)}", retry=True)
        if made.loop(LOOP_SECONDS):
            text = client.of_loss(self._problem, self._mqtt, accepted=self._accepted)
            raise Undelivered(text, retry=True)

    def _listen(self, text: str) -> None:
        self._problem = text

    def _on_connect(self, _: Client, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
        from zmhook.net import mqtt as client

        if reason.is_failure:
            text = client.of_answer(reason.value, str(reason), self._mqtt)
            raise Undelivered(text, retry=reason.value not in _for_good())
        self._accepted = True

    def _on_publish(self, _: Client, __: Any, ___: int, reason: ReasonCode, ____: Any) -> None:
        from zmhook.net import mqtt as client

        if reason.is_failure:
            text = client.of_answer(reason.value, f"{reason} to publish", self._mqtt)
            raise Undelivered(f"{text}; and the broker's access list")


def _for_good() -> tuple[int, ...]:
    """Return the broker's answers that stay the same however often it is asked."""
    from zmhook.net import mqtt as client

    return (
        client.BAD_PASSWORD,
        client.NOT_AUTHORISED,
        client.BANNED,
        client.BAD_CLIENT_ID,
        client.UNSUPPORTED_VERSION,
    )


def _is_taken(sent: MQTTMessageInfo) -> bool:
    return sent.is_published()
