"""What dlib's two finders have in common: their rectangles and their scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zmhook.detectors.face.finders import Found

if TYPE_CHECKING:
    from zmhook.detectors.face.finders.scale import Scaled


def found(rectangle: Any, score: float, scaled: Scaled) -> Found:
    """Turn a dlib rectangle in the searched picture into a `Found` in the original."""
    left, top = float(rectangle.left()), float(rectangle.top())
    right, bottom = float(rectangle.right()) + 1, float(rectangle.bottom()) + 1
    square = left / scaled.x, top / scaled.y, (right - left) / scaled.x
    return Found(scaled.box(left, top, right, bottom), square, score, certainty(score))


def certainty(score: float) -> float:
    """Map the distance from dlib's decision boundary to 0..1.

    The score is 0 at the boundary and mostly 1 to 2 for a clear frontal face; the logistic
    function makes that 0.5 and 0.88 to 0.98.
    """
    return 1 / (1 + math.exp(-2 * score))
