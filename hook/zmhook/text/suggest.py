"""Suggest the known word that somebody probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the end of a message, `; did you mean 'yolo'?`, or "" when no known word is close."""
    from difflib import get_close_matches  # slow to import, and only mistakes need it

    close = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{close[0]}'?" if close else ""
