"""The queue of MQTT messages that wait to be stored."""

from __future__ import annotations

from collections import Counter, deque
from threading import Condition
from typing import NamedTuple

TAKEN_BYTES = 32_000_000
"""Bytes that are stored at a time, unless one message alone has more."""


MOST_TOPICS = 200
"""By which refused messages are counted."""


class QueuedMessage(NamedTuple):
    """`size` is the payload's; one that is too large to be read has no payload any more.

    `received` is seconds since the epoch. `connection` is that on which it came: only there can
    it be acknowledged, by `mid` (its number there), when `qos` is not 0.
    """

    topic: str
    payload: bytes
    size: int
    qos: int
    retained: bool
    received: float
    mid: int
    connection: object


class MessageQueue:
    """Messages in the order in which they came, bounded by number and bytes; for two threads.

    A message that the broker keeps until it is acknowledged is always accepted, and whoever reads
    from the network stops when there is no room. One that it does not keep (QoS 0) is refused then.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._messages: deque[QueuedMessage] = deque()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._closed = False
        self._changed = Condition()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: QueuedMessage) -> bool:
        """Add a message; false when it is refused."""
        with self._changed:
            if self._closed:
                return False
            if message.qos == 0 and self._is_full():
                known = message.topic in self._refused or len(self._refused) < MOST_TOPICS
                self._refused[message.topic if known else ""] += 1
                return False
            self._messages.append(message)
            self._bytes += len(message.payload)
            self._changed.notify_all()
            return True

    @property
    def is_over(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._messages

    def take(self, most: int, timeout: float | None = None) -> list[QueuedMessage]:
        """Return the next messages; none when it is over, or when none came within `timeout`."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._closed, timeout)
            taken: list[QueuedMessage] = []
            size = 0
            while self._messages and len(taken) < most:
                size += len(self._messages[0].payload)
                if taken and size > TAKEN_BYTES:
                    break
                taken.append(self._messages.popleft())
            self._bytes -= sum(len(message.payload) for message in taken)
            self._changed.notify_all()
            return taken

    def has_room(self, timeout: float = 0.0) -> bool:
        """Say whether there is room, or soon is: within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or not self._is_full(), timeout)

    def refused(self) -> Counter[str]:
        """Return how many were refused since the last call, by topic ("" is any other)."""
        with self._changed:
            refused, self._refused = self._refused, Counter()
            return refused

    def close(self) -> None:
        """Refuse all further messages."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return len(self._messages) >= self._most or self._bytes >= self._most_bytes
