"""Known faces: none, stale, rejected, and as they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zmhook.detectors.face import store
from zmhook.detectors.face.pictures import listed
from zmhook.doctor.faces import checks


@pytest.fixture
def found(patient) -> Callable[[], list]:
    def examine() -> list:
        return [each for check in checks(patient("models = face\n")) for each in check.run()]

    return examine


@pytest.fixture
def folder(patient, tmp_path: Path) -> Path:
    patient()
    made = tmp_path / "data" / "known_faces"
    (made / "ann").mkdir(parents=True)
    return made


def train(folder: Path, rejected: str = "") -> None:
    rows = []
    for path, picture in listed(folder).items():
        fields = {field: 0 if field in store._NUMBERS else "" for field in store.FaceEntry._fields}
        fields |= dict(zip(store.FaceEntry._fields[:3], picture, strict=True))
        is_bad = path == rejected
        fields |= {"reason": "no face" if is_bad else ""}
        fields |= {"encoding": None if is_bad else np.zeros(128, np.float32)}
        rows.append(store.FaceEntry(**fields))
    store.write(folder / store.FILE, rows)


def test_only_where_faces_are_used(patient):
    assert checks(patient("models = hog\n")) == []


def test_nobody_is_known(found, folder: Path):
    (finding,) = found()
    assert finding.state == "warning"
    assert "every face is unknown" in finding.text


def test_stale_faces(found, folder: Path):
    (folder / "ann" / "1.jpg").write_bytes(b"x")
    (finding,) = found()
    assert finding.state == "fault"
    assert finding.text.endswith("removed since the last training: ann/1.jpg")
    assert finding.cure.startswith("zmhook train-faces")
    train(folder)
    assert found()[0].state == "ok"
    (folder / "ann" / "1.jpg").write_bytes(b"another one")
    assert found()[0].state == "fault"
    (folder / "ann" / "1.jpg").unlink()
    (folder / "ann" / "2.jpg").write_bytes(b"y")
    assert "ann/1.jpg, ann/2.jpg" in found()[0].text
    for name in ("3.jpg", "4.jpg"):
        (folder / "ann" / name).write_bytes(b"z")
    assert found()[0].text.endswith("ann/3.jpg and 1 more")


def test_pictures_of_no_use(found, folder: Path):
    for name in ("1.jpg", "2.jpg"):
        (folder / "ann" / name).write_bytes(b"x")
    train(folder, rejected="ann/2.jpg")
    (finding,) = found()
    assert (finding.state, finding.text) == (
        "warning",
        "1 pictures of 1 people are trained, 1 cannot be used",
    )
