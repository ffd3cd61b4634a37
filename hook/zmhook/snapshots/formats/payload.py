"""The bytes of a message → its content: JSON, taken out of what it was wrapped in.

A message may be anything that the network brings. What it may cost is bounded before it is read:
its size, how many values it has, and (by msgspec) how deep they are nested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import PayloadError
from zmhook.frames.content import quoted
from zmhook.untrusted import Unreadable, lenient

if TYPE_CHECKING:
    from zmhook.snapshots.formats.values import Json

MOST_VALUES = 1_000_000
"""Values in one message; a track of four hours with ten boxes a second has fewer."""

_COUNTED_FROM = 1_000_000  # bytes: what is smaller cannot have too many
_WRAPPERS = ("data", "message", "frame", "object")
_MOST_WRAPPERS = 4


def parse(payload: bytes, origin: str) -> Json:
    """Return the JSON object. Raises `PayloadError`, whose line begins with `origin`.

    What is odd in it is left out, and so is what stands after it.
    """
    if len(payload) > _COUNTED_FROM:
        _count(payload, origin)
    try:
        content: Any = lenient(payload)
    except Unreadable as error:
        if str(error).startswith("it is nested"):
            raise PayloadError("nesting", f"{origin}: JSON that is nested too deep") from None
        raise PayloadError(
            "JSON", f"{origin}: neither a picture nor JSON ({error}): '{quoted(payload)}'"
        ) from None
    if not isinstance(content, dict):
        raise PayloadError("shape", f"{origin}: expected a JSON object, got '{quoted(payload)}'")
    return content


def _count(payload: bytes, origin: str) -> None:
    if sum(map(payload.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadError("values", f"{origin}: JSON of more than {MOST_VALUES} values")


def unwrapped(content: Json) -> Json:
    """Take the content out of the objects that older firmware and recorders put around it."""
    for _ in range(_MOST_WRAPPERS):
        inner = next((v for v in map(content.get, _WRAPPERS) if isinstance(v, dict)), None)
        if inner is None:
            break
        content = {"channel_id": content.get("channel_id"), **inner}
    return content
