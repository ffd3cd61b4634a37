import errno
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.errors import StoreError
from zmhook.snapshots.snapshot import Classification, SceneBox, StoredSnapshot
from zmhook.snapshots.store import schema
from zmhook.snapshots.store.schema import store_errors

LEAST = StoredSnapshot(
    number=3,
    file="0000/image_00003_Car.jpg",
    size=9,
    sha256="ab",
    camera="front",
    topic="t",
    format="f",
    track_id="x",
    taken=10.0,
    received=11.0,
)
MOST = StoredSnapshot(
    number=2**50,
    file="f",
    size=9,
    sha256="ab",
    camera="Göteborg",
    topic="t",
    format="f",
    track_id="x",
    taken=10.0,
    received=11.0,
    monitor_id=7,
    channel=0,
    start=8.0,
    end=12.5,
    duration=4.5,
    ended=True,
    label="Car",
    score=0.5,
    classes=(Classification("Car", 0.5), Classification("Truck")),
    colours=("red", "white"),
    attributes={"plate": "AB 123", "speed": 1.5, "count": 2, "hat": False},
    box=SceneBox(0.1, 0.2, 0.3, 0.4),
    crop=SceneBox(0, 0, 1, 1),
    width=64,
    height=48,
    description={"description": "a red car", "alarm": "no"},
)


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.TABLES)
    yield connection
    connection.close()


@pytest.mark.parametrize("row", [LEAST, MOST])
def test_a_row_is_read_as_it_was_written(connection, row):
    connection.execute(schema.PUT, schema.to_values(row))
    values = connection.execute(f"SELECT {schema.COLUMNS} FROM snapshots").fetchone()
    assert schema.from_values(values) == row


def test_the_most_row_leaves_no_field_at_its_default():
    assert all(getattr(MOST, name) is not None for name in schema.FIELDS)


def test_every_field_is_a_column_that_people_can_ask_for(connection):
    columns = [column[1] for column in connection.execute("PRAGMA table_info(snapshots)")]
    assert set(columns[: len(schema.FIELDS)]) == set(schema.FIELDS)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_a_span_is_the_least_power_that_holds_the_time(since, seconds):
    until = since + seconds
    power = schema.span(since, until)
    assert until - since <= 2**power
    assert power == 0 or until - since > 2 ** (power - 1)


def test_a_time_beyond_reason_has_the_last_span():
    assert schema.span(0.0, 1e300) == schema.SPANS - 1


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [(None, None, (10, 10)), (8.0, None, (8, 10)), (8.0, 9.0, (8, 9)), (12.0, 9.0, (12, 12))],
)
def test_a_track_lasts_from_start_to_end_as_far_as_they_are_known(start, end, times):
    row = StoredSnapshot(
        **{**{f: getattr(LEAST, f) for f in schema.FIELDS}, "start": start, "end": end}
    )
    assert schema.times(row) == times


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full, nothing was stored"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full, nothing was stored"),
        (
            OSError(errno.EROFS, "Read-only file system", "/x"),
            "cannot be used.*/x: Read-only",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "cannot be used: is it read-only",
        ),
        (OSError(errno.EIO, "Input/output error", "/x"), "cannot be read or written .*/x: Input"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
        (
            sqlite3.OperationalError("attempt to write a readonly database"),
            "cannot be used: is it read-only",
        ),
        (
            sqlite3.DatabaseError("file is not a database"),
            "damaged .* snapshots run rebuilds it",
        ),
        (sqlite3.OperationalError("database is locked"), "index cannot be read or written"),
    ],
)
def test_each_error_is_one_line_that_names_the_folder(error, message):
    with (
        pytest.raises(StoreError, match=f"^/snaps: .*{message}") as caught,
        store_errors(Path("/snaps")),
    ):
        raise error
    assert "\n" not in str(caught.value)


def test_a_store_error_is_left_as_it_is():
    with pytest.raises(StoreError, match=r"^mine$"), store_errors(Path("/snaps")):
        raise StoreError("mine")
