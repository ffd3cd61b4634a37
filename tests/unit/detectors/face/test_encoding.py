from __future__ import annotations

import numpy as np
import pytest

from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, load_model
from zmhook.detectors.face.encoding import Encoder, KnownFaces, lookalikes


def distance(encodings, one, other):
    return float(np.linalg.norm(encodings[one] - encodings[other]))


def test_an_encoding_is_128_numbers(encodings):
    assert encodings["obama"].shape == (128,)
    assert np.isfinite(encodings["obama"]).all()


def test_pictures_of_one_person_are_near_and_of_two_people_far(encodings):
    assert distance(encodings, "obama", "obama2") == pytest.approx(0.346, abs=0.03)
    assert distance(encodings, "obama", "obama_partial_face") < 0.4
    assert distance(encodings, "obama", "biden") == pytest.approx(0.840, abs=0.03)
    assert distance(encodings, "obama2", "biden") > 0.7


def test_the_finder_hardly_matters(image, yunet_finder, encoder, encodings):
    for name in ("obama", "obama2", "biden"):
        picture = image(f"{name}.jpg")
        mine = encoder.encode(picture, yunet_finder.find(picture)[0])
        assert np.linalg.norm(mine - encodings[name]) < 0.08


def test_the_cut_around_the_face_changes_nothing(image, hog_finder, encoder):
    """dlib on the whole picture gives the same as on the part that we hand it."""
    import dlib

    landmarks = load_model(dlib.shape_predictor, LANDMARKS)
    network = load_model(dlib.face_recognition_model_v1, ENCODER)
    picture = image("two_people.jpg")
    face = hog_finder.find(picture)[0]
    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    box = face.box
    shape = landmarks(rgb, dlib.rectangle(box.x1, box.y1, box.x2 - 1, box.y2 - 1))
    whole = np.array(network.compute_face_descriptor(rgb, shape, 0))
    assert np.linalg.norm(whole - encoder.encode(picture, face)) < 0.02


def test_jitters_average_copies_of_the_same_face(image, hog_finder, encodings):
    picture = image("obama.jpg")
    jittered = Encoder(jitters=3).encode(picture, hog_finder.find(picture)[0])
    moved = np.linalg.norm(jittered - encodings["obama"])
    assert 0.001 < moved < 0.25


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
