import pytest
from msgspec import json

from zmhook.errors import StoreError
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store.export import LIST, export
from zmhook.snapshots.store.index import Index


@pytest.fixture
def index(folder, store, snapshot):
    store.add([snapshot(label="Car"), snapshot(), snapshot()])
    with Index.open(folder) as index:
        yield index


def test_pictures_and_what_is_known_of_them(index, tmp_path):
    rows = index.rows()
    done = export(index, rows, tmp_path / "a" / "b")
    assert (done.written, done.gone) == (3, [])
    listed = json.decode((tmp_path / "a" / "b" / LIST).read_bytes(), type=list[StoredSnapshot])
    assert [row.number for row in listed] == [0, 1, 2]
    assert listed[0].file == "image_00000_Car.jpg"
    for row in listed:
        copy = tmp_path / "a" / "b" / row.file
        assert copy.read_bytes() == index.path(index.get(row.number)).read_bytes()


def test_a_second_export_adds_to_the_first(index, tmp_path):
    to = tmp_path / "to"
    export(index, [index.get(0), index.get(1)], to)
    export(index, [index.get(1), index.get(2)], to)
    assert [row["number"] for row in json.decode((to / LIST).read_bytes())] == [0, 1, 2]


def test_a_picture_that_is_gone_is_told(index, tmp_path):
    rows = index.rows()
    index.path(index.get(1)).unlink()
    done = export(index, rows, tmp_path / "to")
    assert (done.written, [row.number for row in done.gone]) == (2, [1])
    assert len(json.decode((tmp_path / "to" / LIST).read_bytes())) == 2


def test_nothing_of_others_is_replaced(index, tmp_path):
    taken = tmp_path / "image_00000_Car.jpg"
    taken.write_bytes(b"other")
    with pytest.raises(StoreError, match="is there and another picture: export to another folder"):
        export(index, [index.get(0)], tmp_path)
    assert taken.read_bytes() == b"other"
    (tmp_path / LIST).write_text("{}")
    with pytest.raises(StoreError, match="is no list of best snapshots"):
        export(index, [index.get(1)], tmp_path)


def test_a_folder_that_cannot_be_made_is_told(index, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"file.*: Not a directory"):
        export(index, [], tmp_path / "file" / "to")
