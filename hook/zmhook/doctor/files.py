"""The files that the models of a configuration need, without loading any of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zmhook.settings import Settings


def missing(settings: Settings) -> list[str]:
    """Return a line for each model file that is not there, or of no use before it is read."""
    lines = []
    for model in models_here(settings):
        for check in _CHECKS.get(model, _none)(settings):
            try:
                check()
            except DetectorError as error:
                lines.append(str(error))
    return lines


def models_here(settings: Settings) -> list[str]:
    """Return the models of the chain that this machine loads: other machines have the rest."""
    from zmhook.detectors.base import REMOTE

    remote = settings.remote
    elsewhere = REMOTE if remote.ml_gateway and not remote.ml_fallback_local else frozenset()
    return [name for name in settings.general.models if name not in elsewhere]


def _none(_: Settings) -> Iterator[Callable[[], object]]:
    return iter(())


def _yolo(settings: Settings) -> Iterator[Callable[[], object]]:
    from zmhook.detectors.model_files import yolo_files

    def check_weights() -> None:
        yolo_files(settings.yolo).weights.check()

    yield check_weights
    prefix = "tiny_" if settings.yolo.yolo_type == "tiny" else ""
    for key in ("config", "labels"):
        yield from _named(f"{prefix}{key}", getattr(settings.yolo, f"{prefix}{key}"), "yolo")


def _face(settings: Settings) -> Iterator[Callable[[], object]]:
    from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, model_file

    if settings.face.face_model == "yunet":
        yield from _named("face_yunet_model", settings.face.face_yunet_model, "face")
    for name in (LANDMARKS, ENCODER):
        yield partial(model_file, name)


def _alpr(settings: Settings) -> Iterator[Callable[[], object]]:
    if settings.alpr.alpr_service == "local":
        for key in ("plate_ocr", "plate_detector"):
            yield from _named(key, getattr(settings.alpr, key), "alpr")


def _named(key: str, path: str, section: str) -> Iterator[Callable[[], object]]:
    from zmhook.detectors.model_files import ModelFile

    if path:
        yield ModelFile(key, Path(path), section).check


_CHECKS = {"yolo": _yolo, "face": _face, "alpr": _alpr}
