"""An alarm by MQTT, below `notify_mqtt_prefix`:

`<prefix>/<monitor>/event`    the decision as JSON, for those who listen now
`<prefix>/<monitor>/last`     labels, time, event and until when the state is on (JSON, retained)
`<prefix>/<monitor>/picture`  the picture with the boxes (JPEG, retained)
`<prefix>/<monitor>/state`    ON, and after `notify_mqtt_hold` seconds OFF (retained)
`<prefix>/status`             online (retained)

The state goes off by a job of its own, which is in the spool and so outlives the process. Who
cannot wait for it has the time in `last`; Home Assistant is told to switch off by itself.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import json, structs

from zmhook import __version__
from zmhook.errors import BrokerError, MissingPart, Undelivered
from zmhook.net import mqtt as client
from zmhook.notify.message import Message, message_of, monitor_name, picture_of
from zmhook.settings.forms import NO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

    from zmhook.jobs.work import Work
    from zmhook.settings import Mqtt, Settings

LONGEST_STATE = 255
"""Characters that Home Assistant lets a state have."""
OFF_JOB = "mqtt-off"
UNKNOWN = "unknown"
"""Stands for the monitor where nobody told its number."""
LOOP_SECONDS = 0.1
FOR_GOOD = (
    client.BAD_PASSWORD,
    client.NOT_AUTHORISED,
    client.BANNED,
    client.BAD_CLIENT_ID,
    client.UNSUPPORTED_VERSION,
)
"""The broker's answers that stay the same however often it is asked."""


def send(work: Work) -> None:
    """Publish an alarm, and have its state go off again later.

    Raises `Undelivered`, `MissingPart`.
    """
    notify, event = work.settings.notify, work.decision.event
    message = message_of(work.decision, work.settings, monitor_name(event, work.settings.general))
    off = time.time() + notify.notify_mqtt_hold
    publish(work.settings.mqtt, list(_notes(work, message, off)), notify.notify_timeout)
    work.replace_follower(OFF_JOB, off)


def switch_off(work: Work) -> None:
    """Publish that the monitor's state is off."""
    topic = f"{base_topic(work.settings, work.decision.event.monitor_id)}/state"
    publish(work.settings.mqtt, [Note(topic, b"OFF", True)], work.settings.notify.notify_timeout)


def base_topic(settings: Settings, monitor_id: int | None) -> str:
    """Return `<prefix>/<monitor>`; raises `Undelivered` where nothing can be published to it."""
    return f"{_prefix(settings)}/{UNKNOWN if monitor_id is None else monitor_id}"


def _prefix(settings: Settings) -> str:
    prefix = settings.notify.notify_mqtt_prefix.strip("/")
    if not prefix or any(character in prefix for character in "+#\0"):
        raise Undelivered(
            "[notify] notify_mqtt_prefix: expected the beginning of a topic, such as zmhook,"
            " without + and #"
        )
    return prefix


def _notes(work: Work, message: Message, off: float) -> Iterator[Note]:
    """Give the state last: who acts on it finds the picture and the labels there."""
    settings, event = work.settings, work.decision.event
    base = base_topic(settings, event.monitor_id)
    status = f"{_prefix(settings)}/status"
    yield from discovery(settings, event.monitor_id, message.monitor, base, status)
    yield Note(status, b"online", True)
    picture = picture_of(work)
    if picture:
        yield Note(f"{base}/picture", picture, True)
    yield Note(f"{base}/event", work.decision.to_json())
    yield Note(f"{base}/last", _last(message, off), True)
    yield Note(f"{base}/state", b"ON", True)


def _last(message: Message, off: float) -> bytes:
    until = datetime.fromtimestamp(off).astimezone().isoformat(timespec="seconds")
    return json.encode(
        {
            "labels": message.labels,
            "monitor": message.monitor,
            "event": message.event,
            "cause": message.cause,
            "time": message.time,
            "until": until,
            "line": message.line,
            "url": message.url,
        }
    )


def discovery(
    settings: Settings, monitor_id: int | None, name: str, base: str, status: str
) -> Iterator[Note]:
    """Give the retained configurations of a monitor's entities; none when it is switched off."""
    prefix = settings.notify.notify_mqtt_discovery.strip("/")
    if not prefix or prefix.lower() in NO or monitor_id is None:
        return
    node = re.sub(r"[^A-Za-z0-9_-]", "_", base)
    shared = {
        "availability_topic": status,
        "device": _device(settings, node, name),
        "origin": {"name": "zmhook", "sw_version": __version__},
    }
    for component, entity, own in _entities(settings, base):
        config = {**own, **shared, "unique_id": f"{node}_{entity}"}
        topic = f"{prefix}/{component}/{node}/{entity}/config"
        yield Note(topic, json.encode(config), True)


def _entities(settings: Settings, base: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each entity's kind, its short name, and what is its own."""
    last = f"{base}/last"
    yield (
        "binary_sensor",
        "alarm",
        {
            "name": "Alarm",
            "device_class": "motion",
            "state_topic": f"{base}/state",
            "off_delay": math.ceil(settings.notify.notify_mqtt_hold),
            "json_attributes_topic": last,
        },
    )
    yield (
        "sensor",
        "labels",
        {
            "name": "Last detection",
            "icon": "mdi:motion-sensor",
            "state_topic": last,
            "value_template": f"{{{{ value_json.labels[:{LONGEST_STATE}] }}}}",
            "json_attributes_topic": last,
        },
    )
    if settings.notify.notify_picture:
        picture = {"image_topic": f"{base}/picture", "content_type": "image/jpeg"}
        yield "image", "picture", {"name": "Picture", **picture}


def _device(settings: Settings, node: str, name: str) -> dict[str, Any]:
    device = {
        "identifiers": [node],
        "name": name,
        "manufacturer": "ZoneMinder",
        "model": "zmhook",
        "sw_version": __version__,
    }
    portal = settings.general.portal
    return {**device, "configuration_url": portal} if portal else device


# -- publishing ------------------------------------------------------------------------------------


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
            while not all(message.is_published() for message in sent):
                self._turn(made)
        finally:
            made.disconnect()
            connection = made.socket()
            if connection is not None:
                connection.close()

    def _connected(self) -> Client:
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
        if time.monotonic() > self._end:
            raise Undelivered(client.of_silence(self._mqtt), retry=True)
        if made.loop(LOOP_SECONDS):
            text = client.of_loss(self._problem, self._mqtt, accepted=self._accepted)
            raise Undelivered(text, retry=True)

    def _listen(self, text: str) -> None:
        self._problem = text

    def _on_connect(self, _: Client, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
        if reason.is_failure:
            text = client.of_answer(reason.value, str(reason), self._mqtt)
            raise Undelivered(text, retry=reason.value not in FOR_GOOD)
        self._accepted = True

    def _on_publish(self, _: Client, __: Any, ___: int, reason: ReasonCode, ____: Any) -> None:
        if reason.is_failure:
            text = client.of_answer(reason.value, f"{reason} to publish", self._mqtt)
            raise Undelivered(f"{text}; and the broker's access list")
