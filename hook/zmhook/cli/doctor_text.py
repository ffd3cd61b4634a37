"""The doctor's report as text: groups of lines, each with a mark, and what to type below it."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from zmhook.cli.output import BOLD, DIM, GREEN, RED, YELLOW, has_colours, say, say_styled, styled
from zmhook.cli.tables import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.doctor.finding import Finding, State

MARKS: dict[State, tuple[str, str, str]] = {
    "ok": ("✓", "+", GREEN),
    "warning": ("!", "!", YELLOW),
    "fault": ("✗", "X", RED),
    "unchecked": ("-", "-", DIM),
}
"""The mark of each state, the same where only ASCII can be printed, and its colour."""
WORDS: dict[State, str] = {
    "ok": "right",
    "warning": "to look at",
    "fault": "wrong",
    "unchecked": "not checked",
}
ARROW, PLAIN_ARROW = "→ ", "> "
_COMMAND = re.compile(r"(sudo|zmhook) [^;,:]+")
NAME, NARROWEST, WIDEST = 15, 40, 100
"""Characters of the names' column, and of a line at least and at most."""


def show(findings: Iterable[Finding], path: str) -> list[Finding]:
    """Print the findings about a configuration as they come; return them."""
    say(f"zmhook doctor: {path}")
    kept: list[Finding] = []
    for finding in findings:
        if not kept or finding.group != kept[-1].group:
            say()
            say_styled(_styled(finding.group, BOLD))
        kept.append(finding)
        for line in lines(
            finding, _width(), is_plain=_is_plain(), coloured=has_colours(sys.stdout)
        ):
            say_styled(line)
    say()
    say(summary(kept))
    return kept


def lines(finding: Finding, width: int, *, is_plain: bool, coloured: bool = False) -> Iterator[str]:
    """Yield a finding's lines, no wider than `width`."""
    mark, plain_mark, colour = MARKS[finding.state]
    mark = plain_mark if is_plain else mark
    mark = styled(mark, colour) if coloured else mark
    arrow = PLAIN_ARROW if is_plain else ARROW
    name = finding.name if len(finding.name) < NAME else f"{finding.name}:"
    head = f"{name:<{NAME}}"
    indent = " " * (4 + NAME)
    wrapped = _wrapped(finding.text, indent, width, first=len(head) + 4)
    yield (
        f"  {mark} {head}{wrapped[0]}".rstrip()
        if len(head) <= NAME
        else f"  {mark} {head} {wrapped[0]}"
    )
    yield from (f"{indent}{line}" for line in wrapped[1:])
    if finding.cure:
        # A command that is one line on the screen is one when it is pasted.
        wide = len(finding.cure) + 2 * width if _COMMAND.fullmatch(finding.cure) else width
        cure = _wrapped(finding.cure, indent + "  ", wide, first=len(indent) + 2)
        yield f"{indent}{arrow}{cure[0]}"
        yield from (f"{indent}  {line}" for line in cure[1:])


def _wrapped(text: str, indent: str, width: int, first: int) -> list[str]:
    """Wrap a text whose first line begins in column `first`, and all others after `indent`."""
    wrapper = textwrap.TextWrapper(
        width - len(indent),
        initial_indent=" " * max(0, first - len(indent)),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.strip() for line in wrapper.wrap(text)] or [""]


def summary(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    parts = [f"{counts[state]} {WORDS[state]}" for state in WORDS if counts[state]]
    text = ", ".join(parts)
    if counts["fault"]:
        return f"{text}. The arrows say what to do."
    return f"{text}. " + ("Nothing is wrong." if counts["warning"] else "All is well.")


def _width() -> int:
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns))


def _is_plain() -> bool:
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower()
    return "utf" not in encoding


def _styled(text: str, style: str) -> str:
    return styled(text, style) if has_colours(sys.stdout) else text
