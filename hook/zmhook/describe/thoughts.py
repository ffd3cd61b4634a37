"""Where a model's thoughts end, in what it says.

Models that think before they answer do so between marks, and servers that do not know a model's
marks leave them in the text. The opening one is often part of the question, so it may be missing.
Nobody knows all marks. So where it matters, an object is told from a draft by how the text is built
as well: nothing that looks like a mark is open before it, and it is the last thing that is said.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_WORD = (
    r"(?:[\w.-]{1,20}:)?(?:think(?:ing)?|thoughts?|thought_process|reason(?:ing)?|analysis|"
    r"reflection|scratchpad|cot|chain_of_thought|deliberation|inner_monologue)"
)
_LEFT, _RIGHT = r"(?:<\|?|&lt;\|?|\[|◁|＜)", r"(?:\|?>|\|?&gt;|\]|▷|＞)"  # noqa: RUF001
_CLOSED = (
    # </think>, [/THINK], ◁/think▷, <|/think|>, then <|end_of_thought|>, <|END_THINKING|>
    rf"{_LEFT}\s{{0,3}}/\s{{0,9}}{_WORD}\s{{0,9}}{_RIGHT}",
    rf"<\|\s{{0,9}}(?:end|close)(?:_of)?_?{_WORD}\s{{0,9}}\|>",
    rf"<\|close\|>\s{{0,9}}{_WORD}\s{{0,9}}<\|sep\|>",
    r"<\|channel\|?>\s{0,9}(?:final|response)[^<]{0,40}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>",
    r"<channel\|>",
    r"<\|inner_suffix\|>",
    # The same from a server that leaves the marks out and not what is between them.
    r"\bassistant\s{0,3}final(?=\s{0,9}(?:json\s{0,9})?[{\[`\0])",
    r"(?:^|\n)[ \t*#]{0,9}Here is my response:",
)
_OPENED = (
    rf"{_LEFT}\s{{0,3}}{_WORD}(?:\s[^<>\[\]]{{0,80}})?\s{{0,9}}{_RIGHT}",
    rf"<\|\s{{0,9}}(?:start|begin|open)(?:_of)?_?{_WORD}\s{{0,9}}\|>",
    rf"<\|open\|>\s{{0,9}}{_WORD}\s{{0,9}}<\|sep\|>",
    r"<\|channel\|?>\s{0,9}(?:analysis|commentary|thought|thinking)\b",
    r"<\|inner_prefix\|>",
    r"(?:^|\n)[ \t*#]{0,9}Here is my thought process:",
)
_CLOSING = re.compile("|".join(_CLOSED), re.IGNORECASE)
_OPENING = re.compile("|".join(_OPENED), re.IGNORECASE)


def end_of_thoughts(text: str) -> int:
    """Return where what follows the last closing mark begins; 0 when there is no such mark."""
    return max((match.end() for match in _CLOSING.finditer(text)), default=0)


def are_open(text: str) -> bool:
    """Say whether thoughts begin in a text: one that has no closing mark any more."""
    return bool(_OPENING.search(text))


_FOR_ANSWERS = frozenset(
    {"answer", "finalanswer", "final", "output", "finaloutput", "response", "result", "json"}
)
_CONTROL = frozenset({"imstart", "start", "startheaderid", "beginofbox", "beginoftext", "message"})
_CONTROL |= {"channel", "constrain", "assistant", "beginofsentence", "sep", "bos", "startofturn"}
_ENDINGS = frozenset({"s", "eos", "imend", "endofturn", "endofutterance", "endoftext"})
"""Names, without what is between their words, of marks around an answer that say nothing of it."""
_EMPTY = frozenset({"br", "hr", "p", "img", *_ENDINGS})
_TAG = re.compile(
    r"(?:<|&lt;|◁|＜|【)(?P<token>[|｜]?)\s{0,3}(?P<close>/?)\s{0,9}"  # noqa: RUF001
    r"(?P<name>[^\W\d_][\w.:▁-]{0,40})(?:\s[^<>\0]{0,80}?)?\s{0,9}(?P<empty>/?)"
    r"[|｜]?(?:>|&gt;|▷|＞|】)"  # noqa: RUF001
    r"|\[(?P<shut>/?)(?P<word>[A-Z][A-Z_ -]{1,40})\]"
)
_END_MARKS = re.compile(r"^(?:end|close|eo[stm]|eot|return|stop)", re.IGNORECASE)
_SOFT = re.compile(r"[\s\ufeff\u200b`\]]+")
_FENCE = re.compile(r"(?:```|~~~)[ \t]{0,9}(?P<kind>[\w-]{0,20})[ \t]{0,9}\Z")
_KINDS = ("", "json", "json5", "jsonc", "javascript", "js", "text", "txt", "plaintext")
_NAMES_THOUGHTS = re.compile(
    r"think|thought|reason|analy|reflect|monolog|deliberat",
    re.IGNORECASE,
)
_IN_DOUBT = re.compile(
    r"draft|scratch|maybe|perhaps|possib|consider|ponder|tentative|guess", re.IGNORECASE
)
_ANNOUNCES = re.compile(r"json|answer|result|response|object|verdict|output", re.IGNORECASE)
"""`Based on my analysis, here is the JSON:` is no heading of thoughts."""


_MOST_OPEN = 100
_HEADING = 4
"""Words that a line has at most which is a heading without a colon."""


def names_thoughts(text: str) -> bool:
    """Say whether a few words, such as an object's name, are about thoughts or a draft."""
    of_thoughts = _NAMES_THOUGHTS.search(text) and not _ANNOUNCES.search(text)
    return bool(of_thoughts or _IN_DOUBT.search(text))


