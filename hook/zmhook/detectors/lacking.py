"""What the models that a configuration names lack: known before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.detectors.base import location_of
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.detectors.model_file import ModelFile
    from zmhook.settings import Settings


def lacking(in_force: Iterable[Settings]) -> list[str]:
    """Return a line for each model that does not exist, and for each file that cannot be read."""
    lines = (line for settings in in_force for line in _of(settings))
    return list(dict.fromkeys(lines))


def _of(settings: Settings) -> Iterator[str]:
    for name in settings.general.models:
        try:
            location_of(name)
            for file in _files(name, settings):
                file.check()
        except DetectorError as error:
            yield str(error)


def _files(name: str, settings: Settings) -> list[ModelFile]:
    from zmhook.detectors.base import REMOTE

    if settings.remote.ml_gateway and name in REMOTE:
        return []  # the other machine has them
    make = {"yolo": _yolo, "face": _face, "alpr": _alpr}.get(name)
    return make(settings) if make else []


def _yolo(settings: Settings) -> list[ModelFile]:
    from zmhook.detectors.yolo.files import chosen

    files = chosen(settings.yolo)
    is_darknet = files.weights.path.suffix == ".weights"
    more = [files.config if is_darknet else None, files.labels]
    return [files.weights, *(file for file in more if file)]


def _face(settings: Settings) -> list[ModelFile]:
    from zmhook.detectors.model_file import ModelFile

    face = settings.face
    path = face.face_yunet_model if face.face_model == "yunet" else ""
    return [ModelFile("face_yunet_model", Path(path), "face")] if path else []


def _alpr(settings: Settings) -> list[ModelFile]:
    from zmhook.detectors.model_file import ModelFile

    alpr = settings.alpr
    path = alpr.plate_ocr if alpr.alpr_service == "local" else ""
    return [ModelFile("plate_ocr", Path(path), "alpr")] if path else []
