import pytest

from zmhook.snapshots.formats import values


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (-2.5, -2.5),
        ("3.5", 3.5),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("1" * 1000, None),
        ([1], None),
        ({}, None),
    ],
)
def test_a_number_is_finite(value, number):
    assert values.number(value) == number


@pytest.mark.parametrize(
    ("value", "score"), [(0, 0.0), (1, 1.0), (1.01, None), (-0.01, None), (74.4, None), ("x", None)]
)
def test_a_fraction_is_from_nought_to_one(value, score):
    assert values.fraction(value) == score


@pytest.mark.parametrize(
    ("value", "channel"),
    [(1, 1), (0, 0), ("2", 2), (1.0, 1), (1.5, None), (-1, None), (10**9, None), (None, None)],
)
def test_a_channel_is_a_small_whole_number(value, channel):
    assert values.channel(value) == channel


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Human", "Human"),
        (" license plate ", "license plate"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..\\x", ".._x"),
        ("a\nb\0c\x1b[31m", "a b c [31m"),
        ("\u202egnp", "gnp"),
        ("x" * 1_000_000, "x" * 64),
        (5, ""),
        (None, ""),
    ],
)
def test_a_label_is_no_path_and_short(value, label):
    assert values.label(value) == label


def test_an_id_is_text_of_a_bounded_length():
    assert values.identity("abc") == "abc"
    assert values.identity(25) == "25"
    assert values.identity(True) == values.identity(None) == values.identity(1.5) == ""
    assert values.identity(10**4300) == ""


def test_long_ids_stay_apart():
    one, other = values.identity("x" * 5000 + "1"), values.identity("x" * 5000 + "2")
    assert len(one) == len(other) == 64
    assert one != other


def test_members_of_another_kind_are_left_out():
    assert values.mappings([{"a": 1}, 2, None, "x", []]) == [{"a": 1}]
    assert values.mappings({"a": 1}) == values.mappings(None) == []
    assert values.mapping([1]) == {}
