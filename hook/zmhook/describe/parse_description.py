"""Parse a model's text into a `Description`.

What is beside the point is mended: fences around the JSON, words before it, a box that reaches
over the edge, a confidence in percent. What counts is not guessed: without a verdict, or without
any words, the answer is not understood. A draft in the model's thoughts is no answer; of several
objects after them the last one that fits is. One that could make an event none (`no`, `unsure`)
must be the last thing that is said, too: what is still being thought about drops no alarm.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from zmhook.describe import thoughts
from zmhook.describe.description import Description, DescriptionError, Verdict, quoted
from zmhook.describe.prompts import BOX_SCALE
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 65_536
"""Characters of an answer; nobody needs more for a few sentences."""
LONGEST_LABEL, LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_VALUE = 60, 1000, 40, 200
MOST_ATTRIBUTES = 20
UNKNOWN_CONFIDENCE = 0.5
_VERDICTS = get_args(Verdict)


Share = tuple[float, float, float, float]
"""`x1, y1, x2, y2`, each 0..1."""
Size = tuple[int, int]
"""Width and height in pixels."""

CORNERS = 4
OVER = 1.1
"""How far over 1 a share may reach; as one of 0..1000 it would be less than a pixel of most
pictures."""
LEAST = 0.003
"""Of the picture's width or height; what is less is nothing that can be seen."""
_LONGEST = 200
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?\s*%?")
_NAMES = (
    ("ymin", "xmin", "ymax", "xmax"),
    ("y_min", "x_min", "y_max", "x_max"),
    ("y1", "x1", "y2", "x2"),
    ("top", "left", "bottom", "right"),
)


class _Candidate(NamedTuple):
    """An object that may be the answer.

    `ends` says that nothing is said after it, `stands` that it is told from what is said before.
    """

    value: dict[str, Any]
    ends: bool
    stands: bool


def read(text: str, model: str = "", size: Size | None = None) -> Description:
    """Return what the answer says; raises `DescriptionError` when it says nothing.

    `size` is the width and height of the picture that was asked about.
    """
    problem = _not_understood(f"it is not a JSON object: '{quoted(text[:400])}'")
    fitting: list[tuple[Description, _Candidate]] = []
    for i, item in enumerate(_candidates(text)):
        try:
            fitting.append((_described(item.value, model, size), item))
        except DescriptionError as error:
            problem = problem if i else error
    if not fitting:
        raise problem
    description, last = fitting[0]
    if description.alarm == "yes" and (last.ends or last.stands or len(fitting) == 1):
        return description
    if last.ends and last.stands:
        return description
    raise _not_understood(f"alarm: {description.alarm} is not its last word: '{_tail(text)}'")


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


def _not_understood(why: str) -> DescriptionError:
    return DescriptionError(
        "answer not understood", f"the answer is not understood: {why}", counts=True
    )


def _candidates(text: str) -> list[_Candidate]:
    """Return the objects that may be the answer, the last first; raises `DescriptionError`.

    Marks of thoughts that are quoted in an object are none.
    """
    if len(text) > LONGEST:
        raise _not_understood(f"it is longer than {LONGEST} characters")
    matches = thoughts.objects_in(text)
    end = thoughts.end_of_thoughts(matches.between)
    if thoughts.are_open(matches.between[end:]):
        raise _not_understood("the model thought, was cut short and gave no answer")
    if matches.cut:
        raise _not_understood(f"it is not a JSON object, or not a whole one: '{_tail(text)}'")
    after = [whole for whole in matches.whole if whole.start >= end]
    if end and not after:
        raise _not_understood(f"the model thought and gave no answer: '{_tail(text)}'")
    if after and thoughts.is_within_mark(matches.between[end : after[-1].start]):
        raise _not_understood(f"it is within a mark that is not an answer's: '{_tail(text)}'")
    return [
        _Candidate(
            _inner(whole.value),
            thoughts.is_end(matches.between[whole.end :]),
            thoughts.is_announced(matches.between[end : whole.start]),
        )
        for whole in reversed(after)
    ]


