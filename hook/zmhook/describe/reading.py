"""An answer's text → a `Description`.

What is beside the point is mended: fences around the JSON, words before it, a box that reaches
over the edge, a confidence in percent. What counts is not guessed: without a verdict, or without
any words, the answer is not understood. A draft in the model's thoughts is no answer; of several
objects after them the last one that fits is. One that could make an event none (`no`, `unsure`)
must be the last thing that is said, too: what is still being thought about drops no alarm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from zmhook.describe.answer import Description, Verdict
from zmhook.describe.boxes import box
from zmhook.describe.objects import objects_in
from zmhook.describe.thoughts import (
    are_open,
    end_of_thoughts,
    is_announced,
    is_end,
    is_within_mark,
    names_thoughts,
)
from zmhook.describe.unanswered import Unanswered, quoted
from zmhook.printable import one_line

if TYPE_CHECKING:
    from zmhook.describe.boxes import Size

LONGEST = 65_536
"""Characters of an answer; nobody needs more for a few sentences."""
LONGEST_LABEL, LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_VALUE = 60, 1000, 40, 200
MOST_ATTRIBUTES = 20
UNKNOWN_CONFIDENCE = 0.5
_VERDICTS = get_args(Verdict)


class _Candidate(NamedTuple):
    """An object that may be the answer.

    `ends` says that nothing is said after it, `stands` that it is told from what is said before.
    """

    value: dict[str, Any]
    ends: bool
    stands: bool


def read(text: str, model: str = "", size: Size | None = None) -> Description:
    """Return what the answer says; raises `Unanswered` (a `ModelSkipped`) when it says nothing.

    `size` is the width and height of the picture that was asked about.
    """
    problem = _not_understood(f"it is not a JSON object: '{quoted(text[:400])}'")
    fitting: list[tuple[Description, _Candidate]] = []
    for i, one in enumerate(_candidates(text)):
        try:
            fitting.append((_described(one.value, model, size), one))
        except Unanswered as error:
            problem = problem if i else error
    if not fitting:
        raise problem
    said, last = fitting[0]
    if said.alarm == "yes" and (last.ends or last.stands or len(fitting) == 1):
        return said
    if last.ends and last.stands:
        return said
    raise _not_understood(f"alarm: {said.alarm} is not its last word: '{_tail(text)}'")


def _described(answer: dict[str, Any], model: str, size: Size | None) -> Description:
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
        box=box(answer.get("box_2d"), size),
        model=model,
    )


def _not_understood(why: str) -> Unanswered:
    return Unanswered("answer not understood", f"the answer is not understood: {why}", counts=True)


def _candidates(text: str) -> list[_Candidate]:
    """Return the objects that may be the answer, the last first; raises `Unanswered`.

    Marks of thoughts that are quoted in an object are none.
    """
    if len(text) > LONGEST:
        raise _not_understood(f"it is longer than {LONGEST} characters")
    found = objects_in(text)
    end = end_of_thoughts(found.between)
    if are_open(found.between[end:]):
        raise _not_understood("the model thought, was cut short and gave no answer")
    if found.cut:
        raise _not_understood(f"it is not a JSON object, or not a whole one: '{_tail(text)}'")
    said = [one for one in found.whole if one.start >= end]
    if end and not said:
        raise _not_understood(f"the model thought and gave no answer: '{_tail(text)}'")
    if said and is_within_mark(found.between[end : said[-1].start]):
        raise _not_understood(f"it is within a mark that is not an answer's: '{_tail(text)}'")
    return [
        _Candidate(
            _inner(one.value),
            is_end(found.between[one.end :]),
            is_announced(found.between[end : one.start]),
        )
        for one in reversed(said)
    ]


def _tail(text: str) -> str:
    return quoted(text[-150:])


def _inner(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrapped into an object of one name, such as `{"answer": {…}}`."""
    name, only = next(iter(answer.items())) if len(answer) == 1 else ("", None)
    return only if isinstance(only, dict) and not names_thoughts(name) else answer


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
