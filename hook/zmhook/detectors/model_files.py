"""The files of models: the settings that name them, whether they are there, their labels."""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detectors.base import REMOTE, location_of
from zmhook.errors import DetectorError, ModelFileError
from zmhook.labels import COCO
from zmhook.printable import one_line
from zmhook.storage.regular import read, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from zmhook.settings import Settings, Yolo

log = logging.getLogger(__name__)


MAX_LABELS_BYTES = 1 << 20
"""A labels file is a few KiB; whatever is larger is another file."""


class ModelFile(NamedTuple):
    """A file and the setting that names it; `str()` is the beginning of an error about it."""

    key: str
    path: Path
    section: str = "yolo"

    def __str__(self) -> str:
        return f"[{self.section}] {self.key}: {self.path}"

    @property
    def again(self) -> str:
        """What to do about a file that is of no use; only what the manifest has can be fetched."""
        line = self._line(again=True)
        return f"fetch it again with '{line}'" if line else "copy it again"

    @property
    def both_again(self) -> str:
        """As `again`, about this file and the one that belongs to it."""
        line = self._line(again=True)
        return f"fetch both again with '{line}'" if line else "copy both again"

    def check(self) -> None:
        """Raise `ModelFileError` unless this is a readable file with something in it."""
        problem = self._problem()
        if problem:
            raise ModelFileError(f"{self} {problem}")

    def _problem(self) -> str:
        try:
            if self.path.is_dir():
                return "is a directory; name the file in it"
            if self.path.exists() and not self.path.is_file():
                return "is no file, but a device or a pipe; name the model's file"
            with reading(self.path, follow=True) as file:
                empty = not file.read(1)
        except FileNotFoundError:
            return self._missing()
        except PermissionError:
            return "may not be read by this user; correct its owner or mode"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        return f"is empty; {self.again}" if empty else ""

    def _missing(self) -> str:
        if line := self._line():
            return f"does not exist; fetch it with '{line}', or correct the setting"
        return "does not exist; copy it there, or correct the setting"

    def _line(self, *, again: bool = False) -> str:
        """Return what to type where the manifest has such a path, else "". For errors only."""
        from zmhook.models.manifest import line_to_type, model_at

        model = model_at(self.path)
        return line_to_type(model, again=again) if model else ""


class ModelFiles(NamedTuple):
    """What one network is made of; `config` and `labels` are None where the setting is empty."""

    weights: ModelFile
    config: ModelFile | None
    labels: ModelFile | None
    labels_key: str
    head_key: str = "[yolo] yolo_head"
    """The setting that says what kind of network it is, where there is one."""
    size: tuple[int, int] | None = None
    """`(width, height)` to run a network with where its file leaves both open; None: its own."""


def yolo_files(settings: Yolo) -> ModelFiles:
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


def labels_of(file: ModelFile | None, metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the labels that the user's file, else the network's metadata says; None: neither.

    Raises `ModelFileError` when the file cannot be used.
    """
    if file is not None:
        return _from_file(file)
    return _from_metadata(metadata.get("names", ""))


def default_labels(classes: int | None) -> tuple[str, ...] | None:
    """Return COCO's labels where the network has as many classes."""
    return COCO if classes == len(COCO) else None


def _from_file(file: ModelFile) -> tuple[str, ...]:
    file.check()
    try:
        lines = (
            read(file.path, MAX_LABELS_BYTES, follow=True).decode("utf-8-sig").rstrip().split("\n")
        )
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


# -- what a configuration lacks, before anything is loaded -----------------------------------------


def lacking(in_force: Iterable[Settings]) -> list[str]:
    """Return a line for each model that does not exist, and for each file that cannot be read."""
    lines = (line for settings in in_force for line in _lacking(settings))
    return list(dict.fromkeys(lines))


def _lacking(settings: Settings) -> Iterator[str]:
    for name in settings.general.models:
        try:
            location_of(name)
            for file in _files_of(name, settings):
                file.check()
        except DetectorError as error:
            yield str(error)


def _files_of(model: str, settings: Settings) -> list[ModelFile]:
    face, alpr = settings.face, settings.alpr
    if settings.remote.ml_gateway and model in REMOTE:
        return []  # the other machine has them
    if model == "yolo":
        files = yolo_files(settings.yolo)
        is_darknet = files.weights.path.suffix == ".weights"
        more = [files.config if is_darknet else None, files.labels]
        return [files.weights, *(file for file in more if file)]
    if model == "face" and face.face_model == "yunet" and face.face_yunet_model:
        return [ModelFile("face_yunet_model", Path(face.face_yunet_model), "face")]
    if model == "alpr" and alpr.alpr_service == "local" and alpr.plate_ocr:
        return [ModelFile("plate_ocr", Path(alpr.plate_ocr), "alpr")]
    return []
