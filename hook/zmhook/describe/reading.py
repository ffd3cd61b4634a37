"""An answer's text → a `Description`.

What is beside the point is mended: fences around the JSON, words before it, a box that reaches
over the edge, a confidence in percent. What counts is not guessed: without a verdict, or without
any words, the answer is not understood.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast, get_args

from zmhook.describe.answer import Description, Verdict
from zmhook.describe.schema import BOX_SCALE
from zmhook.describe.unanswered import Unanswered, quoted
from zmhook.printable import one_line

LONGEST = 65_536
"""Characters of an answer; nobody needs more for a few sentences."""
LONGEST_LABEL, LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_VALUE = 60, 1000, 40, 200
MOST_ATTRIBUTES = 20
UNKNOWN_CONFIDENCE = 0.5
CORNERS = 4

_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_VERDICTS = get_args(Verdict)

Share = tuple[float, float, float, float]


def read(text: str, model: str = "") -> Description:
    """Return what the answer says; raises `Unanswered` (a `ModelSkipped`) when it says nothing."""
    answer = _object(text)
    label = _text(answer.get("label"), LONGEST_LABEL)
    description = _text(answer.get("description"), LONGEST_DESCRIPTION)
    verdict = _verdict(answer.get("alarm"))
    if not (label or description):
        raise _not_understood("it has neither a label nor a description")
    if verdict is None:
        raise _not_understood("its alarm is none of yes, no and unsure")
    return Description(
        label=label or _text(description, LONGEST_LABEL),
        description=description or label,
        confidence=_confidence(answer.get("confidence")),
        alarm=verdict,
        attributes=_attributes(answer.get("attributes")),
        box=_box(answer.get("box_2d")),
        model=model,
    )


def _not_understood(why: str) -> Unanswered:
    return Unanswered("answer not understood", f"the answer is not understood: {why}", counts=True)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object in an answer, also one in a fence, a list or between words."""
    if len(text) > LONGEST:
        raise _not_understood(f"it is longer than {LONGEST} characters")
    plain = _THOUGHTS.sub("", text, count=1) if text.lstrip().startswith("<think>") else text
    fenced = _FENCE.search(plain)
    inner = fenced[1] if fenced else plain
    for candidate in (inner, inner[inner.find("{") : inner.rfind("}") + 1]):
        found = _json(candidate)
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, dict):
            return found
    raise _not_understood(f"it is not a JSON object: '{quoted(text[:400])}'")


def _json(text: str) -> Any:
    try:
        return json.loads(text.strip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return None


def _text(value: Any, longest: int) -> str:
    """Return a text as one line that can be printed anywhere; other types are none."""
    return one_line(value, longest) if isinstance(value, str) else ""


def _verdict(value: Any) -> Verdict | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    word = value.strip().strip(".").lower() if isinstance(value, str) else ""
    return cast("Verdict", word) if word in _VERDICTS else None


def _confidence(value: Any) -> float:
    """Return a number 0..1; `95%` and 95 are 0.95, what is no number is halfway."""
    percent = isinstance(value, str) and value.strip().endswith("%")
    number = _number(value.strip(" %") if isinstance(value, str) else value)
    if number is None:
        return UNKNOWN_CONFIDENCE
    if percent or number > 1:
        number /= 100
    return min(max(number, 0.0), 1.0)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _attributes(value: Any) -> dict[str, str]:
    """Read pairs, `[{"name": …, "value": …}, …]`, or a plain object."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(one.get("name"), one.get("value")) for one in value if isinstance(one, dict)]
    found: dict[str, str] = {}
    for name, said in pairs:
        key, words = _text(name, LONGEST_NAME).lower(), _words(said)
        if key and words and len(found) < MOST_ATTRIBUTES:
            found.setdefault(key, words)
    return found


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _text(value, LONGEST_VALUE)
    number = _number(value)
    return "" if number is None else f"{number:g}"


def _box(value: Any) -> Share | None:
    """Turn `[ymin, xmin, ymax, xmax]`, 0..1000, into `x1, y1, x2, y2`, 0..1; None when it is no
    box of that kind.
    """
    if not isinstance(value, list) or len(value) != CORNERS:
        return None
    numbers = [_number(one) for one in value]
    if None in numbers:
        return None
    top, left, bottom, right = (
        min(max(number / BOX_SCALE, 0.0), 1.0) for number in numbers if number is not None
    )
    return (left, top, right, bottom) if left < right and top < bottom else None
