from __future__ import annotations

import pytest

from zmhook.detection import Box
from zmhook.detectors.face.finders import make_finder
from zmhook.settings import Face

# From YuNet and hog on the full pictures, which agree; x1, y1, x2, y2.
OBAMA = Box(366, 115, 620, 405)


@pytest.fixture(scope="session")
def cnn_finder():
    # Without upsampling it needs faces of 80 pixels, and a small picture takes it a second.
    return make_finder("cnn", Face(face_upsample_times=0, face_max_size=420))


def test_hog_yunet_and_cnn_find_the_same_face(image, hog_finder, yunet_finder, cnn_finder):
    picture = image("obama.jpg")
    boxes = []
    for finder in (hog_finder, yunet_finder, cnn_finder):
        (face,) = finder.find(picture)
        boxes.append(face.box)
        assert face.box.iou(OBAMA) > 0.7
        assert 0.5 < face.certainty <= 1
    assert boxes[0].iou(boxes[1]) > 0.6
    assert boxes[0].iou(boxes[2]) > 0.6
    assert boxes[1].iou(boxes[2]) > 0.6


@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder"])
def test_two_faces_are_found_surest_first(image, finder, request):
    faces = request.getfixturevalue(finder).find(image("two_people.jpg"))
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert sorted(face.box.x1 > 563 for face in faces) == [False, True]


@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder"])
def test_no_face_is_found_where_there_is_none(image, finder, request):
    assert request.getfixturevalue(finder).find(image("dog.jpg")) == []


def test_dlibs_square_from_yunets_box_is_hogs(image, hog_finder, yunet_finder):
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        picture = image(name)
        left, top, side = hog_finder.find(picture)[0].square
        left2, top2, side2 = yunet_finder.find(picture)[0].square
        hog = Box(round(left), round(top), round(left + side), round(top + side))
        yunet = Box(round(left2), round(top2), round(left2 + side2), round(top2 + side2))
        assert hog.iou(yunet) > 0.68


def test_a_face_over_the_edge_has_its_box_clipped_but_not_its_square(image, hog_finder):
    (face,) = hog_finder.find(image("obama_partial_face.jpg"))
    assert face.box.x1 == 0
    assert face.square[0] < -30


@pytest.fixture(scope="session")
def fifty_pixels(image):
    """obama.jpg so that his face, of 258 pixels, has 50."""
    return image("obama.jpg", width=round(910 * 50 / 258))


def test_a_face_of_50_pixels_needs_upsampling_with_hog(fifty_pixels, hog_finder, cache):
    assert hog_finder.find(fifty_pixels) == []
    (face,) = make_finder("hog", Face(face_upsample_times=1), cache).find(fifty_pixels)
    assert 40 <= face.box.width <= 62
    assert face.box.iou(Box(72, 22, 122, 80)) > 0.6


def test_a_face_of_50_pixels_is_found_by_yunet(fifty_pixels, yunet_finder):
    (face,) = yunet_finder.find(fifty_pixels)
    assert face.box.iou(Box(72, 22, 122, 80)) > 0.6


def test_face_max_size_reduces_what_is_searched_but_boxes_stay_in_the_picture(image, yunet):
    finder = make_finder("yunet", Face(face_yunet_model=yunet, face_max_size=320))
    (face,) = finder.find(image("obama.jpg"))
    assert face.box.iou(OBAMA) > 0.7


def test_face_min_confidence_is_the_least_score_of_yunet(image, yunet):
    strict = make_finder("yunet", Face(face_yunet_model=yunet, face_min_confidence=0.99))
    assert strict.find(image("obama.jpg")) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (8, 8), (19, 200)])
@pytest.mark.parametrize("finder", ["hog_finder", "yunet_finder", "cnn_finder"])
def test_a_tiny_picture_has_no_face(image, finder, size, request):
    width, height = size
    tiny = image("obama.jpg")[:height, :width]
    assert request.getfixturevalue(finder).find(tiny) == []
