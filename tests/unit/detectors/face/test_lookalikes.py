from __future__ import annotations

import numpy as np
import pytest

from zmhook.detectors.face.known import KnownFaces
from zmhook.detectors.face.lookalikes import lookalikes


def along(*positions):
    """Encodings on one line, so that distances are differences."""
    encodings = np.zeros((len(positions), 128))
    encodings[:, 0] = positions
    return encodings


def test_nobody_looks_like_nobody():
    assert lookalikes(KnownFaces([], [], np.empty((0, 128))), 0.6) == []


def test_one_person_looks_like_nobody_else():
    assert lookalikes(KnownFaces("aa", ["a/1", "a/2"], along(0, 0.1)), 0.6) == []


def test_pairs_below_the_threshold_come_nearest_first_with_their_nearest_pictures():
    people = ["c", "a", "b", "a"]
    sources = ["c/1", "a/1", "b/1", "a/2"]
    found = lookalikes(KnownFaces(people, sources, along(2.5, 0, 1.4, 1.0)), 1.2)
    assert [pair[:4] for pair in found] == [("a", "b", "a/2", "b/1"), ("b", "c", "b/1", "c/1")]
    assert [pair.distance for pair in found] == pytest.approx([0.4, 1.1])


def test_the_same_as_comparing_each_with_each():
    rng = np.random.default_rng(5)
    people = [f"p{i}" for i in rng.integers(0, 12, 80)]
    known = KnownFaces(people, [str(i) for i in range(80)], rng.normal(0, 0.05, (80, 128)))
    expected = {}
    for i in range(80):
        for j in range(80):
            if people[i] < people[j]:
                distance = np.linalg.norm(known.encodings[i] - known.encodings[j])
                pair = people[i], people[j]
                expected[pair] = min(distance, expected.get(pair, 9))
    expected = {pair: distance for pair, distance in expected.items() if distance <= 0.7}
    found = {(pair.person, pair.other): pair.distance for pair in lookalikes(known, 0.7)}
    assert 5 < len(found) < 66
    assert found == pytest.approx(expected, abs=1e-5)
