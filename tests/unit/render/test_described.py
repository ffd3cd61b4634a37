from __future__ import annotations

import pytest
from msgspec import structs

from zmhook.detection import Box
from zmhook.render.described import about, descriptions, sentence


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("A man with a parcel.", 60, "A man with a parcel."),
        ("\n \n  A man\twith\x07 a parcel.\nHe rings.", 60, "A man with a parcel."),
        ("A man with a parcel.", 10, "A man wi.."),
        ("A man with a parcel.", 7, "A man.."),
        ("", 60, "a postman"),
        (" \n\x00", 60, "a postman"),
    ],
)
def test_first_line_in_so_many_characters(described, text: str, most: int, expected: str) -> None:
    assert sentence(described(text), most) == expected


def test_nothing_was_said(described) -> None:
    assert sentence(described("", label=" "), 60) == ""


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,3,4", Box(1, 2, 3, 4)),
        ("", None),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("a,b,c,d", None),
    ],
)
def test_what_was_asked_about(described, text: str, box: Box | None) -> None:
    assert about(structs.replace(described(), attributes={"about": text})) == box


def test_whatever_has_no_such_attribute_is_about_everything(found) -> None:
    assert about(found()) is None


def test_only_descriptions_describe(found, described) -> None:
    said = described()
    assert descriptions([found(), said]) == [said]
