from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detectors.alpr.plates import LONGEST, Formats, Known, Owner, normalised

NAMES = {"B-XY 123": "Anna", "M-?? 4*": "delivery", "*TAXI": "taxi"}


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("b-xy 123", "BXY123"),
        ("苏E·D51712", "苏ED51712"),
        ("straße", "STRASSE"),
        ("_-. ", ""),
        ("A" * 99, "A" * LONGEST),
    ],
)
def test_texts_are_letters_and_digits(written, plain):
    assert normalised(written) == plain


@given(st.text(max_size=60))
def test_what_is_normalised_stays_so(text):
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BXY123", "Anna"),
        ("BXY1234", None),
        ("XBXY123", None),
        ("MAB4", "delivery"),
        ("MAB47K", "delivery"),
        ("MABC4", None),
        ("MAB5", None),
        ("TAXI", "taxi"),
        ("77TAXI", "taxi"),
        ("", None),
    ],
)
def test_whose_a_plate_is(text, name):
    owner = Known(NAMES).owner(text)
    assert (owner and owner.name) == name
    assert owner is None or owner.exact


@pytest.mark.parametrize("text", ["BXY128", "BXY1Z23", "BXY13", "XBXY123", "BXY1234", "8XY123"])
def test_a_plate_that_differs_by_one_character_is_taken_for_it_when_asked_to(text):
    assert Known(NAMES).owner(text) is None
    assert Known(NAMES, off_by_one=True).owner(text) == Owner("Anna", exact=False)


@pytest.mark.parametrize("text", ["BXY18", "BYX123", "CXY128", "B123"])
def test_two_characters_are_too_many(text):
    assert Known(NAMES, off_by_one=True).owner(text) is None


def test_wildcards_stay_what_they_are_with_one_character_off():
    near = Known({"AB?12*": "Anna"}, off_by_one=True)
    assert near.owner("ABX12ZZ") == Owner("Anna", exact=True)
    assert near.owner("ABX92ZZ") == Owner("Anna", exact=False)
    assert near.owner("ABX99ZZ") is None


def test_a_short_plate_is_not_guessed_at():
    assert Known({"AB1": "Anna"}, off_by_one=True).owner("AB2") is None


def test_a_plate_between_two_owners_is_nobodys():
    near = Known({"ABC123": "Anna", "ABC124": "Bert"}, off_by_one=True)
    assert near.owner("ABC125") is None
    assert near.owner("ABC124") == Owner("Bert", exact=True)
    both = Known({"ABC123": "Anna", "ABC124": "Anna"}, off_by_one=True)
    assert both.owner("ABC125") == Owner("Anna", exact=False)


def test_the_first_that_fits_is_taken():
    assert Known({"AB*": "Anna", "ABC": "Bert"}).owner("ABC") == Owner("Anna", exact=True)
    assert Known({"A-B": "Anna", "A B": "Bert"}).owner("AB") == Owner("Anna", exact=True)


@pytest.mark.parametrize("written", ["*", "**", "-", ""])
def test_what_would_be_every_plate_is_not_used(written, caplog):
    assert Known({written: "Anna"}).owner("ABC123") is None
    assert "[known-plates]" in caplog.text


def test_regular_expressions_are_only_text():
    assert Known({"A.C": "Anna"}).owner("ABC") is None
    assert Known({"A.C": "Anna"}).owner("AC") == Owner("Anna", exact=True)


def test_many_stars_take_no_time():
    assert Known({"*A" * 12 + "*B": "Anna"}).owner("A" * LONGEST) is None


def test_forms():
    forms = Formats(("[A-Z]{1,3}[0-9]{1,4}", "[0-9]{4}"))
    assert forms.fits("AB12")
    assert forms.fits("1234")
    assert not forms.fits("AB12X")
    assert Formats(()).fits("anything")


def test_the_first_reading_that_has_a_form_is_the_best():
    forms = Formats(("[A-Z]{2}[0-9]{2}",))
    assert forms.best([("A8-12", 0.9), ("ab 12", 0.7), ("XY 34", 0.6)]) == ("AB12", 0.7)
    assert forms.best([("A812", 0.9)]) is None
    assert Formats(()).best([("-", 0.9), ("a-1", 0.8)]) == ("A1", 0.8)
