from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.doctor.files import missing, models_here
from zmhook.errors import ModelFileError
from zmhook.settings import Alpr, Face, General, Remote, Settings, Yolo


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All models, of which no file is there but one that is empty."""
    (tmp_path / "labels.txt").touch()
    return Settings(
        general=General(models=("yolo", "hog", "face", "alpr", "gemini", "somebody-elses")),
        yolo=Yolo(weights=f"{tmp_path}/w.onnx", config="", labels=f"{tmp_path}/labels.txt"),
        face=Face(face_model="yunet", face_yunet_model=f"{tmp_path}/yunet.onnx"),
        alpr=Alpr(alpr_service="local", plate_ocr=f"{tmp_path}/ocr.onnx", plate_detector=""),
    )


def test_each_file_that_is_missing_is_named_with_its_setting(
    settings: Settings, tmp_path: Path, monkeypatch
) -> None:
    def gone(name: str) -> Path:
        raise ModelFileError(f"{name} is missing")

    monkeypatch.setattr("zmhook.detectors.face.dlib_parts.model_file", gone)
    found = missing(settings)
    beginnings = [
        f"[yolo] weights: {tmp_path}/w.onnx does not exist",
        f"[yolo] labels: {tmp_path}/labels.txt is empty",
        f"[face] face_yunet_model: {tmp_path}/yunet.onnx does not exist",
        "shape_predictor",
        "dlib_face_recognition",
        f"[alpr] plate_ocr: {tmp_path}/ocr.onnx does not exist",
    ]
    assert len(found) == len(beginnings)
    for line, beginning in zip(found, beginnings, strict=True):
        assert line.startswith(beginning)


def test_the_tiny_files_where_those_are_used(tmp_path: Path) -> None:
    yolo = Yolo(yolo_type="tiny", tiny_weights=f"{tmp_path}/t.weights", weights="/w")
    (line,) = [
        line
        for line in missing(Settings(general=General(models=("yolo",)), yolo=yolo))
        if "weights" in line
    ]
    assert line.startswith(f"[yolo] tiny_weights: {tmp_path}/t.weights does not exist")


def test_what_other_machines_have_is_not_needed_here(settings: Settings) -> None:
    given = Settings(
        general=settings.general, yolo=settings.yolo, remote=Remote(ml_gateway=("http://a",))
    )
    assert models_here(given) == ["gemini", "somebody-elses"]
    assert missing(given) == []
    here = Remote(ml_gateway=("http://a",), ml_fallback_local=True)
    assert "yolo" in models_here(Settings(general=settings.general, remote=here))


def test_nothing_is_missing_where_all_is_there(tmp_path: Path) -> None:
    (tmp_path / "w.onnx").write_bytes(b"x")
    yolo = Yolo(weights=f"{tmp_path}/w.onnx", config="", labels="")
    assert missing(Settings(general=General(models=("yolo", "hog")), yolo=yolo)) == []
