"""Keep a connection to the MQTT broker for as long as the collector runs.

One thread connects, reads and writes. It does not use paho's own loop thread: that does not report
why a connection fails, and ends with any exception that paho does not expect. Each connection has a
client of its own. So an acknowledgement that comes too late, for a message of an earlier
connection, has no effect; the broker sends that message again, and the store recognises it.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from zmhook.errors import BrokerError
from zmhook.net import mqtt as client
from zmhook.net.retry import Backoff
from zmhook.snapshots.message_queue import MessageQueue, QueuedMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from zmhook.settings import Mqtt

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STABLE_SECONDS = 30.0
"""A connection that lasted so long was good: the next wait is the first again."""
MANY_SHORT = 2
"""Consecutive short connections after which a second client of the same name is suspected."""
ROOM_SECONDS = 0.2
LOOP_SECONDS = 1.0
REFUSED = 0x80


class Broker:
    """A subscription to topics at the broker.

    `filters` are subscribed to; `former` ones, of an earlier start, are unsubscribed. `inbox` gets
    every message; one with more than `mqtt_max_message` has no payload there. Unless it is
    `lasting`, the broker keeps nothing for us.
    """

    def __init__(
        self,
        mqtt: Mqtt,
        filters: Sequence[str],
        inbox: MessageQueue,
        *,
        former: Sequence[str] = (),
        lasting: bool = True,
    ) -> None:
        self._mqtt = mqtt
        self._filters = tuple(filters)
        self._former_filters = tuple(name for name in former if name not in filters)
        self._inbox = inbox
        self._lasting = lasting
        self._most_bytes = round(mqtt.mqtt_max_message * 1_000_000)
        self._thread = Thread(target=self._run, name="broker", daemon=True)
        self._on_hold = False
        self._ending = Event()
        self._wait = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._subscribing = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._client: Client | None = None
        self._accepted_at = 0.0
        self._short_connections = 0
        self._had_session = False
        self._refused_filters: tuple[str, ...] = ()
        self._requested: dict[int | None, tuple[str, ...]] = {}
        self._subscribe_again_at = 0.0
        self._paho_error = ""
        self.settled = Event()
        """Set once all is well, or there is a `problem`."""
        self.problem = ""
        """Why there is no connection, or what is not subscribed to; empty: all is well."""
        self.since = time.time()
        """When the connection was made or lost, seconds since the epoch."""

    @property
    def connected(self) -> bool:
        return bool(self._accepted_at)

    def is_alive(self) -> bool:
        """Whether the thread runs: it connects, is connected, or waits to connect."""
        return self._thread.is_alive()

    def start(self) -> None:
        client.require()
        self._thread.start()

    def ack(self, messages: Sequence[QueuedMessage]) -> None:
        """Acknowledge messages, so that the broker need not keep them; from any thread."""
        current = self._client
        for message in messages:
            if message.qos and message.connection is current and current is not None:
                current.ack(message.mid, message.qos)

    def hold(self) -> None:
        """Accept no more messages. Those accepted can still be acknowledged."""
        self._on_hold = True

    def end(self, timeout: float) -> None:
        """Send the acknowledgements, and disconnect."""
        self._on_hold = True
        self._ending.set()
        current = self._client
        if current is not None and self.connected:
            current.disconnect()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._hold_connection()
            except BrokerError as error:
                self._report(str(error))
            except Exception as error:  # whatever paho meets: it is tried again
                log.debug("connection failed", exc_info=True)
                self._report(client.of_error(error, self._mqtt))
            finally:
                self._on_connection_end()
            self._pause()

    def _hold_connection(self) -> None:
        """Connect, and keep the connection to its end. Raises the reason of the end."""
        self._paho_error = ""
        paho_client = client.make(self._mqtt, self._on_paho_log, lasting=self._lasting)
        paho_client.on_connect = self._on_connect
        paho_client.on_subscribe = self._on_subscribe
        paho_client.on_message = self._on_message
        paho_client.on_disconnect = self._on_disconnect
        self._client = paho_client
        client.connect(paho_client, self._mqtt, lasting=self._lasting)
        accept_by = time.monotonic() + client.CONNECT_SECONDS
        while self._exchange(paho_client):
            if not self._accepted_at and time.monotonic() > accept_by:
                raise BrokerError(client.of_silence(self._mqtt))
            if not self._accepted_at and self._ending.is_set():
                return
            if self._refused_filters and time.monotonic() > self._subscribe_again_at:
                self._subscribe(paho_client, self._refused_filters)
        if not self._ending.is_set():
            raise BrokerError(self._loss_reason())

    def _loss_reason(self) -> str:
        accepted = bool(self._accepted_at)
        if accepted and self._short_connections >= MANY_SHORT:
            return client.of_rivalry(self._mqtt)
        return client.of_loss(self._paho_error, self._mqtt, accepted=accepted)

    def _exchange(self, paho_client: Client) -> bool:
        """Read and write once; false when the connection is over."""
        if self._inbox.has_room():
            return not paho_client.loop(LOOP_SECONDS)
        # Nothing is read until there is room: the broker waits, and keeps the rest. What is to be
        # sent is sent, signs of life among it.
        failed = paho_client.loop_write() or paho_client.loop_misc()
        self._inbox.has_room(ROOM_SECONDS)
        return not failed and paho_client.is_connected()

    def _on_connection_end(self) -> None:
        paho_client, self._client = self._client, None
        if self._accepted_at:
            self._short_connections += 1
            if time.monotonic() - self._accepted_at > STABLE_SECONDS:
                self._short_connections = 0
                self._wait.reset()
            self.since = time.time()
        self._accepted_at, self._refused_filters = 0.0, ()
        if paho_client is not None:
            _close(paho_client)

    def _pause(self) -> None:
        self._ending.wait(self._wait.next())
        while not self._ending.is_set() and not self._inbox.has_room(LOOP_SECONDS):
            pass  # its messages could only wait there

    def _report(self, problem: str) -> None:
        """Log a problem once, however often it is repeated."""
        if problem != self.problem:
            log.error("%s; trying again until it works", problem)
        self.problem = problem
        self.settled.set()

    def _on_paho_log(self, text: str) -> None:
        self._paho_error = text

    # -- paho's callbacks, in the thread -----------------------------------------------------------

    def _on_connect(
        self, paho_client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Any
    ) -> None:
        if reason.is_failure:
            raise BrokerError(client.of_answer(reason.value, str(reason), self._mqtt))
        self._accepted_at = time.monotonic()
        self.since = time.time()
        if self._ending.is_set():
            paho_client.disconnect()
            return
        if self._had_session and not flags.session_present:
            log.warning(
                "broker %s has lost our session: the messages that it kept are gone",
                client.name(self._mqtt),
            )
        self._had_session = True
        self._refused_filters, self._requested = (), {}
        self._subscribing.reset()
        if self._former_filters:
            paho_client.unsubscribe(list(self._former_filters))
        self._subscribe(paho_client, self._filters)

    def _subscribe(self, paho_client: Client, filters: tuple[str, ...]) -> None:
        # While the broker has not answered, nothing is requested again.
        self._refused_filters = ()
        _, mid = paho_client.subscribe([(name, self._options()) for name in filters])
        self._requested[mid] = filters

    def _options(self) -> Any:
        """Return QoS 1; with MQTT 5, retained messages come only for a new subscription."""
        if self._mqtt.mqtt_version != "5":
            return 1
        from paho.mqtt.subscribeoptions import SubscribeOptions

        send_when_new = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        return SubscribeOptions(qos=1, retainHandling=send_when_new)

    def _on_subscribe(
        self, _: Client, __: Any, mid: int, codes: list[ReasonCode], ___: Any
    ) -> None:
        requested = self._requested.pop(mid, ())
        granted = dict(zip(requested, (code.value for code in codes), strict=False))
        self._refused_filters = tuple(name for name, code in granted.items() if code >= REFUSED)
        for name in (name for name, code in granted.items() if code == 0):
            log.warning("%s: the broker grants QoS 0 only: messages may be lost", name)
        if self._refused_filters:
            self._report(client.of_subscription(self._refused_filters, self._mqtt))
            self._subscribe_again_at = time.monotonic() + self._subscribing.next()
            return
        self.problem = ""
        self.settled.set()
        log.info("broker %s: subscribed to %s", client.name(self._mqtt), ", ".join(self._filters))

    def _on_message(self, paho_client: Client, _: Any, publish: MQTTMessage) -> None:
        if self._on_hold:
            return  # not acknowledged, so the broker keeps it
        size = len(publish.payload)
        message = QueuedMessage(
            topic=_topic(publish),
            payload=bytes(publish.payload) if size <= self._most_bytes else b"",
            size=size,
            qos=publish.qos,
            retained=publish.retain,
            received=time.time(),
            mid=publish.mid,
            connection=paho_client,
        )
        self._inbox.put(message)

    def _on_disconnect(
        self, _: Client, __: Any, flags: DisconnectFlags, reason: ReasonCode, ___: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server and not self._ending.is_set():
            raise BrokerError(client.of_answer(reason.value, str(reason), self._mqtt))


def _topic(publish: MQTTMessage) -> str:
    try:
        return publish.topic
    except UnicodeDecodeError:  # MQTT forbids it, and some brokers let it through
        return "a topic that is not UTF-8"


def _close(paho_client: Client) -> None:
    """Close the socket of a client that is not used any more."""
    socket = paho_client.socket()
    if socket is not None:
        socket.close()
