"""The arguments that commands share, and what a mistake in them prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from zmhook.cli.arguments import (
    Parser,
    add_monitor,
    add_option,
    event_argument,
    moment,
    monitor_argument,
)

NOW = 1_774_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("1w", 604_800)],
)
def test_so_long_ago(text, seconds):
    assert moment(text, NOW) == NOW - seconds


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-03-20", datetime(2026, 3, 20)),  # noqa: DTZ001 - local time is meant
        ("2026-03-20 10:17", datetime(2026, 3, 20, 10, 17)),  # noqa: DTZ001 - the same
        ("2026-03-20T10:17:45", datetime(2026, 3, 20, 10, 17, 45)),  # noqa: DTZ001 - the same
    ],
)
def test_a_date_is_local_time(text, local):
    assert moment(text, NOW) == local.timestamp()


@pytest.mark.parametrize("text", ["2026-03-20T10:17:45Z", "2026-03-20T12:17:45+02:00"])
def test_a_zone_counts(text):
    expected = datetime(2026, 3, 20, 10, 17, 45, tzinfo=timezone.utc)
    assert moment(text, NOW) == expected.timestamp()


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "5x", "-2h", "0001-01-01T00:00Z7"])
def test_anything_else_is_told_with_what_to_write(text):
    with pytest.raises(ValueError, match=f"'{text}' is not a time: write .* 30m, 2h, 7d"):
        moment(text, NOW)


@pytest.mark.parametrize("read", [event_argument, monitor_argument])
@pytest.mark.parametrize("text", ["-1", "+5", " 5", "5.0", "0x5", "007", "\u0663", str(2**63)])
def test_events_and_monitors_are_read_as_the_hook_reads_them(
    read: Callable[[str], object], text: str
) -> None:
    assert read("5") == 5
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number, got"):
        read(text)


def test_a_monitor_need_not_be_known() -> None:
    assert monitor_argument("") is None
    with pytest.raises(argparse.ArgumentTypeError):
        event_argument("")


# -- the parser ----------------------------------------------------------------------------------


def parser() -> Parser:
    parser = Parser(prog="zmhook probe", examples=["zmhook probe list"])
    listing = parser.add_command("list", "list things", "Twice.", examples=["zmhook probe list"])
    add_monitor(listing, "only this monitor")
    add_option(listing, "--broker-user", hidden=["--mqtt_username"], metavar="USER", help="user")
    listing.add_argument("--outcome", choices=["alarm", "nothing"])
    return parser


def complaint(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(argv)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (("lits",), "'lits'; did you mean 'list'?"),
        (("list", "--montor", "5"), "--montor, 1 more; did you mean '--monitor'?"),
        (("list", "--outcome", "alrm"), "'alrm'; did you mean 'alarm'?"),
        (("list", "--outcome", "xyz"), "'xyz'; choose from alarm, nothing"),
    ],
)
def test_a_mistake_suggests_what_was_meant(capsys, argv: tuple[str, ...], suggestion: str) -> None:
    assert suggestion in complaint(capsys, *argv)


def test_the_value_of_an_unknown_flag_is_not_repeated(capsys) -> None:
    line = complaint(capsys, "list", "--pasword=s3cret", "hunter2")
    assert "s3cret" not in line
    assert "hunter2" not in line


def test_an_older_spelling_works_and_is_not_shown() -> None:
    args = parser().parse_args(["list", "--monitorid", "5", "--mqtt_username", "me"])
    assert (args.monitor, args.broker_user) == (5, "me")
    text = parser().commands["list"].format_help()
    assert "--monitor MONITOR" in text
    assert "--monitorid" not in text
    assert "mqtt_username" not in text
    assert parser().parse_args(["list"]).broker_user is None


def test_help_has_a_description_and_an_example() -> None:
    text = parser().commands["list"].format_help()
    assert "List things. Twice." in text
    assert "example:\n  zmhook probe list\n" in text


def test_an_abbreviation_is_not_ambiguous_for_an_older_spelling() -> None:
    parser = Parser(prog="x")
    add_option(parser, "--api-key", hidden=["--api_key"])
    assert parser.parse_args(["--api", "k"]).api_key == "k"
