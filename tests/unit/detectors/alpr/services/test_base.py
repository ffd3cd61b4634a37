from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import (
    PlateServiceError,
    Upload,
    are_results,
    first,
    number,
    records,
    share,
    text,
    upload,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(ANYTHING)
def test_anything_becomes_a_value_of_its_kind(value):
    found = number(value)
    assert found is None or math.isfinite(found)
    assert 0 <= share(value) <= 1
    assert text(value).isprintable()
    assert isinstance(first(value), dict)
    assert all(isinstance(one, dict) for one in records(value, 2))


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400])
def test_what_is_no_number(value):
    assert number(value) is None


def test_shares_of_a_whole():
    assert share(94.25, 100) == pytest.approx(0.9425)
    assert share(-3) == 0
    assert share(7) == 1


def test_texts_are_one_short_line():
    assert text(" a\nb\x00 " + "c" * 99).startswith("a b c")
    assert len(text("c" * 99)) == 60


def test_only_so_many():
    assert len(records([{}] * 9, 4)) == 4
    assert records([1, {}, None], 9) == [{}]


@pytest.mark.parametrize(
    "beside",
    [
        {"detail": "Monthly quota exceeded", "status": 0},
        {"errors": ["license expired"]},
        {"message": "License expired", "code": 7},
        {"error_msg": "no credits left"},
        {"status": {"code": 7, "message": "License expired"}},
        {"error": True},
        {"success": True, "message": "Too many requests"},
        {"message": "No plates left this month"},
        {"errors": [{"code": "E7"}]},
    ],
)
def test_an_error_beside_no_results_is_not_no_plate(beside):
    assert not are_results({"results": [], **beside}, bool)
    assert are_results({"results": [{"plate": "x"}], **beside}, bool)


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"error": False, "errors": [], "message": None, "detail": ""},
        {"message": "OK", "code": 200},
        {"msg": "success"},
        {"message": "No license plates found."},
        {"detail": "0 results"},
        {"status": "ok", "message": "took 3 ms"},
        {"usage": {"calls": 1, "max_calls": 2}, "filename": "a.jpg"},
    ],
)
def test_a_harmless_text_beside_no_results_is_no_plate(beside):
    assert are_results({"results": [], **beside}, bool)


NOISE = np.random.default_rng(3).integers(0, 255, (600, 1200, 3), np.uint8)


def test_a_small_picture_is_sent_as_it_is():
    sent = upload(NOISE[:100, :200], 1600, 1 << 22)
    assert (sent.across, sent.down) == (200, 100)
    assert cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_COLOR).shape == (100, 200, 3)


def test_a_large_one_is_reduced_and_its_boxes_are_brought_back():
    sent = upload(NOISE, 300, 1 << 22)
    assert (sent.across, sent.down) == (300, 150)
    assert sent.to_picture(75, 75, 150, 150) == Box(300, 300, 600, 600)
    assert sent.corners({"xmin": 75, "ymin": 75, "xmax": 150, "ymax": 150}) == Box(
        300, 300, 600, 600
    )


def test_a_service_has_a_limit_of_bytes():
    sent = upload(NOISE, 1600, 100_000)
    assert len(sent.data) <= 100_000
    assert sent.across < 1200
    assert sent.across / sent.down == pytest.approx(2, abs=0.05)


def test_what_does_not_fit_at_all_is_not_sent():
    with pytest.raises(PlateServiceError, match="does not fit into 100 bytes") as caught:
        upload(NOISE, 1600, 100)
    assert caught.value.short == "alpr skipped: picture too large"


def test_boxes_stay_inside_the_picture():
    sent = Upload(b"", 300, 150, 1200, 600)
    assert sent.to_picture(-1e9, -5, 1e9, 1e300) == Box(0, 0, 1200, 600)
    assert sent.to_picture(299, 149, 10, 10) == Box(1196, 596, 1197, 597)


def test_points_are_surrounded():
    sent = Upload(b"", 300, 150, 300, 150)
    points = [{"x": 10, "y": 22}, {"x": 50, "y": 20}, {"x": "7", "y": None}]
    assert sent.around(points) == Box(10, 20, 50, 22)
    assert sent.around([{"x": 1}]) is None
    assert sent.around([]) is None


@pytest.mark.parametrize("said", [{}, {"xmin": 1, "ymin": 1, "xmax": 2}, {"xmin": "1"}])
def test_what_is_no_box(said):
    assert Upload(b"", 300, 150, 300, 150).corners(said) is None
