"""What a network's classes are called."""

from __future__ import annotations

import ast
import logging
from typing import TYPE_CHECKING

from zmhook.errors import ModelFileError
from zmhook.labels.coco import COCO
from zmhook.printable import one_line
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.detectors.model_file import ModelFile

log = logging.getLogger(__name__)

MAX_BYTES = 1 << 20
"""A labels file is a few KiB; whatever is larger is another file."""


def given(file: ModelFile | None, metadata: Mapping[str, str]) -> tuple[str, ...] | None:
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
