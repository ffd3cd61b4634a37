from __future__ import annotations

import os
import shutil

import cv2
import numpy as np
import pytest

from zmhook.detectors.face import training
from zmhook.detectors.face.encoding import Encoder
from zmhook.detectors.face.pictures import listed
from zmhook.detectors.face.training import Trainer


@pytest.fixture
def train(known_faces, settings):
    """Train the folder with a trainer of its own; returns what came of it."""

    def run(known=None, face=None, **options):
        trainer = Trainer(settings(**(face or {})))
        return trainer.train(known_faces, listed(known_faces), known or {}, **options)

    return run


def add(known_faces, path, picture):
    target = known_faces / path
    target.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(target), picture)


def test_each_picture_becomes_an_entry(train, encodings):
    trained = train()
    assert sorted(trained.entries) == ["biden/1.jpg", "obama/1.jpg"]
    assert (trained.examined, trained.left) == (2, 0)
    for name in ("obama", "biden"):
        entry = trained.entries[f"{name}/1.jpg"]
        assert entry.reason == ""
        assert np.linalg.norm(entry.encoding - encodings[name]) < 0.15


def test_hog_trains_as_well(train, encodings):
    entries = train(face={"face_train_model": "hog"}).entries
    assert np.linalg.norm(entries["obama/1.jpg"].encoding - encodings["obama"]) < 0.15


def test_unchanged_pictures_are_not_looked_at_and_no_model_is_loaded(train, monkeypatch):
    first = train()
    monkeypatch.setattr(training, "make_finder", None)
    second = train(first.entries)
    assert second.examined == 0
    assert second.entries == first.entries


def test_a_touched_picture_is_known_by_its_content(train, known_faces, monkeypatch):
    first = train()
    os.utime(known_faces / "obama" / "1.jpg", (1, 1))
    monkeypatch.setattr(training, "make_finder", None)
    second = train(first.entries)
    assert second.examined == 0
    assert second.entries["obama/1.jpg"].mtime_ns == 1_000_000_000
    assert second.entries["obama/1.jpg"].encoding is first.entries["obama/1.jpg"].encoding


def test_a_renamed_person_keeps_the_encodings(train, known_faces, monkeypatch):
    first = train()
    (known_faces / "obama").rename(known_faces / "barack")
    monkeypatch.setattr(training, "make_finder", None)
    second = train(first.entries)
    assert sorted(second.entries) == ["barack/1.jpg", "biden/1.jpg"]


def test_a_removed_picture_leaves(train, known_faces):
    first = train()
    shutil.rmtree(known_faces / "biden")
    assert list(train(first.entries).entries) == ["obama/1.jpg"]


def test_a_changed_picture_is_looked_at_again(train, known_faces, image, encodings):
    first = train()
    add(known_faces, "obama/1.jpg", image("biden.jpg", width=480))
    second = train(first.entries)
    assert second.examined == 1
    assert np.linalg.norm(second.entries["obama/1.jpg"].encoding - encodings["biden"]) < 0.15


def test_a_change_within_the_same_size_and_time_is_what_the_quick_check_may_miss(
    train, known_faces
):
    """The price of the quick check, written down: same size and same nanosecond."""
    first = train()
    path = known_faces / "obama" / "1.jpg"
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert train(first.entries).examined == 0
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns + 1))
    assert train(first.entries).entries["obama/1.jpg"].reason.startswith("unreadable")


def test_rejected_pictures_say_why_and_are_not_tried_again(train, known_faces, image):
    add(known_faces, "x/none.jpg", image("dog.jpg"))
    add(known_faces, "x/two.jpg", image("two_people.jpg"))
    add(known_faces, "x/small_face.jpg", image("obama.jpg", width=110))
    add(known_faces, "x/small.png", np.zeros((30, 200, 3), np.uint8))
    (known_faces / "x/empty.jpg").write_bytes(b"")
    (known_faces / "x/page.jpg").write_bytes(b"<html><body>no</body></html>")
    whole = (known_faces / "obama/1.jpg").read_bytes()
    (known_faces / "x/cut.jpg").write_bytes(whole[: len(whole) // 2])
    first = train()
    reasons = {path: entry.reason for path, entry in first.entries.items() if entry.reason}
    assert reasons.pop("x/none.jpg") == "no face"
    assert reasons.pop("x/two.jpg") == "two faces"
    assert reasons.pop("x/small_face.jpg").startswith("too small: the face is 3")
    assert reasons.pop("x/small.png") == "too small: the picture is 200x30 pixels"
    assert sorted(reasons) == ["x/cut.jpg", "x/empty.jpg", "x/page.jpg"]
    assert all(reason.startswith("unreadable: ") for reason in reasons.values())
    assert not any("x/" in reason for reason in reasons.values())
    assert (first.examined, first.encoded, first.rejected) == (9, 2, 7)
    assert train(first.entries).examined == 0


def test_a_file_that_cannot_be_opened_is_tried_again(train, known_faces, monkeypatch):
    real = training.read

    def refuse(path, *more, **options):
        if path.name == "1.jpg" and path.parent.name == "obama":
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "read", refuse)
        first = train()
    assert first.entries["obama/1.jpg"].reason == "unreadable: Permission denied"
    second = train(first.entries)
    assert second.examined == 1
    assert second.entries["obama/1.jpg"].reason == ""


def test_other_settings_count_only_when_asked(train):
    first = train()
    other = {"face_num_jitters": 2}
    assert train(first.entries, other).examined == 0
    again = train(first.entries, other, same_recipe=True)
    assert again.examined == 2
    assert "jitters=2" in again.entries["obama/1.jpg"].recipe
    assert train(again.entries, other, same_recipe=True).examined == 0


def test_when_the_time_is_over_the_rest_is_left_with_what_it_had(train):
    nothing = train(seconds=-1)
    assert (nothing.entries, nothing.examined, nothing.left) == ({}, 0, 2)
    first = train()
    assert train(first.entries, seconds=-1).entries == first.entries


def test_what_is_done_is_saved_on_the_way(train, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", -1)
    saved = []
    train(save=lambda entries: saved.append(sorted(entries)))
    assert saved == [["biden/1.jpg"], ["biden/1.jpg", "obama/1.jpg"]]


def test_progress_is_told_per_picture(train):
    shown = []
    train(progress=lambda picture: shown.append(picture.path))
    assert shown == ["biden/1.jpg", "obama/1.jpg"]


def test_an_encoding_does_not_depend_on_the_other_pictures(train, known_faces, monkeypatch):
    alone = train().entries["obama/1.jpg"].encoding
    made = []
    monkeypatch.setattr(
        training, "Encoder", lambda jitters: made.append(jitters) or Encoder(jitters)
    )
    shutil.copy(known_faces / "biden/1.jpg", known_faces / "obama/0.jpg")
    again = train().entries["obama/1.jpg"].encoding
    assert np.array_equal(alone, again)
    assert made == [0]
