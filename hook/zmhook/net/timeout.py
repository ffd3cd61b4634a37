"""Waiting for something no longer than we have, and finding out why it failed.

HTTP libraries limit the time between two packets, not that of an answer: a server that sends a
byte now and then is never given up by them. So whatever is asked is asked in a thread that is
waited for; one that is left behind ends with its connection and keeps nobody from exiting.
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import Response

T = TypeVar("T")

CHUNK = 64 * 1024
_MAX_CAUSES = 20


class TooLongError(Exception):
    """An answer has more bytes than are read."""


class Call(threading.Thread, Generic[T]):
    """One question, asked at once. `join` it for as long as there is time.

    `answer` and `error` are what came of it; neither while it goes on. `ended` is called at its
    end, however late that is.
    """

    def __init__(self, ask: Callable[[], T], ended: Callable[[], None] | None = None) -> None:
        super().__init__(name="question", daemon=True)
        self.answer: T | None = None
        self.error: BaseException | None = None
        self._ask = ask
        self._ended = ended
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._ask()
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits
            self.error = error
        finally:
            if self._ended:
                self._ended()


def limited(most: int) -> Callable[..., None]:
    """Return a response hook for `requests` that reads a body of at most `most` bytes.

    It reads before `requests` would, so that no body can fill the memory; a longer one ends as
    `TooLongError`.
    """

    def read(answer: Response, *_: object, **__: object) -> None:
        parts: list[bytes] = []
        length = 0
        try:
            for part in answer.raw.stream(CHUNK, decode_content=True):
                length += len(part)
                if length > most:
                    raise TooLongError
                parts.append(part)
        except BaseException:
            answer.close()
            raise
        answer.raw = io.BytesIO(b"".join(parts))

    return read


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and those it was made from; the libraries hide them in several places."""
    waiting: list[object] = [error]
    for _ in range(_MAX_CAUSES):
        if not waiting:
            return
        one = waiting.pop(0)
        if isinstance(one, BaseException):
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
