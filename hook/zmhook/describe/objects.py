"""The JSON objects that stand in a text, whatever is around and between them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

MOST = 2000
"""Opening braces that are looked at; no answer has so many."""
_HIDDEN = "\0"


class Whole(NamedTuple):
    """An object, and where it begins and ends in the text."""

    start: int
    end: int
    value: dict[str, Any]


class Objects(NamedTuple):
    """What is in a text: `whole` in their order, outermost only.

    `between` is the text with them blanked out, of the same length. `cut` says that the last one
    has no end.
    """

    whole: list[Whole]
    between: str
    cut: bool


def objects_in(text: str) -> Objects:
    """Find the objects of a text, in one pass and a bounded number of attempts."""
    decoder = json.JSONDecoder()
    whole: list[Whole] = []
    between: list[str] = []
    done, start = 0, text.find("{")
    for _ in range(MOST):
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if _is_cut(text, error):
                return Objects(whole, "".join([*between, text[done:]]), cut=True)
            end = start + 1
        except (ValueError, RecursionError):  # a number of thousands of digits, or far too deep
            end = start + 1
        else:
            between += [text[done:start], _HIDDEN * (end - start)]
            whole.append(Whole(start, end, value))
            done = end
        start = text.find("{", end)
    between.append(text[done:])
    # Whoever has more braces than that is not believed to have come to an end.
    return Objects(whole, "".join(between), cut=start >= 0)


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Say whether the text ended before the object did."""
    return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
