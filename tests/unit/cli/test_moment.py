import argparse
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from zmhook.cli.moment import event_argument, moment, monitor_argument

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
    with pytest.raises(ValueError, match=f"'{text}' is no time: write 2026-03-20, .* 30m, 2h, 7d"):
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
