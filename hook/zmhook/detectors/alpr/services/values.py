"""Single values of an answer that may hold anything."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zmhook.net.error_body import complaint_in, error_in

if TYPE_CHECKING:
    from collections.abc import Callable

from zmhook.printable import one_line

LONGEST = 60


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        made = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return made if math.isfinite(made) else None


def share(value: Any, whole: float = 1.0) -> float:
    """Return a share of `whole` as 0..1; what is no number counts as 0."""
    return min(max((number(value) or 0.0) / whole, 0.0), 1.0)


def text(value: Any) -> str:
    """Return one short line; what is no text is empty."""
    return one_line(value, LONGEST, more="") if isinstance(value, str) else ""


def records(value: Any, most: int) -> list[dict[str, Any]]:
    """Return the objects of a list, at most so many."""
    found = value if isinstance(value, list) else []
    return [one for one in found[:most] if isinstance(one, dict)]


def first(value: Any) -> dict[str, Any]:
    """Return the first object of a list, or an empty one."""
    found = records(value, 1)
    return found[0] if found else {}


def record(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def are_results(answer: dict[str, Any], is_result: Callable[[dict[str, Any]], bool]) -> bool:
    """Say whether an answer has `results` that are of the expected kind.

    None are fine, unless an error or a text beside them says why; of several one is enough, since
    others may be odd.
    """
    results = answer.get("results")
    if not isinstance(results, list):
        return False
    if not results:
        return error_in(answer) is None and complaint_in(answer) is None
    return any(isinstance(row, dict) and is_result(row) for row in results)
