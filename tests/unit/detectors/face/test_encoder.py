from __future__ import annotations

import numpy as np
import pytest

from zmhook.detectors.face.encoder import Encoder


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

    picture = image("two_people.jpg")
    face = hog_finder.find(picture)[0]
    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    box = face.box
    shape = encoder._landmarks(rgb, dlib.rectangle(box.x1, box.y1, box.x2 - 1, box.y2 - 1))
    whole = np.array(encoder._network.compute_face_descriptor(rgb, shape, 0))
    assert np.linalg.norm(whole - encoder.encode(picture, face)) < 0.02


def test_jitters_average_copies_of_the_same_face(image, hog_finder, encodings):
    picture = image("obama.jpg")
    jittered = Encoder(jitters=3).encode(picture, hog_finder.find(picture)[0])
    moved = np.linalg.norm(jittered - encodings["obama"])
    assert 0.001 < moved < 0.25
