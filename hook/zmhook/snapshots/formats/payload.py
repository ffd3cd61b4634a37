"""Parse a message's JSON and unwrap its content.

A message may be anything that the network brings. Its cost is bounded before it is read: its size,
the number of its values, and (by msgspec) how deep they are nested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import PayloadError
from zmhook.image.sniff import quoted
from zmhook.snapshots.formats.incoming import MOST_PARTS
from zmhook.snapshots.formats.json_picture import pictures
from zmhook.snapshots.formats.pictures import is_base64_picture
from zmhook.text.bounded_json import Cut, Unreadable, lenient, salvaged

if TYPE_CHECKING:
    from zmhook.snapshots.formats.values import Json

MOST_VALUES = 1_000_000
"""Values in one message; a track of four hours with ten boxes a second has fewer."""

NOT_JSON = "neither a picture nor a JSON object"
NO_PICTURE = "JSON without a picture"
NO_PICTURE_IN_LIST = "a JSON list without a picture"
"""Kinds of `PayloadError`, by which messages that fail alike are counted."""

_COUNTED_FROM = 1_000_000  # bytes: what is smaller cannot have too many
_WRAPPERS = ("data", "message", "frame", "object")
_MOST_WRAPPERS = 4


def parse(payload: bytes, origin: str) -> list[Json]:
    """Return the JSON object, or those in a list, at most `MOST_PARTS` of them.

    A text that begins as a picture does stands for an object with that picture. What is odd in the
    JSON is left out, and so is what stands after it; brackets that are missing at its end do not
    matter when a picture stands before. Raises `PayloadError`, whose line begins with `origin`.
    """
    if len(payload) > _COUNTED_FROM:
        _count(payload, origin)
    content = _read(payload, origin)
    parts = content if isinstance(content, list) else [content]
    objects = [content for content in map(_object, parts[:MOST_PARTS]) if content is not None]
    if objects:
        return objects
    kind = NO_PICTURE_IN_LIST if isinstance(content, list) else NOT_JSON
    raise PayloadError(kind, f"{origin}: expected a JSON object, got '{quoted(payload)}'")


def _read(payload: bytes, origin: str) -> Any:
    try:
        return lenient(payload)
    except Unreadable as error:
        if str(error).startswith("it is nested"):
            raise PayloadError(
                "JSON nested too deep", f"{origin}: JSON that is nested too deep"
            ) from None
        flaw = error
    try:
        content, is_cut = salvaged(payload)
    except Cut:
        content, is_cut = None, True
    except Unreadable:
        kind = "damaged JSON" if payload.lstrip()[:1] in (b"{", b"[") else NOT_JSON
        raise PayloadError(
            kind, f"{origin}: neither a picture nor JSON ({flaw}): '{quoted(payload)}'"
        ) from None
    if is_cut and not pictures({"": content}):
        raise PayloadError(
            "JSON cut short",
            f"{origin}: JSON that is cut short, without a whole picture: '{quoted(payload)}'",
        )
    return content


def _object(part: Any) -> Json | None:
    """Return a part of a list as an object; a list, or a text, only when a picture is in it."""
    if isinstance(part, dict):
        return part
    is_of_use = isinstance(part, list) or is_base64_picture(part)
    return {"image": part} if is_of_use and pictures({"image": part}) else None


def _count(payload: bytes, origin: str) -> None:
    if sum(map(payload.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadError(
            "JSON of too many values", f"{origin}: JSON of more than {MOST_VALUES} values"
        )


def unwrapped(content: Json) -> Json:
    """Take the content out of the objects that older firmware and recorders wrap around it."""
    for _ in range(_MOST_WRAPPERS):
        inner = next((v for v in map(content.get, _WRAPPERS) if isinstance(v, dict)), None)
        if inner is None:
            break
        outer = {"channel_id": content["channel_id"]} if "channel_id" in content else {}
        content = outer | inner
    return content
