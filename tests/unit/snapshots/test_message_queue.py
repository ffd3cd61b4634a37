"""Messages that wait to be stored."""

from __future__ import annotations

from threading import Thread

from zmhook.snapshots.message_queue import TAKEN_BYTES, MessageQueue, QueuedMessage


def message(number: int = 0, qos: int = 1, payload: bytes = b"x") -> QueuedMessage:
    return QueuedMessage("t", payload, len(payload), qos, False, 0.0, number, None)


def test_they_come_out_in_order_and_in_batches() -> None:
    waiting = MessageQueue(100, 1000)
    for number in range(5):
        assert waiting.put(message(number))
    assert [one.mid for one in waiting.take(3)] == [0, 1, 2]
    assert [one.mid for one in waiting.take(3)] == [3, 4]


def test_what_the_broker_keeps_not_is_refused_when_there_is_no_room() -> None:
    waiting = MessageQueue(2, 1000)
    assert [waiting.put(message(qos=0)) for _ in range(4)] == [True, True, False, False]
    assert sum(waiting.refused().values()) == 2
    assert not waiting.refused()


def test_what_the_broker_keeps_is_taken_but_reading_stops() -> None:
    waiting = MessageQueue(2, 1000)
    assert all(waiting.put(message()) for _ in range(3))
    assert not waiting.has_room()
    waiting.take(2)
    assert waiting.has_room()


def test_bytes_are_bounded_too() -> None:
    waiting = MessageQueue(100, 10)
    waiting.put(message(payload=b"x" * 10))
    assert not waiting.has_room()
    assert not waiting.put(message(qos=0))
    waiting.take(1)
    assert waiting.has_room()


def test_a_batch_is_bounded_in_bytes_but_one_always_goes() -> None:
    waiting = MessageQueue(100, 10**9)
    large = b"x" * (TAKEN_BYTES + 1)
    waiting.put(message(1, payload=large))
    waiting.put(message(2))
    assert [one.mid for one in waiting.take(9)] == [1]
    assert [one.mid for one in waiting.take(9)] == [2]


def test_closing_lets_what_is_there_out_and_nothing_in() -> None:
    waiting = MessageQueue(100, 1000)
    waiting.put(message(1))
    waiting.close()
    assert not waiting.put(message(2))
    assert waiting.has_room()
    assert [one.mid for one in waiting.take(9)] == [1]
    assert waiting.take(9) == []
    assert not waiting.refused()


def test_who_waits_is_woken() -> None:
    waiting = MessageQueue(1, 1000)
    taken: list[QueuedMessage] = []
    reader = Thread(target=lambda: taken.extend(waiting.take(1)))
    reader.start()
    waiting.put(message(7))
    reader.join(10)
    assert [one.mid for one in taken] == [7]
    waiting.put(message(8))
    room: list[bool] = []
    writer = Thread(target=lambda: room.append(waiting.has_room(10)))
    writer.start()
    waiting.take(1)
    writer.join(10)
    assert room == [True]


def test_taking_waits_no_longer_than_it_is_told():
    waiting = MessageQueue(10, 100)
    assert waiting.take(1, 0.01) == []
    assert not waiting.is_over
    waiting.close()
    assert waiting.is_over
