import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs

from zmhook.snapshots.snapshot import Amendment, Classification, SceneBox, StoredSnapshot
from zmhook.snapshots.store import rows, schema

STORED = {
    "number": 5,
    "file": "0000/image_00005_Human.jpg",
    "size": 4,
    "sha256": "ab",
    "width": 64,
    "height": 48,
}


@pytest.fixture
def row(snapshot):
    return rows.from_snapshot(snapshot(), **STORED)


def amendment(**fields):
    return Amendment(**{"camera": "front", "channel": 1, "track_id": "track-0", **fields})


def test_a_row_has_all_of_the_snapshot_but_its_bytes(snapshot):
    given = snapshot(start=1.0, end=2.0, score=0.5, colours=("red",), attributes={"hat": True})
    row = rows.from_snapshot(given, **STORED)
    shared = set(given.__struct_fields__) & set(StoredSnapshot.__struct_fields__)
    assert len(shared) == len(given.__struct_fields__) - 1
    assert all(getattr(row, name) == getattr(given, name) for name in shared)
    assert {name: getattr(row, name) for name in STORED} == STORED


anything = st.one_of(
    st.text(),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.text(alphabet=st.characters(categories=["Cs"])),
)


@given(
    text=st.text(alphabet=st.characters()),
    number=st.floats(),
    whole=st.integers(),
    attributes=st.dictionaries(st.text(), anything),
)
def test_nothing_from_the_network_is_unfit_for_the_index(text, number, whole, attributes):
    from zmhook.snapshots.snapshot import BestSnapshot

    given = BestSnapshot(
        camera=text,
        topic=text,
        format=text,
        track_id=text,
        taken=number,
        received=number,
        picture=b"x",
        monitor_id=whole,
        channel=whole,
        start=number,
        end=number,
        duration=number,
        label=text,
        score=number,
        classes=(Classification(text, number),) * 200,
        colours=(text,) * 200,
        attributes=attributes,
        box=SceneBox(number, 0, 1, 1),
    )
    row = rows.from_snapshot(rows.clean(given, now=7.0), **STORED)
    assert json.decode(json.encode(row), type=StoredSnapshot) == row
    assert schema.from_values(schema.to_values(row)[: len(schema.FIELDS)]) == row
    assert math.isfinite(row.taken)
    assert len(row.colours) == rows.MOST_VALUES


def test_a_lone_surrogate_is_replaced(snapshot):
    assert rows.clean(snapshot(label="\ud800x"), 0.0).label == "?x"


def test_a_time_that_is_none_is_that_of_arrival(snapshot):
    found = rows.clean(snapshot(taken=math.nan, received=math.inf), now=7.0)
    assert (found.taken, found.received) == (7.0, 7.0)


def test_what_is_right_is_left_alone(snapshot):
    given = snapshot(attributes={"speed": 1.5, "hat": True, "n": 3}, box=SceneBox(0, 0, 1, 1))
    assert rows.clean(given, 0.0) == given


def test_a_picture_that_came_again_adds_what_is_new(snapshot, row):
    later = snapshot(
        track_id=row.track_id, end=9.0, ended=True, label="Car", taken=row.taken - 1, score=None
    )
    both = rows.again(structs.replace(row, score=0.5), later)
    assert (both.end, both.ended, both.label, both.score) == (9.0, True, "Car", 0.5)
    assert both.taken == row.taken - 1
    assert (both.number, both.file, both.received) == (row.number, row.file, row.received)


def test_a_redelivered_message_changes_nothing(snapshot):
    given = snapshot(start=1.0, ended=True)
    row = rows.from_snapshot(given, **STORED)
    again = structs.replace(given, received=given.received + 60, taken=given.taken + 60)
    assert rows.again(row, again) == row


def test_an_amendment_changes_what_it_names(row):
    said = amendment(
        end=row.taken + 5, start=row.taken, ended=True, label="Car", score=0.9, renamed_to="x"
    )
    found = rows.amended(row, said)
    assert (found.ended, found.label, found.score, found.track_id) == (True, "Car", 0.9, "x")
    assert found.duration == 5.0
    assert found.colours == row.colours


def test_an_amendment_without_news_changes_nothing(row):
    assert rows.amended(row, amendment()) == row
    assert rows.amended(row, amendment(end=math.inf)) == row
