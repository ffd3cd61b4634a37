from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from zmhook.detectors.face.pictures import DEEPEST, listed, loose, person_of, without
from zmhook.errors import TrainingError


@pytest.fixture
def folder(tmp_path):
    for name in (
        "anna/1.jpg",
        "anna/2.JPEG",
        "anna/notes.txt",
        "anna/.hidden.jpg",
        "anna/holiday/3.jpg",
        "Łukasz K/x.png",
        ".trash/1.jpg",
        "README.md",
        "faces.npz",
        "loose.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"abc")
    return tmp_path


def test_the_pictures_of_each_person_are_listed(folder):
    assert sorted(listed(folder)) == [
        *("anna/1.jpg", "anna/2.JPEG", "anna/holiday/3.jpg", "Łukasz K/x.png")
    ]


def test_a_picture_carries_its_size_and_time(folder):
    status = (folder / "anna/1.jpg").stat()
    assert listed(folder)["anna/1.jpg"] == ("anna/1.jpg", 3, status.st_mtime_ns)


def test_the_person_is_the_folder():
    assert person_of("Łukasz K/x.png") == "Łukasz K"


def test_a_name_from_a_mac_is_as_people_write_it():
    assert person_of("Ju\u0308rgen/2023/1.jpg") == "J\u00fcrgen"


def test_folders_in_a_persons_folder_are_read_to_a_depth(tmp_path):
    deep = tmp_path / "anna" / "/".join("x" * DEEPEST)
    deep.mkdir(parents=True)
    (deep / "too_deep.jpg").touch()
    (deep.parent / "1.jpg").touch()
    (tmp_path / "anna" / "round").symlink_to(tmp_path)
    assert [path.rpartition("/")[2] for path in listed(tmp_path)] == ["1.jpg"]


def test_people_without_a_picture(folder):
    (folder / "carl" / "empty").mkdir(parents=True)
    assert without(folder, listed(folder)) == ["carl"]


def test_pictures_beside_the_folders_are_told_apart(folder):
    assert loose(folder) == ["loose.jpg"]


def test_a_person_may_be_a_link_to_a_folder_elsewhere(folder, tmp_path_factory):
    album = tmp_path_factory.mktemp("album")
    (album / "a.jpg").write_bytes(b"abc")
    (folder / "ben").symlink_to(album)
    assert "ben/a.jpg" in listed(folder)


def test_what_is_no_picture_is_listed_so_that_training_says_so(folder):
    anna = folder / "anna"
    for name, target in (("ben", "/nonexistent"), ("eve", "eve")):
        (folder / name).symlink_to(target)
    (anna / "gone.jpg").symlink_to("/nonexistent")
    (anna / "loop.jpg").symlink_to("loop.jpg")
    (anna / "folder.jpg").mkdir()
    os.mkfifo(anna / "fifo.jpg")
    found = listed(folder)
    assert {f"anna/{name}.jpg" for name in ("gone", "loop", "fifo")} <= found.keys()
    assert not any(path.startswith(("ben", "eve", "anna/folder")) for path in found)


def test_no_folder_is_no_pictures(tmp_path):
    assert listed(tmp_path / "none") == {}
    assert loose(tmp_path / "none") == []


def test_a_folder_that_cannot_be_read_is_an_error_that_names_the_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"known_images_path: .*/file cannot be read"):
        listed(tmp_path / "file")


def test_a_person_whose_folder_cannot_be_read_is_passed_over_with_a_warning(
    folder, caplog, monkeypatch
):
    import os

    real = os.scandir

    def refuse(path):
        if Path(path).name == "anna":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with caplog.at_level(logging.WARNING, "zmhook"):
        assert list(listed(folder)) == ["Łukasz K/x.png"]
    assert "anna: cannot be read and is passed over: Permission denied" in caplog.text
