"""The numbers of events and monitors."""

from __future__ import annotations

import pytest

from zmhook.text import ids

ODD = [
    "",
    "-1",
    "+5",
    " 5",
    "5 ",
    "5\n",
    "5.0",
    "5e0",
    "0x5",
    "007",
    "1_000",
    "\u0663",
    "\u00b2",
    "\uff15",
    str(2**63),
    "9" * 30,
    "9" * 5000,
    "seven",
    "\udcff",
]


@pytest.mark.parametrize("text", ["0", "1", "5", "4711", str(2**53), str(2**63 - 1)])
def test_a_number_is_one(text: str) -> None:
    assert ids.parsed(text, "event") == int(text)
    assert ids.parsed_or_none(text, "event") == int(text)


@pytest.mark.parametrize("text", ODD)
def test_what_is_none_is_told_in_a_short_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^monitor: expected a whole number, got '") as no:
        ids.parsed(text, "monitor")

    assert len(str(no.value)) < 120
    assert str(no.value).isprintable()


def test_none_at_all_may_be_allowed() -> None:
    assert ids.parsed_or_none("", "monitor") is None
    with pytest.raises(ValueError, match="monitor"):
        ids.parsed_or_none(" ", "monitor")
