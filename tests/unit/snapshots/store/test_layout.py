from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.snapshots.store import layout


@pytest.mark.parametrize(
    ("number", "label", "data", "file"),
    [
        (0, "Human", b"\xff\xd8", "0000/image_00000_Human.jpg"),
        (1023, "Car", b"\xff\xd8", "0000/image_01023_Car.jpg"),
        (1024, "Car", layout.PNG, "0001/image_01024_Car.png"),
        (100_000, "", b"\xff\xd8", "0097/image_100000_unknown.jpg"),
        (20_000_000, "Bus", b"", "19531/image_20000000_Bus.jpg"),
    ],
)
def test_a_picture_lies_where_the_earlier_script_put_it(number, label, data, file):
    assert layout.picture_file(number, label, data) == file


@pytest.mark.parametrize(
    ("label", "safe"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("license plate", "license-plate"),
        ("Vehicle_Other", "Vehicle-Other"),
        ("\0\n", "unknown"),
        ("..", "unknown"),
        ("Größe", "Gr-e"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_label_becomes_a_name_that_leads_nowhere_else(label, safe):
    assert layout.safe_label(label) == safe


@given(st.integers(0, layout.HIGHEST - 1), st.text())
def test_a_file_name_tells_its_number_again(number, label):
    file = layout.picture_file(number, label, b"\xff\xd8")
    folder, _, name = file.rpartition("/")
    assert folder == layout.folder_name(number)
    assert layout.read_name(name).number == number
    assert len(name) < 100


def test_a_name_without_a_class_has_no_label():
    assert layout.read_name("image_00007_unknown.png") == (7, "")


@pytest.mark.parametrize(
    "name",
    [
        "image_7_Car.jpg",
        "image_00007_Car.jpeg",
        "image_00007.jpg",
        "image_1000000000000_x.jpg",
        ".image_00007.tmp",
        "x.jpg",
    ],
)
def test_other_files_are_no_pictures_of_ours(name):
    assert layout.read_name(name) is None


def test_an_earlier_label_may_hold_anything():
    assert layout.read_name("image_00007_a b_c.jpg") == (7, "a b_c")


def test_folders_are_in_order_of_their_numbers(tmp_path: Path):
    for name in ("0002", "10000", "9999", "abc", "1"):
        (tmp_path / name).mkdir()
    (tmp_path / "0003").write_text("no folder")
    assert layout.folders(tmp_path) == ["0002", "9999", "10000"]


def test_a_temporary_file_is_told_from_a_picture():
    name = layout.temporary_file(1025).partition("/")[2]
    assert layout.is_temporary(name)
    assert layout.read_name(name) is None
    assert not layout.is_temporary("image_01025_Car.jpg")
