"""The files that `[yolo]` names, checked, and the labels read from one of them."""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detectors.model_file import ModelFile
from zmhook.errors import ModelFileError
from zmhook.labels.coco import COCO
from zmhook.printable import one_line
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Mapping

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


log = logging.getLogger(__name__)

MAX_BYTES = 1 << 20
"""A labels file is a few KiB; whatever is larger is another file."""


def labels_of(file: ModelFile | None, metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the labels that the user's file, else the network's metadata says; None: neither.

    Raises `ModelFileError` when the file cannot be used.
    """
    if file is not None:
        return _from_file(file)
    return _from_metadata(metadata.get("names", ""))


def default(classes: int | None) -> tuple[str, ...] | None:
    """Return COCO's labels where the network has as many classes."""
    return COCO if classes == len(COCO) else None


def _from_file(file: ModelFile) -> tuple[str, ...]:
    file.check()
    try:
        lines = read(file.path, MAX_BYTES, follow=True).decode("utf-8-sig").rstrip().split("\n")
    except OSError:
        raise ModelFileError(
            f"{file} is too large for a labels file; expected one label a line"
        ) from None
    except UnicodeDecodeError:
        raise ModelFileError(f"{file} is not text; expected one label a line (UTF-8)") from None
    return tuple(map(one_line, lines))


def _from_metadata(names: str) -> tuple[str, ...] | None:
    """Read what Ultralytics' exporter writes: `{0: 'person', 1: 'bicycle'}`, or a list."""
    if not names:
        return None
    try:
        value = ast.literal_eval(names)
        items = [value[i] for i in range(len(value))]
    except (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError):
        log.warning("the labels inside the network's file cannot be read and are not used")
        return None
    return tuple(map(one_line, items))
