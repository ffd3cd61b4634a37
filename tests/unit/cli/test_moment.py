from datetime import datetime, timezone

import pytest

from zmhook.cli.moment import moment

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