def is_within_mark(before: str) -> bool:
    """Say whether something like a mark, known or not, is open at the end of a text."""
    is_open: list[str] = []
    for match in _TAG.finditer(before):
        name = _plain(match["name"] or match["word"])
        closes = bool(match["close"] or match["shut"])
        if match["token"] and _END_MARKS.match(name) and not closes:
            name, closes = re.sub(r"^(?:end|close)(?:of)?", "", name), True
        elif match["token"]:
            name = re.sub(r"^(?:start|begin|open)(?:of)?(?=.)", "", name)
        if closes:
            if name in is_open:
                del is_open[len(is_open) - 1 - is_open[::-1].index(name) :]
        elif not (match["empty"] or name in _EMPTY or name in _FOR_ANSWERS or _controls(match)):
            is_open.append(name)
            if len(is_open) > _MOST_OPEN:
                return True
    return bool(is_open)


def is_end(after: str) -> bool:
    """Say whether nothing is said in a text: blanks, fences and marks that end an answer."""
    at = 0
    while at < len(after):
        match = _SOFT.match(after, at) or _TAG.match(after, at)
        if match is None or (match.re is _TAG and not _ends_answer(match)):
            return False
        at = match.end()
    return True


def is_announced(before: str) -> bool:
    """Say whether what follows a text stands by itself, as an answer does.

    It begins its line, or follows a colon; it is not one of several in a list, nor what a heading
    or a fence calls thoughts.
    """
    lead = before
    fence = _FENCE.search(lead.rstrip())
    if fence:
        if fence["kind"].lower() not in _KINDS:
            return False
        lead = lead[: fence.start()]
    lead = lead.rstrip("[ \t`\ufeff\u200b")
    begins_line = not lead or lead.endswith("\n")
    lead = lead.rstrip()
    line = lead.rpartition("\n")[2].rstrip("*_ `")
    if not line:
        return True
    marks = list(_TAG.finditer(line))
    if marks and marks[-1].end() == len(line):
        return True
    is_heading = line.endswith((":", "：")) or len(line.split()) <= _HEADING  # noqa: RUF001
    if is_heading and names_thoughts(line):
        return False
    if line.endswith((":", "：")):  # noqa: RUF001
        return True
    return begins_line and not line.endswith(",")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _controls(match: re.Match[str]) -> bool:
    return bool(match["token"]) and _plain(match["name"]) in _CONTROL


def _ends_answer(match: re.Match[str]) -> bool:
    name = _plain(match["name"] or match["word"])
    if match["token"]:
        return bool(_END_MARKS.match(name)) or name in _ENDINGS
    return name in _ENDINGS or (bool(match["close"] or match["shut"]) and name in _FOR_ANSWERS)


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
