from __future__ import annotations

import logging
import shutil
import subprocess

import pytest

from zmhook.detectors.face import freshness, store, training
from zmhook.detectors.face.freshness import FreshFaces
from zmhook.detectors.face.store import folder_lock


@pytest.fixture
def fresh(settings):
    return lambda **options: FreshFaces(settings(**options))


@pytest.fixture
def no_training(monkeypatch):
    """From here on no picture may be looked at."""
    return lambda: monkeypatch.setattr(training, "make_finder", None)


def test_a_missing_file_is_trained_and_used_by_the_next_process(fresh, known_faces, no_training):
    assert sorted(fresh().current().people) == ["biden", "obama"]
    assert (known_faces / "faces.npz").is_file()
    no_training()
    assert sorted(fresh().current().people) == ["biden", "obama"]


def test_new_removed_and_renamed_pictures_are_seen_by_a_process_that_stays(fresh, known_faces):
    faces = fresh()
    faces.current()
    (known_faces / "biden").rename(known_faces / "joe")
    assert sorted(faces.current().people) == ["joe", "obama"]
    shutil.rmtree(known_faces / "obama")
    assert faces.current().people == ("joe",)
    (known_faces / "joe2").mkdir()
    shutil.copy(known_faces / "joe/1.jpg", known_faces / "joe2/1.jpg")
    assert sorted(faces.current().people) == ["joe", "joe2"]


def test_nothing_is_read_again_while_nothing_changes(fresh, known_faces, monkeypatch):
    faces = fresh()
    first = faces.current()
    monkeypatch.setattr(store, "read", None)
    assert faces.current() is first


def test_the_file_of_another_training_is_taken_up(fresh, known_faces):
    faces = fresh()
    faces.current()
    entries = store.read(known_faces / "faces.npz")
    changed = entries["obama/1.jpg"]._replace(encoding=entries["biden/1.jpg"].encoding)
    store.write(known_faces / "faces.npz", [entries["biden/1.jpg"], changed])
    encodings = faces.current().encodings
    assert (encodings[0] == encodings[1]).all()


@pytest.mark.parametrize("make", [True, False])
def test_no_pictures_is_one_info_line_and_nobody_known(fresh, tmp_path, caplog, make):
    if make:
        (tmp_path / "known_faces").mkdir()
    faces = fresh()
    with caplog.at_level(logging.INFO, "zmhook"):
        assert len(faces.current()) == 0
        assert len(faces.current()) == 0
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert "every face is unknown" in record.getMessage()
    assert str(tmp_path / "known_faces") in record.getMessage()


def test_a_damaged_file_is_told_and_made_again(fresh, known_faces, caplog):
    fresh().current()
    file = known_faces / "faces.npz"
    file.write_bytes(file.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING, "zmhook"):
        assert sorted(fresh().current().people) == ["biden", "obama"]
    assert "faces.npz is damaged" in caplog.text
    assert "training again" in caplog.text
    assert len(store.read(file)) == 2


def test_the_pickle_of_older_versions_is_mentioned_and_never_opened(fresh, known_faces, caplog):
    (known_faces / "faces.dat").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    with caplog.at_level(logging.INFO, "zmhook"):
        fresh().current()
    assert "faces.dat is of an older version and is not read" in caplog.text


def test_whoever_comes_second_uses_the_old_file(fresh, known_faces, monkeypatch, caplog):
    fresh().current()
    monkeypatch.setattr(freshness, "LOCK_WAIT", 0.1)
    (known_faces / "obama").rename(known_faces / "barack")
    faces = fresh()
    with folder_lock(known_faces, 0), caplog.at_level(logging.WARNING, "zmhook"):
        assert sorted(faces.current().people) == ["biden", "obama"]
    assert "another process is training" in caplog.text
    assert sorted(faces.current().people) == ["barack", "biden"]


def test_what_another_process_has_trained_meanwhile_is_not_trained_again(
    fresh, known_faces, monkeypatch
):
    from contextlib import contextmanager

    other = fresh()

    @contextmanager
    def lock_after_the_other(folder, wait):
        monkeypatch.setattr(freshness, "folder_lock", folder_lock)
        other.current()
        monkeypatch.setattr(training, "make_finder", None)
        yield True

    monkeypatch.setattr(freshness, "folder_lock", lock_after_the_other)
    assert sorted(fresh().current().people) == ["biden", "obama"]


def test_training_takes_a_share_of_the_event_and_goes_on_with_the_next(
    fresh, known_faces, caplog, monkeypatch
):
    faces = fresh(deadline=30)
    monkeypatch.setattr(freshness, "SHARE", -1)
    with caplog.at_level(logging.WARNING, "zmhook"):
        assert len(faces.current()) == 0
    assert "2 pictures are left for the next event" in caplog.text
    monkeypatch.undo()
    assert sorted(faces.current().people) == ["biden", "obama"]


def mounted(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs root, to mount")


def test_a_read_only_folder_is_trained_in_memory_with_one_warning(fresh, known_faces, caplog):
    mounted("--bind", known_faces, known_faces)
    try:
        mounted("-o", "remount,bind,ro", known_faces)
        faces = fresh()
        with caplog.at_level(logging.WARNING, "zmhook"):
            assert sorted(faces.current().people) == ["biden", "obama"]
            first = faces.current()
            assert faces.current() is first
        (record,) = caplog.records
        assert f"{known_faces}/faces.npz cannot be written" in record.getMessage()
        assert "Read-only file system" in record.getMessage()
    finally:
        subprocess.run(["umount", str(known_faces)], check=True)
    assert not (known_faces / "faces.npz").exists()


def test_a_folder_that_cannot_be_read_leaves_everybody_unknown(fresh, tmp_path, caplog):
    (tmp_path / "known_faces").write_text("")
    with caplog.at_level(logging.WARNING, "zmhook"):
        assert len(fresh().current()) == 0
    assert "known_images_path" in caplog.text
