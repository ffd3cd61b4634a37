"""What a check of the doctor finds: one thing, how it is, and what to type where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from msgspec import Struct

State = Literal["ok", "warning", "fault", "unchecked"]


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the report.

    A `fault` keeps something from working, a `warning` may, and what is `unchecked` could not be
    tried; `text` says why, and `cure` what to do. `group` is filled in by the runner, as `seconds`
    is, which are those of the whole check.
    """

    name: str
    state: State
    text: str
    cure: str = ""
    group: str = ""
    seconds: float = 0.0


class Check(NamedTuple):
    """Something to try. `run` raises `ZmhookError`, or yields what it finds.

    It leaves nothing behind, and may be given up at any time: what it has yielded by then counts.
    """

    group: str
    name: str
    run: Callable[[], Iterable[Finding]]


def single(make: Callable[..., Finding], *arguments: object) -> Iterable[Finding]:
    """Yield the one finding that a function makes, for a check."""
    yield make(*arguments)


def ok(name: str, text: str) -> Finding:
    return Finding(name=name, state="ok", text=text)


def warning(name: str, text: str, cure: str = "") -> Finding:
    return Finding(name=name, state="warning", text=text, cure=cure)


def fault(name: str, text: str, cure: str = "") -> Finding:
    return Finding(name=name, state="fault", text=text, cure=cure)


def unchecked(name: str, text: str, cure: str = "") -> Finding:
    return Finding(name=name, state="unchecked", text=text, cure=cure)
