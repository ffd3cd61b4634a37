"""The files that `[yolo]` names, and whether they can be read at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detectors.model_file import ModelFile
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from zmhook.settings import Yolo


class ModelFiles(NamedTuple):
    """What one network is made of; `config` and `labels` are None where the setting is empty."""

    weights: ModelFile
    config: ModelFile | None
    labels: ModelFile | None
    labels_key: str
    head_key: str = "[yolo] yolo_head"
    """The setting that says what kind of network it is, where there is one."""


def chosen(settings: Yolo) -> ModelFiles:
    """Return the files of `yolo_type`; raises `ModelFileError` when there are no weights."""
    prefix = "tiny_" if settings.yolo_type == "tiny" else ""
    weights = _named(settings, f"{prefix}weights")
    if weights is None:
        raise ModelFileError(f"[yolo] {prefix}weights is empty; name an .onnx or .weights file")
    return ModelFiles(
        weights=weights,
        config=_named(settings, f"{prefix}config"),
        labels=_named(settings, f"{prefix}labels"),
        labels_key=f"[yolo] {prefix}labels",
    )


def _named(settings: Yolo, key: str) -> ModelFile | None:
    name: str = getattr(settings, key)
    return ModelFile(key, Path(name)) if name else None
