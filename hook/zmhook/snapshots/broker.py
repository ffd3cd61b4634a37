"""The connection to the broker: made, kept, and made again, for as long as the collector runs.

One thread connects, reads and writes. It does not use paho's own loop thread: that tells nobody
why connecting fails, and ends with whatever paho does not expect. A client is used for one
connection. So an acknowledgement that comes too late, for a message of an earlier connection,
reaches nobody; the broker sends that message again, and the store knows it.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from zmhook.errors import BrokerError
from zmhook.net import mqtt as client
from zmhook.net import mqtt_errors
from zmhook.net.backoff import Backoff
from zmhook.snapshots.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from zmhook.settings import Mqtt

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STABLE_SECONDS = 30.0
"""A connection that lasted so long was a good one: the next wait is the first again."""
MANY_SHORT = 2
"""After so many that did not, one after the other, there is more behind it."""
ROOM_SECONDS = 0.2
LOOP_SECONDS = 1.0
REFUSED = 0x80


class Inbox(Protocol):
    """Where messages go, which is `Waiting`, and what happens with them is no matter here."""

    def put(self, message: Message) -> object: ...

    def has_room(self, timeout: float = 0.0) -> bool: ...


class Broker:
    """A broker that is listened to.

    `filters` are subscribed to, `former` ones of an earlier start are not any more. `inbox` is
    given every message; one with more than `mqtt_max_message` has no payload there. Unless it is
    `lasting`, the broker keeps nothing for us.
    """

    def __init__(
        self,
        mqtt: Mqtt,
        filters: Sequence[str],
        inbox: Inbox,
        *,
        former: Sequence[str] = (),
        lasting: bool = True,
    ) -> None:
        self._mqtt = mqtt
        self._filters = tuple(filters)
        self._former = tuple(one for one in former if one not in filters)
        self._inbox = inbox
        self._lasting = lasting
        self._most_bytes = round(mqtt.mqtt_max_message * 1_000_000)
        self._thread = Thread(target=self._run, name="broker", daemon=True)
        self._holding = False
        self._ending = Event()
        self._wait = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._subscribing = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._client: Client | None = None
        self._accepted = 0.0
        self._short = 0
        self._had_session = False
        self._refused: tuple[str, ...] = ()
        self._asked: dict[int | None, tuple[str, ...]] = {}
        self._ask_again = 0.0
        self._said = ""
        self.settled = Event()
        """Whether it is known how things stand: all is well, or there is a `problem`."""
        self.problem = ""
        """Why there is no connection, or what is not listened to; empty: all is well."""
        self.since = time.time()
        """When the connection was made or lost, seconds since the epoch."""

    @property
    def connected(self) -> bool:
        return bool(self._accepted)

    def is_alive(self) -> bool:
        """Whether the thread runs: it connects, is connected, or waits to connect."""
        return self._thread.is_alive()

    def start(self) -> None:
        client.require()
        self._thread.start()

    def ack(self, messages: Sequence[Message]) -> None:
        """Tell the broker that it need not keep these any more; from any thread."""
        current = self._client
        for message in messages:
            if message.qos and message.connection is current and current is not None:
                current.ack(message.mid, message.qos)

    def hold(self) -> None:
        """Take no message any more. What was taken can still be acknowledged."""
        self._holding = True

    def end(self, timeout: float) -> None:
        """Tell the broker what is acknowledged, and leave it."""
        self._holding = True
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
                self._connection()
            except BrokerError as error:
                self._trouble(str(error))
            except Exception as error:  # whatever paho meets: it is tried again
                log.debug("connection failed", exc_info=True)
                self._trouble(mqtt_errors.of_error(error, self._mqtt))
            finally:
                self._lost()
            self._pause()

    def _connection(self) -> None:
        """Have one connection, to its end. Raises why it ended."""
        self._said = ""
        made = client.make(self._mqtt, self._listen_to_paho, lasting=self._lasting)
        made.on_connect = self._on_connect
        made.on_subscribe = self._on_subscribe
        made.on_message = self._on_message
        made.on_disconnect = self._on_disconnect
        self._client = made
        client.connect(made, self._mqtt, lasting=self._lasting)
        answer_by = time.monotonic() + client.CONNECT_SECONDS
        while self._turn(made):
            if not self._accepted and time.monotonic() > answer_by:
                raise BrokerError(mqtt_errors.of_silence(self._mqtt))
            if not self._accepted and self._ending.is_set():
                return
            if self._refused and time.monotonic() > self._ask_again:
                self._subscribe(made, self._refused)
        if not self._ending.is_set():
            raise BrokerError(self._why_lost())

    def _why_lost(self) -> str:
        accepted = bool(self._accepted)
        if accepted and self._short >= MANY_SHORT:
            return mqtt_errors.of_rivalry(self._mqtt)
        return mqtt_errors.of_loss(self._said, self._mqtt, accepted=accepted)

    def _turn(self, made: Client) -> bool:
        """Read and write once; false when the connection is over."""
        if self._inbox.has_room():
            return not made.loop(LOOP_SECONDS)
        # Nothing is read until there is room: the broker is held up, and keeps the rest. What is
        # to be said is said, that we are alive among it.
        failed = made.loop_write() or made.loop_misc()
        self._inbox.has_room(ROOM_SECONDS)
        return not failed and made.is_connected()

    def _lost(self) -> None:
        made, self._client = self._client, None
        if self._accepted:
            self._short += 1
            if time.monotonic() - self._accepted > STABLE_SECONDS:
                self._short = 0
                self._wait.reset()
            self.since = time.time()
        self._accepted, self._refused = 0.0, ()
        if made is not None:
            _close(made)

    def _pause(self) -> None:
        self._ending.wait(self._wait.next())
        while not self._ending.is_set() and not self._inbox.has_room(LOOP_SECONDS):
            pass  # what it would send us could only wait there

    def _trouble(self, problem: str) -> None:
        """Tell of a problem once, however often it comes again."""
        if problem != self.problem:
            log.error("%s; trying again until it works", problem)
        self.problem = problem
        self.settled.set()

    def _listen_to_paho(self, text: str) -> None:
        self._said = text

    # -- paho's callbacks, in the thread -----------------------------------------------------------

    def _on_connect(
        self, made: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Any
    ) -> None:
        if reason.is_failure:
            raise BrokerError(mqtt_errors.of_answer(reason.value, str(reason), self._mqtt))
        self._accepted = time.monotonic()
        self.since = time.time()
        if self._ending.is_set():
            made.disconnect()
            return
        if self._had_session and not flags.session_present:
            log.warning(
                "broker %s does not know us any more: what it kept for us is lost",
                client.name(self._mqtt),
            )
        self._had_session = True
        self._refused, self._asked = (), {}
        self._subscribing.reset()
        if self._former:
            made.unsubscribe(list(self._former))
        self._subscribe(made, self._filters)

    def _subscribe(self, made: Client, filters: tuple[str, ...]) -> None:
        # With the answer under way, nothing is asked again.
        self._refused = ()
        _, mid = made.subscribe([(one, self._options()) for one in filters])
        self._asked[mid] = filters

    def _options(self) -> Any:
        """Return QoS 1; version 5 can leave out what is retained when we were there before."""
        if self._mqtt.mqtt_version != "5":
            return 1
        from paho.mqtt.subscribeoptions import SubscribeOptions

        send_when_new = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        return SubscribeOptions(qos=1, retainHandling=send_when_new)

    def _on_subscribe(
        self, _: Client, __: Any, mid: int, codes: list[ReasonCode], ___: Any
    ) -> None:
        asked = self._asked.pop(mid, ())
        granted = dict(zip(asked, (code.value for code in codes), strict=False))
        self._refused = tuple(one for one, code in granted.items() if code >= REFUSED)
        for one in (one for one, code in granted.items() if code == 0):
            log.warning("%s: the broker grants QoS 0 only: what it sends may be lost", one)
        if self._refused:
            self._trouble(mqtt_errors.of_subscription(self._refused, self._mqtt))
            self._ask_again = time.monotonic() + self._subscribing.next()
            return
        self.problem = ""
        self.settled.set()
        log.info("broker %s: listening to %s", client.name(self._mqtt), ", ".join(self._filters))

    def _on_message(self, made: Client, _: Any, arrived: MQTTMessage) -> None:
        if self._holding:
            return  # it is not acknowledged, so the broker keeps it
        size = len(arrived.payload)
        message = Message(
            topic=_topic(arrived),
            payload=bytes(arrived.payload) if size <= self._most_bytes else b"",
            size=size,
            qos=arrived.qos,
            retained=arrived.retain,
            received=time.time(),
            mid=arrived.mid,
            connection=made,
        )
        self._inbox.put(message)

    def _on_disconnect(
        self, _: Client, __: Any, flags: DisconnectFlags, reason: ReasonCode, ___: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server and not self._ending.is_set():
            raise BrokerError(mqtt_errors.of_answer(reason.value, str(reason), self._mqtt))


def _topic(arrived: MQTTMessage) -> str:
    try:
        return arrived.topic
    except UnicodeDecodeError:  # MQTT forbids it, and some brokers let it through
        return "a topic that is not UTF-8"


def _close(made: Client) -> None:
    """Close the socket of a client that is not used any more."""
    found = made.socket()
    if found is not None:
        found.close()
