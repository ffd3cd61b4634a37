"""Decode JSON and tokens from outside within bounds, with one error for all flaws.

Answers, tokens, requests and files that others may have written hold anything: JSON that is nested
without end, numbers that no float holds, half a character. Each of these is another exception in
Python, and one that is forgotten ends a process. Here they are all `Unreadable`.
"""

from __future__ import annotations

import base64
import contextlib
from typing import Any, TypeVar, overload

from msgspec import MsgspecError, json

T = TypeVar("T")

MOST_VALUES = 1_000_000
"""Values in one text, unless it is told how many; a million take a second and 60 MB."""

ERRORS = (MsgspecError, ValueError, ArithmeticError, LookupError, TypeError, RecursionError)
"""What reading a stranger's data may raise: each is a sort of "it cannot be read"."""


DIGITS = 18
"""Of a whole number; it fits into 64 bits."""


class Unreadable(ValueError):
    """The data cannot be read; the message says why, without the data."""


class Cut(Unreadable):
    """The data is cut short."""


@overload
def decoded(data: bytes | str, kind: type[T], most: int = MOST_VALUES) -> T: ...
@overload
def decoded(data: bytes | str, *, most: int = MOST_VALUES) -> Any: ...
def decoded(data: bytes | str, kind: Any = Any, most: int = MOST_VALUES) -> Any:
    """Decode JSON of at most `most` values; raises `Unreadable`.

    How deep it may be nested is bounded by the decoder.
    """
    _bounded(data, most)
    try:
        return json.decode(data, type=kind)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except (*ERRORS, MemoryError) as error:
        raise Unreadable(str(error) or type(error).__name__) from None


def _bounded(data: bytes | str, most: int) -> None:
    marks = (b",", b"[", b"{") if isinstance(data, bytes) else (",", "[", "{")
    if len(data) > most and sum(map(data.count, marks)) > most:  # type: ignore[arg-type]
        raise Unreadable(f"it has more than {most} values")


def lenient(data: bytes | str, *, anywhere: bool = False, most: int = MOST_VALUES) -> Any:
    """Decode JSON that may have flaws, or text after it (see `json_repair`).

    With `anywhere` it may stand among other things: the first object in the text.

    Raises `Unreadable`, of the text as it came.
    """
    try:
        return decoded(data, most=most)
    except Unreadable as error:
        flaw = error
    from zmhook.text.json_repair import readings

    _bounded(data, most)
    for reading in readings(data, anywhere=anywhere):
        with contextlib.suppress(Unreadable):
            return decoded(reading, most=most)
    raise flaw


def salvaged(data: bytes | str, *, most: int = MOST_VALUES) -> tuple[Any, bool]:
    """Decode JSON with either sort of quotes; also return whether brackets were missing at its end.

    For what `lenient` cannot read. Raises `Unreadable`: `Cut` for what ends within a value.
    """
    from zmhook.text.json_repair import closed

    _bounded(data, most)
    completed = closed(data)
    if completed is None:
        raise Unreadable("it is no JSON")
    try:
        return decoded(completed.text, most=most), completed.cut
    except Unreadable:
        if completed.cut:
            raise Cut("it is cut short") from None
        raise


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token (RFC 7519), unchecked; raises `Unreadable`."""
    try:
        decoded_claims = decoded(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except ERRORS as error:
        raise Unreadable(f"it is no token ({type(error).__name__})") from None
    if not isinstance(decoded_claims, dict):
        raise Unreadable("it is no token")
    return decoded_claims


def whole(value: object) -> int:
    """Return a whole number, or the text of one, of at most `DIGITS` ASCII digits; else 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 10**DIGITS else 0
    text = value if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0


def mapping(value: object) -> dict[str, Any]:
    """Return an object of JSON as it is; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """Return those members of a list that are objects; anything else has none."""
    return (
        [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []
    )
