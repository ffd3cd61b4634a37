import itertools
import os
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zmhook.errors import NoStore, StoreError
from zmhook.snapshots.store import schema
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.layout import INDEX

AT = 1_700_000_000.0


def numbers(rows):
    return [row.number for row in rows]


def test_no_store_is_told_from_an_empty_one(folder, opened):
    with pytest.raises(NoStore, match="start zmhook snapshots run, or correct snapshot_path"):
        Index.open(folder)
    folder.mkdir()
    with pytest.raises(NoStore):
        Index.open(folder)
    opened()
    with Index.open(folder) as index:
        assert (index.count(), index.rows(), index.get(0)) == (0, [], None)


def test_what_was_stored_is_found_by_its_number(folder, store, snapshot):
    (row,) = store.add([snapshot()])
    with Index.open(folder) as index:
        assert index.get(row.number) == row
        assert index.path(row).read_bytes().startswith(b"\xff\xd8")
        assert index.get(row.number + 1) is None


def test_rows_are_newest_first_and_by_what_is_asked(folder, store, snapshot):
    store.add(
        [
            snapshot(taken=AT + 3, label="Car", camera="gate"),
            snapshot(taken=AT + 1, monitor_id=2),
            snapshot(taken=AT + 2, monitor_id=None),
        ]
    )
    with Index.open(folder) as index:
        assert numbers(index.rows()) == [0, 2, 1]
        assert numbers(index.rows(limit=1, offset=1)) == [2]
        assert numbers(index.rows(monitor_id=2)) == [1]
        assert numbers(index.rows(camera="gate")) == [0]
        assert numbers(index.rows(label="car")) == [0]
        assert numbers(index.rows(since=AT + 2)) == [0, 2]
        assert numbers(index.rows(until=AT + 2)) == [2, 1]
        assert numbers(index.rows(since=AT + 2, label="human")) == [2]


def test_the_version_changes_with_each_commit_and_only_then(folder, store, snapshot):
    with Index.open(folder) as index:
        first = index.version()
        assert index.version() == first
        (row,) = store.add([snapshot()])
        second = index.version()
        assert second != first
        store.describe(row.number, {"x": "y"})
        assert index.version() not in (first, second)


def test_an_index_that_is_made_again_is_followed(folder, store, snapshot):
    store.add([snapshot()])
    with Index.open(folder) as index:
        before = index.version()
        (folder / INDEX).unlink()
        store.add([snapshot()])
        assert index.version() != before
        assert index.count() == 2


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        (AT - 9, AT - 1, []),
        (AT - 9, AT, [0]),
        (AT + 5, AT + 6, [0]),
        (AT + 10, AT + 19, [0]),
        (AT + 11, AT + 19, []),
        (AT + 11, AT + 20, [1]),
        (AT, AT + 100, [0, 1]),
    ],
)
def test_tracks_that_overlap_an_event(folder, store, snapshot, begin, end, found):
    store.add(
        [
            snapshot(start=AT, taken=AT + 4, end=AT + 10),
            snapshot(taken=AT + 20),
            snapshot(start=AT, end=AT + 30, monitor_id=2),
            snapshot(start=AT, end=AT + 30, monitor_id=None),
            snapshot(start=AT, end=AT + 30, label="Head"),
            snapshot(start=AT, end=AT + 30, label="LicensePlate"),
            snapshot(start=AT, end=AT + 30, label="Face"),
        ]
    )
    with Index.open(folder) as index:
        assert numbers(index.overlapping(1, begin, end)) == found


_examples = itertools.count(1)

lasting = st.tuples(
    st.integers(0, 1000),
    st.one_of(st.integers(0, 20), st.sampled_from([64, 65, 3600, 10**6])),
    st.integers(0, 1),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(lasting, min_size=1, max_size=20), st.integers(-10, 1010), st.integers(0, 50))
def test_overlapping_is_what_the_definition_says(opened, snapshot, tracks, begin, seconds):
    store = opened()
    own = 2 * next(_examples)  # the examples share a store, each has its monitors
    rows = store.add(
        [
            snapshot(start=start, taken=start, end=start + lasts, monitor_id=own + other)
            for start, lasts, other in tracks
        ]
    )
    end = begin + seconds
    expected = {
        row.number
        for row in rows
        if row.monitor_id == own and row.start <= end and row.end >= begin
    }
    with Index.open(store.folder) as index:
        found = index.overlapping(own, begin, end)
    assert set(numbers(found)) == expected
    assert [row.start for row in found] == sorted(row.start for row in found)


def test_no_more_than_asked_for(folder, store, snapshot):
    store.add([snapshot(taken=AT) for _ in range(5)])
    with Index.open(folder) as index:
        assert numbers(index.overlapping(1, AT, AT, most=2)) == [0, 1]


def test_a_look_for_tracks_reads_no_more_than_it_must(folder, store, snapshot):
    """Nothing is scanned, though some tracks last for days: SQLite's own count of its steps."""
    store.add(
        [
            snapshot(start=AT + 20 * n, taken=AT + 20 * n, end=AT + 20 * n + (3 if n % 50 else 1e5))
            for n in range(2000)
        ]
    )
    with Index.open(folder) as index:
        steps = []
        index._connection.set_progress_handler(lambda: steps.append(1) and None, 100)
        found = index.overlapping(1, AT + 1000, AT + 1010)
        assert 1 < len(found) < 5
        assert len(steps) < 40


def test_a_newer_index_is_refused(folder, opened):
    opened().close()
    connection = sqlite3.connect(folder / INDEX)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="version 99, made by a newer zmhook"):
        Index.open(folder)


def test_one_that_is_being_made_is_no_store_yet(folder):
    folder.mkdir()
    (folder / INDEX).touch()
    with pytest.raises(NoStore, match="still being made"):
        Index.open(folder)


def test_a_damaged_index_says_so(folder):
    folder.mkdir()
    (folder / INDEX).write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match=r"damaged .*: zmhook snapshots run rebuilds it"):
        Index.open(folder)


def test_nothing_can_be_written_through_it(folder, store, snapshot):
    store.add([snapshot()])
    with Index.open(folder) as index, pytest.raises(sqlite3.OperationalError, match="readonly"):
        index._connection.execute("DELETE FROM snapshots")


def test_who_may_not_write_may_read(folder, opened, snapshot, monkeypatch):
    store = opened()
    store.add([snapshot()])
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Index.open(folder) as index:
        first = index.version()
        assert index.count() == 1
        assert sorted(path.name for path in folder.glob("index*")) == [INDEX]
        store = opened()
        store.add([snapshot()])
        assert index.version() != first
        assert index.count() == 2


def test_a_reader_imports_nothing_of_the_writers():
    """A hook pays for it with each event."""
    code = (
        "import sys, zmhook.snapshots.store.index\n"
        "heavy = {'numpy', 'cv2', 'hashlib', 'ctypes', 'zmhook.snapshots.store.store'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lookup_goes_through_its_own_sql_index():
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.TABLES)
    from zmhook.snapshots.store import index

    given = {"monitor": 1, "begin": 0.0, "end": 1.0, "most": 9}
    plan = connection.execute(f"EXPLAIN QUERY PLAN {index._OVERLAPPING}", given).fetchall()
    connection.close()
    (search,) = [found[3] for found in plan if "snapshots" in found[3]]
    assert "(monitor_id=? AND span=? AND since>? AND since<?)" in search
