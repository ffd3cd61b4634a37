from __future__ import annotations

import pytest

from zmhook.detection import Box
from zmhook.detectors.alpr.services.openalpr_answer import plates
from zmhook.detectors.alpr.services.upload import Upload

SENT = Upload(b"", 800, 400, 800, 400)
CORNERS = [{"x": 10, "y": 20}, {"x": 90, "y": 22}, {"x": 90, "y": 52}, {"x": 10, "y": 50}]


def test_the_surest_comes_first_and_the_weak_are_left_out(fake_plates_module):
    weak = {"plate": "B", "confidence": 20, "coordinates": CORNERS}
    sure = fake_plates_module.openalpr_result("ab1", (800, 400), vehicle=False)
    low = {"plate": "C", "confidence": 60.5, "coordinates": CORNERS}
    found = plates({"results": [weak, low, sure]}, SENT, 0.3)
    assert [(one.text, one.confidence) for one in found] == [("AB1", 0.9425), ("C", 0.605)]
    assert found[1].box == Box(10, 20, 90, 52)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"plate": "A", "confidence": 90},
        {"plate": "A", "confidence": 90, "coordinates": []},
        {"plate": "A", "confidence": 90, "coordinates": [{"x": None, "y": 3}]},
        {"plate": 7, "confidence": 90, "coordinates": CORNERS},
        {"plate": "A", "confidence": "90", "coordinates": CORNERS},
        None,
    ],
)
def test_what_is_no_plate_is_left_out(result):
    assert plates({"results": [result]}, SENT, 0.3) == []


def test_a_confidence_above_a_hundred_is_one():
    (found,) = plates(
        {"results": [{"plate": "A", "confidence": 300, "coordinates": CORNERS}]}, SENT, 0
    )
    assert found.confidence == 1
