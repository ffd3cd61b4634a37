"""The connection's own rules, where a real broker cannot be made to show them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from threading import Thread
from types import SimpleNamespace

import pytest

from zmhook.net import mqtt
from zmhook.settings import Mqtt
from zmhook.snapshots import broker as module
from zmhook.snapshots.broker import Broker
from zmhook.snapshots.message import Message, Waiting

SECONDS = 10


class Paho:
    """Takes what it is told."""

    def __init__(self) -> None:
        self.acked: list[tuple[int, int]] = []
        self.asked: list[object] = []
        self.left: list[str] = []

    def ack(self, mid: int, qos: int) -> None:
        self.acked.append((mid, qos))

    def subscribe(self, topics: object) -> tuple[int, int]:
        self.asked.append(topics)
        return 0, len(self.asked)

    def unsubscribe(self, topics: list[str]) -> None:
        self.left += topics


def made(**more: object) -> Broker:
    return Broker(Mqtt(mqtt_max_message=0.001), ["a", "b"], Waiting(10, 1000), **more)


def reason(value: int) -> SimpleNamespace:
    return SimpleNamespace(value=value, is_failure=value >= 128)


def accept(broker: Broker, paho: Paho, *, session: bool = True) -> None:
    flags = SimpleNamespace(session_present=session)
    broker._on_connect(paho, None, flags, reason(0), None)


def arrived(payload: bytes = b"x", topic: object = "a") -> SimpleNamespace:
    return SimpleNamespace(topic=topic, payload=payload, qos=1, retain=True, mid=7)


def message(connection: object, qos: int = 1) -> Message:
    return Message("a", b"", 0, qos, False, 0.0, 7, connection)


def test_only_messages_of_this_connection_are_acknowledged() -> None:
    broker, now, before = made(), Paho(), Paho()
    broker._client = now
    broker.ack([message(now), message(before), message(now, qos=0)])
    assert (now.acked, before.acked) == ([(7, 1)], [])
    broker._client = None
    broker.ack([message(now)])
    assert len(now.acked) == 1


def test_messages_are_passed_on_as_they_came() -> None:
    broker, paho = made(), Paho()
    broker._on_message(paho, None, arrived())
    broker._on_message(paho, None, arrived(b"x" * 1001))
    small, large = broker._inbox.take(5)
    assert (small.payload, small.retained, small.mid) == (b"x", True, 7)
    assert small.connection is paho
    assert (large.payload, large.size) == (b"", 1001)


def test_a_topic_that_is_no_text() -> None:
    class Bad:
        payload, qos, retain, mid = b"", 1, False, 1

        @property
        def topic(self) -> str:
            return b"\xff".decode()

    broker = made()
    broker._on_message(Paho(), None, Bad())
    assert broker._inbox.take(1)[0].topic == "a topic that is not UTF-8"


def test_held_it_takes_nothing() -> None:
    broker = made()
    broker.hold()
    broker._on_message(Paho(), None, arrived())
    assert len(broker._inbox) == 0


def test_topics_of_before_are_left() -> None:
    broker, paho = made(former=("b", "old")), Paho()
    accept(broker, paho)
    assert paho.left == ["old"]


def test_a_session_that_the_broker_forgot_is_told(caplog) -> None:
    broker, paho = made(), Paho()
    accept(broker, paho, session=False)  # the first time it cannot know us
    assert caplog.records == []
    accept(broker, paho, session=False)
    assert "what it kept for us is lost" in caplog.text


def test_refused_topics_are_told_and_only_those_asked_for_again(caplog) -> None:
    broker, paho = made(), Paho()
    accept(broker, paho)
    broker._on_subscribe(paho, None, 1, [reason(1), reason(135)], None)
    assert broker.problem.startswith("broker 127.0.0.1:1883: it does not let us listen to b: ")
    broker._subscribe(paho, broker._refused)
    assert paho.asked == [[("a", 1), ("b", 1)], [("b", 1)]]
    with caplog.at_level(logging.INFO):
        broker._on_subscribe(paho, None, 2, [reason(1)], None)
    assert broker.problem == ""
    assert "listening to a, b" in caplog.text


def test_less_than_was_asked_for_is_told(caplog) -> None:
    broker, paho = made(), Paho()
    accept(broker, paho)
    broker._on_subscribe(paho, None, 1, [reason(1), reason(0)], None)
    assert "b: the broker grants QoS 0 only" in caplog.text


def test_a_problem_is_told_once(caplog) -> None:
    broker = made()
    for problem in ("one", "one", "two"):
        broker._trouble(problem)
    assert len(caplog.records) == 2


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
    broker = Broker(Mqtt(mqtt_port=silent), ["a"], Waiting(10, 1000))
    broker.start()
    assert broker.settled.wait(SECONDS)
    broker.end(SECONDS)
    assert "does not answer as an MQTT broker would" in broker.problem
    assert not broker._thread.is_alive()


def test_it_can_be_ended_before_it_is_accepted(silent: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "LOOP_SECONDS", 0.01)
    broker = Broker(Mqtt(mqtt_port=silent), ["a"], Waiting(10, 1000))
    broker.start()
    while broker._client is None:
        pass
    broker.end(SECONDS)
    assert not broker._thread.is_alive()


def test_a_full_inbox_keeps_it_from_coming_back() -> None:
    inbox = Waiting(1, 1000)
    inbox.put(message(None))
    broker = Broker(Mqtt(), ["a"], inbox)
    waits: list[float] = []

    class Room:
        put = inbox.put

        def has_room(self, timeout: float = 0.0) -> bool:
            waits.append(timeout)
            return len(waits) > 3

    broker._inbox = Room()
    broker._wait = SimpleNamespace(next=lambda: 0.0)
    broker._pause()
    assert len(waits) == 4
