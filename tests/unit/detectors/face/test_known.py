from __future__ import annotations

import numpy as np
import pytest

from zmhook.detectors.face.known import KnownFaces


def random_known(count, seed=7):
    encodings = np.random.default_rng(seed).normal(0, 0.1, (count, 128))
    return KnownFaces(
        [f"p{i}" for i in range(count)], [f"p{i}/1.jpg" for i in range(count)], encodings
    )


def test_nobody_is_near_when_nobody_is_known():
    assert KnownFaces([], [], np.empty((0, 128))).nearest(np.zeros(128)) is None


@pytest.mark.parametrize("count", [1, 2, 10, 5000])
def test_the_nearest_is_the_one_that_comparing_all_finds(count):
    known = random_known(count)
    for query in np.random.default_rng(3).normal(0, 0.1, (20, 128)):
        distances = np.linalg.norm(known.encodings.astype(np.float64) - query, axis=1)
        nearest = known.nearest(query)
        assert nearest.person == f"p{distances.argmin()}"
        assert nearest.source == f"p{distances.argmin()}/1.jpg"
        assert nearest.distance == pytest.approx(distances.min(), abs=1e-6)


def test_of_nearly_equal_ones_the_nearest_is_found():
    """Closer together than single precision can tell by |a|² + |b|² - 2ab."""
    base = np.full(128, 0.1)
    encodings = np.stack([base + offset for offset in (4e-5, 3e-5, 1e-5, 2e-5)])
    known = KnownFaces("abcd", "abcd", encodings)
    assert known.nearest(base).person == "c"


def test_the_same_encoding_is_at_distance_zero():
    known = random_known(100)
    nearest = known.nearest(known.encodings[42])
    assert nearest == ("p42", "p42/1.jpg", 0.0)


def test_obama2_is_obama_and_biden_is_not(encodings):
    known = KnownFaces(["obama"], ["obama/1.jpg"], [encodings["obama"]])
    assert known.nearest(encodings["obama2"]).distance < 0.6
    assert known.nearest(encodings["biden"]).distance > 0.6
