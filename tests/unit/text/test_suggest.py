"""The suggestion for a misspelt word."""

from __future__ import annotations

from zmhook.text.suggest import did_you_mean


def test_a_close_word_is_suggested() -> None:
    assert did_you_mean("portl", ["user", "portal"]) == "; did you mean 'portal'?"
    assert did_you_mean("zzz", ["user", "portal"]) == ""
    assert did_you_mean("portl", ["user", "portal"], 0.99) == ""
