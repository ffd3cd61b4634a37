"""A dictionary that remembers only so many things: the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """What was used last, at most `size` things; for one thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._held: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Key) -> Value | None:
        value = self._held.get(key)
        if value is not None:
            self._held.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> Value:
        self._held[key] = value
        self._held.move_to_end(key)
        if len(self._held) > self.size:
            self._held.popitem(last=False)
        return value

    def pop(self, key: Key) -> Value | None:
        return self._held.pop(key, None)
