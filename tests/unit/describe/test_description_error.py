from __future__ import annotations

from zmhook.describe.description_error import DescriptionError, quoted
from zmhook.errors import ModelSkipped


def test_it_is_a_model_that_was_skipped() -> None:
    error = DescriptionError("blocked", "the answer is blocked", final=True)
    assert isinstance(error, ModelSkipped)
    assert (error.short, str(error)) == ("gemini skipped: blocked", "gemini: the answer is blocked")


def test_what_a_server_says_is_one_short_line_without_our_key() -> None:
    assert quoted("key AIza-1\n is\x1b[31m bad", "AIza-1") == "key *** is [31m bad"
    assert len(quoted("x" * 10_000)) == 200
    assert quoted(None) == ""
