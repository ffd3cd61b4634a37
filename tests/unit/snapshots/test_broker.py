"""The connection's own rules, where a real broker cannot be made to show them."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from zmhook.net import mqtt
from zmhook.settings import Mqtt
from zmhook.snapshots import broker as module
from zmhook.snapshots.broker import Broker
from zmhook.snapshots.message_queue import MessageQueue, QueuedMessage

SECONDS = 10


class FakeClient:
    """A paho client whose broker does what the test says, in the collector's thread."""

    def __init__(self) -> None:
        self.acked: list[tuple[int, int]] = []
        self.subscribed: list[object] = []
        self.unsubscribed: list[str] = []
        self._steps: Queue[Callable[[], object] | None] = Queue()

    def loop(self, _: float) -> int:
        try:
            step = self._steps.get(timeout=0.02)
        except Empty:
            return 0
        if step is None:
            return 1
        step()
        return 0

    def play(self, step: Callable[[], object]) -> None:
        """Have the broker do something, and wait until that is handled."""
        done = Event()
        self._steps.put(lambda: (step(), done.set()))
        assert done.wait(SECONDS)

    def accept(self, *, session: bool = True) -> None:
        flags = SimpleNamespace(session_present=session)
        self.play(lambda: self.on_connect(self, None, flags, reason(0), None))

    def grant(self, mid: int, *codes: int) -> None:
        self.play(lambda: self.on_subscribe(self, None, mid, list(map(reason, codes)), None))

    def publish(self, message: object) -> None:
        self.play(lambda: self.on_message(self, None, message))

    def disconnect(self) -> None:
        self._steps.put(None)

    def ack(self, mid: int, qos: int) -> None:
        self.acked.append((mid, qos))

    def subscribe(self, topics: object) -> tuple[int, int]:
        self.subscribed.append(topics)
        return 0, len(self.subscribed)

    def unsubscribe(self, topics: list[str]) -> None:
        self.unsubscribed += topics

    def socket(self) -> None:
        return None


class Connections:
    """A broker's connections, one after the other, each with its `FakeClient`."""

    def __init__(self) -> None:
        self.inbox = MessageQueue(10, 1000)
        self.broker: Broker | None = None
        self._clients: Queue[FakeClient] = Queue()

    def make(self, *_: object, **__: object) -> FakeClient:
        return FakeClient()

    def connect(self, client: FakeClient, *_: object, **__: object) -> None:
        self._clients.put(client)

    def start(self, **more: object) -> FakeClient:
        self.broker = Broker(Mqtt(mqtt_max_message=0.001), ["a", "b"], self.inbox, **more)
        self.broker.start()
        return self.next()

    def next(self) -> FakeClient:
        return self._clients.get(timeout=SECONDS)

    def next_within(self, seconds: float) -> FakeClient:
        return self._clients.get(timeout=seconds)

    def end(self) -> None:
        if self.broker:
            self.broker.end(SECONDS)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    connections = Connections()
    monkeypatch.setattr(mqtt, "make", connections.make)
    monkeypatch.setattr(mqtt, "connect", connections.connect)
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    yield connections
    connections.end()


def reason(value: int) -> SimpleNamespace:
    return SimpleNamespace(value=value, is_failure=value >= 128)


def published(payload: bytes = b"x", topic: object = "a") -> SimpleNamespace:
    return SimpleNamespace(topic=topic, payload=payload, qos=1, retain=True, mid=7)


def message(connection: object, qos: int = 1) -> QueuedMessage:
    return QueuedMessage("a", b"", 0, qos, False, 0.0, 7, connection)


def test_only_messages_of_this_connection_are_acknowledged(connections: Connections) -> None:
    before = connections.start()
    before.accept()
    before.disconnect()
    now = connections.next()
    now.accept()
    connections.broker.ack([message(now), message(before), message(now, qos=0)])
    assert (now.acked, before.acked) == ([(7, 1)], [])
    connections.end()
    connections.broker.ack([message(now)])
    assert len(now.acked) == 1


def test_messages_are_passed_on_as_they_came(connections: Connections) -> None:
    client = connections.start()
    client.accept()
    client.publish(published())
    client.publish(published(b"x" * 1001))
    small, large = connections.inbox.take(5)
    assert (small.payload, small.retained, small.mid) == (b"x", True, 7)
    assert small.connection is client
    assert (large.payload, large.size) == (b"", 1001)


def test_a_topic_that_is_no_text(connections: Connections) -> None:
    class BadTopic:
        payload, qos, retain, mid = b"", 1, False, 1

        @property
        def topic(self) -> str:
            return b"\xff".decode()

    client = connections.start()
    client.accept()
    client.publish(BadTopic())
    assert connections.inbox.take(1)[0].topic == "a topic that is not UTF-8"


def test_on_hold_it_takes_nothing(connections: Connections) -> None:
    client = connections.start()
    client.accept()
    connections.broker.hold()
    client.publish(published())
    assert len(connections.inbox) == 0


def test_former_topics_are_unsubscribed(connections: Connections) -> None:
    client = connections.start(former=("b", "old"))
    client.accept()
    assert client.unsubscribed == ["old"]


def test_a_session_that_the_broker_lost_is_logged(connections: Connections, caplog) -> None:
    first = connections.start()
    first.accept(session=False)  # the first time it cannot know us
    assert "has lost our session" not in caplog.text
    first.disconnect()
    connections.next().accept(session=False)
    assert "has lost our session" in caplog.text


def test_only_refused_topics_are_requested_again(
    connections: Connections, caplog, monkeypatch
) -> None:
    client = connections.start()
    client.accept()
    with caplog.at_level(logging.INFO):
        client.grant(1, 1, 135)
        assert "it does not allow us to subscribe to b: " in connections.broker.problem
        end = time.monotonic() + SECONDS
        while len(client.subscribed) < 2 and time.monotonic() < end:
            client.play(lambda: None)
        assert client.subscribed == [[("a", 1), ("b", 1)], [("b", 1)]]
        client.grant(2, 1)
    assert connections.broker.problem == ""
    assert "subscribed to a, b" in caplog.text


def test_a_lower_quality_of_service_is_logged(connections: Connections, caplog) -> None:
    client = connections.start()
    client.accept()
    client.grant(1, 1, 0)
    assert "b: the broker grants QoS 0 only" in caplog.text


def test_a_problem_is_logged_once(connections: Connections, caplog) -> None:
    client = connections.start()
    for _ in range(2):
        client.disconnect()
        client = connections.next()
    assert len(caplog.records) == 1


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept_all() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
            except OSError:
                return

        thread = Thread(target=accept_all, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(SECONDS)
    for one in kept:
        one.close()


def test_silence_is_waited_for_within_bounds(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(module, "LOOP_SECONDS", 0.01)
    broker = Broker(Mqtt(mqtt_port=silent), ["a"], MessageQueue(10, 1000))
    broker.start()
    assert broker.settled.wait(SECONDS)
    broker.end(SECONDS)
    assert "does not answer as an MQTT broker would" in broker.problem
    assert not broker.is_alive()


def test_it_can_be_ended_before_it_is_accepted(connections: Connections) -> None:
    client = connections.start()
    client.play(lambda: None)
    connections.broker.end(SECONDS)
    assert not connections.broker.is_alive()


def test_a_full_inbox_keeps_it_from_coming_back(connections: Connections) -> None:
    client = connections.start()
    for _ in range(10):
        connections.inbox.put(message(None))
    client.disconnect()
    assert connections.broker.settled.wait(SECONDS)
    with pytest.raises(Empty):
        connections.next_within(0.1)
    connections.inbox.take(10)
    connections.next()
