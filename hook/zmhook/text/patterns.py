"""Check, compile and match regular expressions of the configuration and of other machines.

Nothing else compiles or matches one. What a pattern may cost is bounded before it is compiled
(written out, a repeat of a repeat takes all memory there is) and while it is matched. Even so it
is not done in an event loop.
"""

from __future__ import annotations

import logging
import math
import re
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zmhook.printable import one_line
from zmhook.text.names import composed

if TYPE_CHECKING:
    import regex

log = logging.getLogger(__name__)

LONGEST = 4000
"""Characters of a pattern."""
LONGEST_OF_OTHERS = 1000
"""Characters of a pattern that another machine sends."""
LARGEST = 5000
"""Steps of a pattern whose repeats are written out, as `regex` does: `a{5}` has five."""
MOST_RANGES = 8
"""Ranges like `[一-龥]`; the standard library takes milliseconds to compile each."""
SECONDS = 0.1
"""That one match may take."""
MOST_WAYS = 200_000
"""The standard library, which has no time limit, may match what has fewer ways to match."""
USUAL_LABEL = 32
MOST_SLOW = 5
"""Texts that a pattern may be too slow for; after these it is not tried any more."""
REMEMBERED = 256
SHOWN = 80

_TOKEN = re.compile(
    r"\(\?\#[^)]*\)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P?<?[=!]|P?<\w*>|[a-zA-Z-]*:|>))?"
    r"|\{(?P<least>[0-9]*)(?:,[0-9]*)?\}|.",
    re.DOTALL,
)
_REPEATED_GROUP = re.compile(r"\)\s*[*+{?]")
_REPEAT = re.compile(r"[*+}?]")
_WIDE_RANGE = re.compile(r"-(?:[^\x00-\x7f]|\\[xuUN])")
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x")

_DIGITS = 6
"""That are read of a number; one with so many is too large in any case."""

_slow: OrderedDict[str, int] = OrderedDict()
"""For how many texts a pattern was too slow."""


class WrongPattern(ValueError):
    """The pattern is no regular expression, or too costly; the message says which."""


def check(pattern: str, longest: int = LONGEST) -> str:
    """Return the pattern; raises `WrongPattern`."""
    import warnings

    if why := _too_much(pattern, longest):
        raise WrongPattern(why)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
            if not _is_simple(pattern, USUAL_LABEL):
                _compiled(pattern)
    except (re.error, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise WrongPattern(str(error)) from None
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Say whether the text matches from its beginning.

    A pattern that takes too long counts as matched: an alarm too many is better than one missed.
    """
    return _matches(pattern, text, whole=False)


def fits(pattern: str, text: str) -> bool:
    """Say whether all of the text matches; one that takes too long counts as matched."""
    return _matches(pattern, text, whole=True)


@lru_cache(maxsize=4096)
def _matches(pattern: str, text: str, *, whole: bool) -> bool:
    pattern, text = composed(pattern), composed(text)
    if _is_simple(pattern, len(text)):
        return bool((re.fullmatch if whole else re.match)(pattern, text))
    if _slow.get(pattern, 0) >= MOST_SLOW:
        return True
    try:
        compiled = _compiled(pattern)
        match = compiled.fullmatch if whole else compiled.match
        # `concurrent` lets other threads go on, such as the service's event loop.
        return bool(match(text, timeout=SECONDS, concurrent=True))
    except TimeoutError:
        _was_slow(pattern)
        return True


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> regex.Pattern[str]:
    """Compile by `regex`; raises `WrongPattern`. Its own cache would keep 500, which may be large.

    Beyond what is kept, compiling anew costs milliseconds.
    """
    import regex

    options: dict[str, Any] = {"cache_pattern": False}
    try:
        return regex.compile(pattern, **options)
    except regex.error as error:
        raise WrongPattern(str(error)) from None


def _was_slow(pattern: str) -> None:
    count = _slow.pop(pattern, 0)
    _slow[pattern] = count + 1
    while len(_slow) > REMEMBERED:
        _slow.popitem(last=False)
    if not count:
        log.warning(
            "the pattern %s takes too long and counts as matched: write it without groups in"
            " groups",
            one_line(pattern, SHOWN),
        )


def _too_much(pattern: str, longest: int) -> str:
    """Say what makes a pattern cost too much to compile, if anything does."""
    if len(pattern) > longest:
        return f"it is longer than {longest} characters"
    if _VERBOSE.search(pattern):
        return "the flag x is not taken: write it without blanks and comments"
    if len(_WIDE_RANGE.findall(pattern)) > MOST_RANGES:
        return f"it has more than {MOST_RANGES} ranges of characters beyond ASCII"
    if _written_out(pattern) > LARGEST:
        return f"its repeats, written out, have more than {LARGEST} steps"
    return ""


def _written_out(pattern: str) -> int:
    """Return the steps of a pattern with each repeat in place as often as it must be."""
    outer: list[int] = []
    size = last = 0  # of the group so far, its last item included; of that item
    for token in _TOKEN.finditer(pattern):
        text, least = token[0], token["least"]
        if text.startswith("(?#"):
            continue
        if text.startswith("("):
            outer.append(size)
            size = last = 0
        elif text == ")":
            last = size + 1
            size = (outer.pop() if outer else 0) + last
        elif least is not None:
            times = max(1, int(least[:_DIGITS] or 1))
            size += last * (times - 1)
            last *= times
        else:
            last = 1
            size += 1
        if size > LARGEST:
            break
    return size + sum(outer)


def _is_simple(pattern: str, length: int) -> bool:
    """Whether a text of this length can be matched only in few ways, by what can be counted.

    Each repeat may end at each character, each group may take each of its alternatives.
    """
    if _REPEATED_GROUP.search(pattern):
        return False
    groups = pattern.count("(") + 1
    of_groups = groups * math.log(pattern.count("|") / groups + 1)
    of_repeats = len(_REPEAT.findall(pattern)) * math.log(length + 1)
    return of_groups + of_repeats <= math.log(MOST_WAYS)
