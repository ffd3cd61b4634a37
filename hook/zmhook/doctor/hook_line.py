"""Judge the line that calls the hook: its arguments, after the caller has filled it in.

The three callers fill it in, each in its own way, and this does the same with made-up values: what
comes out is split as a shell splits it, and the hook's arguments must be where it expects them.
"""

from __future__ import annotations

import re
import shlex
from typing import Literal, NamedTuple

Caller = Literal["EventStartCommand", "EventEndCommand", "filter"]

EVENT, MONITOR, CAUSE = "918273", "645", "Motion:Left, Right"
FOLDER = f"/events/{MONITOR}/2026-11-30/{EVENT}"
"""What a caller puts in; the numbers occur nowhere else."""
LONGEST = 255
"""Characters of ZoneMinder's column."""
SHELL_SINCE = (1, 38, 1)
"""The version from which ZoneMinder fills in tokens, and calls a shell."""
OURS = re.compile(r"zm_event_start\.sh|zm_detect\.py|zmhook")
_SCRIPT = "zm_event_start.sh"
_ALWAYS_0 = re.compile(r"(\|\||;)\s*(:|true|exit 0)")
_PATH = re.compile(r"/[^\s'\"]*/(?:zm_event_start\.sh|zm_detect\.py)")
_ALL_ARGUMENTS = re.compile(r"\$[@*]")
_TOKEN = re.compile(r"%[A-Z0-9]{2,7}%")
_ORDER = ("the event's number", "the monitor's number", "the monitor's name", "the cause")


class Flaw(NamedTuple):
    """What is wrong with a line, and the line to write instead."""

    text: str
    better: str


def is_ours(line: str) -> bool:
    return bool(OURS.search(line))


def flaw_of(line: str, caller: Caller, version: tuple[int, ...]) -> Flaw | None:
    """Return what is wrong with a line that calls the hook; None for one that is right."""
    text = _flaw(line, caller, version)
    return Flaw(text, better_line(line, caller, version)) if text else None


def program_of(line: str) -> str:
    """Return the program of ours that a line names, "" where that cannot be told."""
    if match := _PATH.search(line):
        return match[0]
    try:
        return next((word for word in shlex.split(line) if OURS.search(word)), "")
    except ValueError:
        return ""


def better_line(line: str, caller: Caller, version: tuple[int, ...]) -> str:
    program = _program_path(line)
    if caller == "filter":
        return f'sh -c \'{program} "$@" || :\' zmhook %EI% 1 "" Filter (1: the monitor\'s number)'
    if version < SHELL_SINCE:
        return program
    return f"{program} %EID% %MID% '' %EC%" if caller == "EventStartCommand" else program


def _program_path(line: str) -> str:
    """Return the hook's path out of a line, as far as it can be told."""
    match = _PATH.search(line)
    folder = match[0].rpartition("/")[0] if match else "/var/lib/zmeventnotification/bin"
    return f"{folder}/{_SCRIPT}"


def _flaw(line: str, caller: Caller, version: tuple[int, ...]) -> str:
    if len(line) >= LONGEST:
        return f"it has {LONGEST} characters, where ZoneMinder cuts it off"
    if caller == "filter":
        return _flaw_of_filter(line)
    if "%" not in line:
        return _flaw_of_path(line)
    if version < SHELL_SINCE:
        needed = ".".join(map(str, SHELL_SINCE))
        return f"ZoneMinder fills in %…% only since {needed}: here it is taken for a file's name"
    if re.search(r"[\"']%EC%|%EC%[\"']", line):
        return (
            "%EC% stands in quotes, and ZoneMinder puts it in quotes itself: they undo each other"
        )
    return _flaw_of_arguments(line, caller)


def _flaw_of_filter(line: str) -> str:
    if re.search("%E[CN]%", line):
        return "ZoneMinder puts %EC% and %EN% in unquoted, and the shell runs what is in them"
    flaw = _flaw_of_arguments(line, "filter")
    if not flaw and not _ALWAYS_0.search(line):
        return "ZoneMinder repeats a command that does not end with 0: || : is missing"
    return flaw


def _flaw_of_path(line: str) -> str:
    """Without a token the whole line is one program, which no shell reads."""
    if " " in line.strip():
        return "without %EID% ZoneMinder takes all of it for one file's name: nothing is started"
    return ""


def _flaw_of_arguments(line: str, caller: Caller) -> str:
    try:
        words = shlex.split(filled(line, caller))
    except ValueError:
        return "a quotation mark is not closed"
    at = next((number for number, word in enumerate(words) if OURS.search(word)), 0)
    if _SCRIPT not in words[at]:
        return _flaw_of_options(words)
    # sh -c 'HOOK "$@"' NAME ARGUMENTS: the name is nobody's argument.
    arguments = words[at + (2 if _ALL_ARGUMENTS.search(words[at]) else 1) :]
    unknown = [word for word in arguments if _TOKEN.search(word)]
    if unknown:
        return f"ZoneMinder does not fill in {_TOKEN.findall(unknown[0])[0]} there"
    if not arguments or arguments[0] != EVENT:
        return f"the first argument is not {_ORDER[0]}"
    return _flaw_of_rest(arguments, caller)


def _flaw_of_rest(arguments: list[str], caller: Caller) -> str:
    if FOLDER in arguments[1:4]:
        return "the monitor's number is missing, in whose place the event's folder comes"
    second, third, fourth = [*arguments[1:4], "", "", ""][:3]
    if caller == "filter":
        return ""
    if second not in (MONITOR, "") or MONITOR in (third, fourth):
        return f"the second argument is not {_ORDER[1]}"
    if third == CAUSE:
        return f"'' is missing for {_ORDER[2]}, in whose place the cause comes"
    if len(arguments) > len(_ORDER) + 1 or fourth not in ("", CAUSE):
        return "the quotes are wrong: the cause falls apart into several arguments"
    return ""


def _flaw_of_options(words: list[str]) -> str:
    return "" if EVENT in " ".join(words) else f"it is not given {_ORDER[0]}"


def filled(line: str, caller: Caller) -> str:
    """Return what the shell reads."""
    if caller == "filter":
        tokens = {"%EI%": EVENT, "%MN%": "Front door", "%EC%": CAUSE, "%EP%": FOLDER}
        line = f"{line} {FOLDER}"  # which zmfilter.pl appends
    else:
        tokens = {"%EID%": EVENT, "%MID%": MONITOR}
        if caller == "EventStartCommand":
            tokens["%EC%"] = shlex.quote(CAUSE)
    for token, value in tokens.items():
        line = line.replace(token, value)
    return line
