"""Lines that call the hook: those that work, and each way to write them wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.doctor.hook_line import better_line, flaw_of, is_ours, program_of

BIN = "/var/lib/zmeventnotification/bin"
HOOK = f"{BIN}/zm_event_start.sh"
NEW, OLD = (1, 38, 4), (1, 38, 0)


@pytest.mark.parametrize(
    "line",
    [
        f"{HOOK} %EID% %MID% '' %EC%",
        f'{HOOK} %EID% %MID% "" %EC%',
        f"{HOOK} %EID% %MID%",
        f'{HOOK} "%EID%" "%MID%"',
        f"{HOOK} %EID% %MID% 'Front door' %EC%",
        f"env TZ=UTC {HOOK} %EID% %MID% '' %EC%",
        f"{BIN}/zm_detect.py -e %EID% -m %MID% -r %EC% -n",
        HOOK,
    ],
)
def test_right_ones(line: str):
    assert flaw_of(line, "EventStartCommand", NEW) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{HOOK} %EID% %MID% %EC%", "'' is missing for the monitor's name"),
        (f"{HOOK} %EID% %MID% '' \"%EC%\"", "%EC% stands in quotes"),
        (f"{HOOK} %EID% %MID% '' '%EC%'", "%EC% stands in quotes"),
        (f'{BIN}/zm_detect.py -e %EID% -m %MID% -r "%EC%" -n', "%EC% stands in quotes"),
        (f"{HOOK} '%EID% %MID%' '' %EC%", "the first argument is not the event's number"),
        (f"{HOOK} %MID% %EID% '' %EC%", "the first argument is not the event's number"),
        (f"{HOOK} %EID% '' %MID% %EC%", "the second argument is not the monitor's number"),
        (f"{HOOK} %EID% %MID% '' Motion on %EC%", "the cause falls apart"),
        (f"{HOOK} %EID% %EC%", "the second argument is not the monitor's number"),
        (f"{HOOK} %EID% %MID% '' %EC% '", "a quotation mark is not closed"),
        (f"{HOOK} %EID% %MID% %MN% %EC%", "does not fill in %MN%"),
        (f"{HOOK} %EI% %MID%", "does not fill in %EI%"),
        (f"{HOOK} start", "takes all of it for one file's name"),
        (f"{BIN}/zm_detect.py -m %MID%", "it is not given the event's number"),
        (f"{HOOK} %EID% %MID% '' %EC% " + "x" * 255, "255 characters"),
    ],
)
def test_wrong_ones(line: str, words: str):
    flaw = flaw_of(line, "EventStartCommand", NEW)
    assert flaw is not None
    assert words in flaw.text
    assert flaw.better == f"{HOOK} %EID% %MID% '' %EC%"


def test_tokens_before_their_version():
    flaw = flaw_of(f"{HOOK} %EID% %MID% '' %EC%", "EventStartCommand", OLD)
    assert flaw is not None
    assert "only since 1.38.1" in flaw.text
    assert flaw.better == HOOK


def test_an_end_has_no_cause():
    flaw = flaw_of(f"{HOOK} %EID% %MID% '' %EC%", "EventEndCommand", NEW)
    assert flaw is not None
    assert "does not fill in %EC%" in flaw.text


FILTER = f'sh -c \'{HOOK} "$@" || :\' zmhook %EI% 1 "" Filter'


def test_a_filter_as_the_guide_has_it(root: Path):
    assert flaw_of(FILTER, "filter", (1, 36, 33)) is None
    assert program_of(FILTER) == HOOK
    guide = (root / "docs/notification-server.md").read_text()
    lines = [line for line in guide.splitlines() if "%EI%" in line and line.startswith("sh -c")]
    assert all(flaw_of(line, "filter", (1, 36, 33)) is None for line in lines)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (HOOK, "the first argument is not the event's number"),
        (f"{HOOK} %EID% %MID%", "does not fill in %EID%"),
        (f"{HOOK} %EI%", "in whose place the event's folder comes"),
        (f"{HOOK} '%EI% 1' ''", "the first argument is not the event's number"),
        (f"{HOOK} %EI% 1 '' Filter", "|| : is missing"),
        (FILTER.replace("Filter", "%EC%"), "the shell runs what is in them"),
        (FILTER.replace("zmhook ", ""), "the first argument is not the event's number"),
        (FILTER.replace("||", "'||"), "a quotation mark is not closed"),
    ],
)
def test_wrong_filters(line: str, words: str):
    flaw = flaw_of(line, "filter", (1, 36, 33))
    assert flaw is not None
    assert words in flaw.text
    assert flaw.better == f"{FILTER} (1: the monitor's number)"


def test_a_better_line_keeps_the_path():
    line = "/opt/zmhook/bin/zm_detect.py -e %EID%"
    assert better_line(line, "EventStartCommand", NEW).startswith("/opt/zmhook/bin/zm_event_start")


def test_whose_it_is():
    assert is_ours(f"{HOOK} %EID%")
    assert not is_ours("/usr/bin/mail -s %EID%")
    assert program_of(f"{HOOK} %EID% '") == HOOK
    assert program_of("'zm_event_start.sh' 1") == "zm_event_start.sh"
    assert program_of("") == ""
    assert program_of("'zm_event_start.sh") == ""