def _tail(text: str) -> str:
    return quoted(text[-150:])


def _inner(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrapped into an object of one name, such as `{"answer": {…}}`."""
    name, only = next(iter(answer.items())) if len(answer) == 1 else ("", None)
    return only if isinstance(only, dict) and not thoughts.names_thoughts(name) else answer


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
    number = _number(value)
    if number is None:
        return UNKNOWN_CONFIDENCE
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    if number > 1 and not is_percent:
        number /= 100
    return min(max(number, 0.0), 1.0)


def _attributes(value: Any) -> dict[str, str]:
    """Read pairs, `[{"name": …, "value": …}, …]`, or a plain object."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(item.get("name"), item.get("value")) for item in value if isinstance(item, dict)]
    matches: dict[str, str] = {}
    for name, content in pairs:
        key, words = _text(name, LONGEST_NAME).lower(), _words(content)
        if key and words and len(matches) < MOST_ATTRIBUTES:
            matches.setdefault(key, words)
    return matches


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _text(value, LONGEST_VALUE)
    number = _number(value)
    return "" if number is None else f"{number:g}"


def box(value: Any, size: Size | None = None) -> Share | None:
    """Return the box of an answer, None when it is not understood.

    `size` is that of the picture. `[ymin, xmin, ymax, xmax]` was asked for, in whole numbers from
    0 to 1000. Models that were trained otherwise give shares of 1, percent or pixels, names in
    place of an order, or a text.
    """
    numbers = _corners(value)
    if numbers is None:
        return None
    most = max(numbers)
    if most <= OVER:
        return _share(numbers, (1.0, 1.0))
    if most > BOX_SCALE and size is not None:
        matches = _pixels(numbers, size)
        if matches is not None:
            return matches
    return _share(numbers, (float(BOX_SCALE), float(BOX_SCALE)))


def _pixels(numbers: Sequence[float], size: Size) -> Share | None:
    """Read pixels in the order that was asked for, or in the usual one where only that fits."""
    width, height = size
    first, second, third, fourth = numbers
    for top, left, bottom, right in (
        (first, second, third, fourth),
        (second, first, fourth, third),
    ):
        if bottom <= height and right <= width:
            return _share((top, left, bottom, right), (float(height), float(width)))
    return None


def _share(numbers: Sequence[float], scale: tuple[float, float]) -> Share | None:
    down, across = scale
    top, left, bottom, right = (
        min(max(number / whole, 0.0), 1.0)
        for number, whole in zip(numbers, (down, across, down, across), strict=True)
    )
    is_box = right - left >= LEAST and bottom - top >= LEAST
    return (left, top, right, bottom) if is_box else None


def _corners(value: Any) -> list[float] | None:
    """Return the four numbers in the order that was asked for, from a list, an object or a text."""
    if isinstance(value, list) and len(value) == 1:
        return _corners_of(value[0])
    return _corners_of(value)


def _corners_of(value: Any) -> list[float] | None:
    if isinstance(value, str):
        value = _listed(value)
    if isinstance(value, dict):
        value = _named(value)
    if not isinstance(value, list) or len(value) != CORNERS:
        return None
    numbers = [_number(item) for item in value]
    return None if None in numbers else [item for item in numbers if item is not None]


def _listed(text: str) -> list[str] | None:
    """Return the numbers of a text that is nothing else, such as `[100, 200, 900, 800]`."""
    if len(text) > _LONGEST or _NUMBER.sub("", text).strip("[](){}<>, \t\r\n;"):
        return None
    return _NUMBER.findall(text)


def _named(value: dict[str, Any]) -> list[Any] | None:
    plain = {str(name).lower(): item for name, item in value.items()}
    names = next((names for names in _NAMES if all(name in plain for name in names)), None)
    return [plain[name] for name in names] if names else None


def _number(value: Any) -> float | None:
    """Return a finite number; `95%` is 0.95."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    try:
        number = float(value.strip(" %") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return number / 100 if percent else number
