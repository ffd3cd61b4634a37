import pytest

from zmhook.snapshots.formats.classes import NOTHING, classes_of, track_attributes
from zmhook.snapshots.snapshot import Classification


def test_the_likeliest_is_first_whatever_the_order():
    found = classes_of(
        {
            "classes": [
                {"type": "Bus"},
                {"type": "Car", "score": 0.2},
                {"type": "Truck", "score": 0.7, "colors": [{"name": "Red"}]},
            ]
        }
    )
    assert (found.label, found.score, found.colours) == ("Truck", 0.7, ("red",))
    assert found.all[-1] == Classification("Bus", None)


@pytest.mark.parametrize(
    "content",
    [
        {"class": {"type": "Human", "score": 0.7}},
        {"classes": [{"type": "Human", "score": 0.7}]},
        {"classes": {"type": "Human", "score": 0.7}},
        {"class": [{"type": "Human", "score": "0.7"}]},
        {"class": {"name": "Human", "score": 0.7}},
    ],
)
def test_one_class_or_several(content):
    assert classes_of(content).all == (Classification("Human", 0.7),)


@pytest.mark.parametrize("content", [{"class": "Human"}, {"classes": ["Human"]}])
def test_a_class_may_be_its_name_alone(content):
    assert classes_of(content).all == (Classification("Human", None),)


@pytest.mark.parametrize(
    "given", [None, [], {}, "", 5, [None], [[]], [{}], [{"type": None}], [{"type": ""}], {"a": 1}]
)
def test_a_class_may_be_missing(given):
    assert classes_of({"classes": given}) == classes_of({"class": given}) == NOTHING


@pytest.mark.parametrize("score", [-0.1, 1.1, "nan", "inf", None, [], 10**400])
def test_a_score_that_is_none_is_left_out(score):
    assert classes_of({"class": {"type": "Car", "score": score}}).score is None


def test_colours_are_lower_case_and_the_strongest_first():
    colours = [{"name": "Gray", "score": 0.3}, {"name": "Black", "score": 0.6}, "White", 5, {}]
    found = classes_of({"class": {"type": "Car", "colors": colours}})
    assert found.colours == ("black", "gray", "white")


def test_a_persons_clothes_are_told_apart():
    found = classes_of(
        {
            "class": {
                "type": "Human",
                "upper_clothing_colors": [{"name": "black", "score": 0.6}],
                "lower_clothing_colors": [{"name": "Blue", "score": 0.4}, {"name": "black"}],
            }
        }
    )
    assert found.colours == ("black", "blue")
    assert found.attributes == {
        "upper_clothing_colors": "black",
        "lower_clothing_colors": "blue, black",
    }


def test_whatever_else_a_class_has_is_an_attribute():
    found = classes_of(
        {
            "class": {
                "type": "Head",
                "face_visible": True,
                "license_plate": {"text": "AB 12", "score": 0.9, "more": [1]},
                "hat": "Cap",
                "age": 7,
                "nothing": None,
                "empty": [],
            }
        }
    )
    assert found.attributes == {
        "face_visible": True,
        "license_plate_text": "AB 12",
        "license_plate_score": 0.9,
        "hat": "Cap",
        "age": 7.0,
    }


def test_everything_is_bounded():
    long = "x" * 10_000
    extras = {f"key{key}": long for key in range(1000)}
    one = {"score": 0.5, "colors": ["a", "b", "c"] * 50, **extras}
    found = classes_of({"classes": [{"type": f"Class{number}", **one} for number in range(100)]})
    assert len(found.all) == 16
    assert len(found.attributes) == 32
    assert all(len(value) <= 200 for value in found.attributes.values())
    assert found.colours == ("a", "b", "c")


@pytest.mark.parametrize("name", ["max_speed", "maximum_speed"])
def test_either_name_of_a_speed(name):
    assert track_attributes({name: 3.5}) == {"maximum_speed": 3.5}


def test_what_a_track_says_beside():
    content = {
        "parts": [{"object_track_id": "a"}, {"object_track_id": "b"}, {}],
        "minimum_speed": "fast",
        "end_reason": "Completed",
    }
    assert track_attributes(content) == {"parts": "a, b"}
    assert track_attributes({"end_reason": "Merged"}) == {"end_reason": "Merged"}
