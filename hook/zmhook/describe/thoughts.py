"""Where a model's thoughts end, in what it says.

Models that think before they answer do so between marks, and servers that do not know a model's
marks leave them in the text. The opening one is often part of the question, so it may be missing.
"""

from __future__ import annotations

import re

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
    return max((found.end() for found in _CLOSING.finditer(text)), default=0)


def are_open(text: str) -> bool:
    """Say whether thoughts begin in a text: one that has no closing mark any more."""
    return bool(_OPENING.search(text))
