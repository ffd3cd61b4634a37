"""Check the MQTT broker by a message to ourselves, and the collector of best snapshots."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import structs

from zmhook.doctor import certificates
from zmhook.doctor.finding import Check, Finding, fault, ok, single, unchecked, warning
from zmhook.errors import MissingPart
from zmhook.net import mqtt as client
from zmhook.snapshots import status
from zmhook.text.local_time import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import Client, MQTTMessage

    from zmhook.doctor.patient import Patient
    from zmhook.settings import Mqtt, Settings

GROUP = "MQTT and cameras"
SECONDS = 8.0
QUIET = 86400.0
"""Seconds without a message after which a collector is worth a warning."""
_LOOP = 0.1
_REFUSED = 128


def checks(patient: Patient) -> list[Check]:
    planned = []
    for where, settings in patient.distinct(lambda each: (_uses_broker(each), each.mqtt)):
        if not _uses_broker(settings):
            continue
        trip = partial(single, _broker, settings, f"broker{where}")
        planned.append(Check(GROUP, "broker", trip))
        if settings.mqtt.mqtt_tls and settings.mqtt.mqtt_transport != "unix":
            dates = partial(single, _certificate, settings.mqtt)
            planned.append(Check(GROUP, "certificate", dates))
    if patient.settings.topics:
        planned.append(Check(GROUP, "collector", partial(_collector, patient)))
    return planned


def _uses_broker(settings: Settings) -> bool:
    return settings.notify.notify_mqtt or bool(settings.topics)


def _certificate(mqtt: Mqtt) -> Finding:
    server = certificates.Server(mqtt.mqtt_host, client.port(mqtt))
    return certificates.check(server, f"renew the broker's certificate on {mqtt.mqtt_host}")


# -- a message to ourselves ------------------------------------------------------------------------


def _broker(settings: Settings, name: str) -> Finding:
    mqtt = settings.mqtt
    try:
        import paho.mqtt.client  # noqa: F401 - whether it is there is the question
    except ImportError:
        return fault(name, str(MissingPart("[mqtt]", "paho-mqtt", "mqtt")))
    topic = f"{settings.notify.notify_mqtt_prefix}/doctor/{secrets.token_hex(8)}"
    trip = RoundTrip(mqtt, topic)
    trip.run()
    who = f"user {mqtt.mqtt_user}" if mqtt.mqtt_user else "anonymous"
    if not trip.accepted:
        return fault(name, trip.problem or client.of_silence(mqtt), _cure(mqtt))
    if trip.took is None:
        text = f"{client.name(mqtt)} lets in {who}, but no message came back ({topic})"
        return warning(
            name, text, f"let the broker's access list allow {topic.rpartition('/')[0]}/#"
        )
    return ok(name, f"{client.name(mqtt)}, {who}: a message came back in {trip.took:.0f} ms")


def _cure(mqtt: Mqtt) -> str:
    if mqtt.mqtt_host in ("127.0.0.1", "localhost", "::1"):
        return "sudo systemctl status mosquitto; check [mqtt] mqtt_host, mqtt_port, mqtt_user"
    return (
        f"check [mqtt] mqtt_host, mqtt_port, mqtt_user; nc -vz {mqtt.mqtt_host} {client.port(mqtt)}"
    )


class RoundTrip:
    """Subscribes to a topic, publishes to it, and waits for that message.

    `accepted` says whether the broker let us in, `took` the milliseconds, None where nothing came;
    `problem` is one line about what went wrong.
    """

    def __init__(self, mqtt: Mqtt, topic: str, seconds: float = SECONDS) -> None:
        name = f"zmhook-{secrets.token_hex(6)}"
        self._mqtt = structs.replace(mqtt, mqtt_client_id=name)
        self._topic = topic
        self._end = time.monotonic() + seconds
        self._refused = False
        self._sent = 0.0
        self.accepted = False
        self.took: float | None = None
        self.problem = ""

    def run(self) -> None:
        """Do it; raises `BrokerError` for files of certificates that cannot be read."""
        made = client.make(self._mqtt, self._listen, lasting=False)
        made.on_connect, made.on_message = self._on_connect, self._on_message
        made.on_subscribe = self._on_subscribe
        made.connect_timeout = SECONDS
        try:
            client.connect(made, self._mqtt, lasting=False)
            self._wait(made)
        except Exception as error:  # noqa: BLE001 - sockets, TLS and paho raise what they like
            self.problem = client.of_error(error, self._mqtt)
        finally:
            made.disconnect()
            connection = made.socket()
            if connection is not None:
                connection.close()

    def _wait(self, made: Client) -> None:
        while self.took is None and not self._refused and time.monotonic() < self._end:
            if made.loop(_LOOP) and not self._refused:
                lost = client.of_loss(self.problem, self._mqtt, accepted=self.accepted)
                self.problem = lost
                return

    def _listen(self, text: str) -> None:
        self.problem = text

    def _on_connect(self, made: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            self.problem = client.of_answer(reason.value, str(reason), self._mqtt)
            self._refused = True
            return
        self.accepted = True
        made.subscribe(self._topic, 1)

    def _on_subscribe(self, made: Client, _: Any, __: int, reasons: Any, ___: Any) -> None:
        if any(reason.value >= _REFUSED for reason in reasons):
            self._refused = True
            return
        self._sent = time.monotonic()
        made.publish(self._topic, b"zmhook doctor", 1)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        if message.topic == self._topic:
            self.took = (time.monotonic() - self._sent) * 1000


# -- collector -------------------------------------------------------------------------------------


def _collector(patient: Patient) -> Iterator[Finding]:
    folder = patient.settings.snapshots.snapshot_path
    start = "sudo systemctl start zmhook-snapshots, or: " + patient.command("snapshots run")
    collector = status.read(folder)
    if collector is None or not collector.is_running:
        since = f"; its last status is of {local_time(collector.at)}" if collector else ""
        yield fault("collector", f"no collector of best snapshots is running{since}", start)
        return
    problem = collector.problem or collector.store_problem
    if problem or not collector.connected:
        yield fault("collector", problem or f"not connected to {collector.broker}", start)
        return
    yield ok("collector", f"running (process {collector.pid}), connected to {collector.broker}")
    yield from _cameras(collector, time.time())


def _cameras(collector: status.CollectorStatus, now: float) -> Iterator[Finding]:
    cameras = collector.counts.cameras
    if not cameras:
        text = f"no camera has sent a snapshot since {local_time(collector.counts.since)}"
        yield unchecked("cameras", text, "zmhook camera status --host CAMERA --user root")
    for name, last in sorted(cameras.items()):
        text = (
            f"{name}: {last.number} snapshots, the last {local_time(last.received)} ({last.label})"
        )
        if now - last.received > QUIET:
            yield warning("cameras", text, "is the camera on, and its MQTT client connected?")
        else:
            yield ok("cameras", text)
