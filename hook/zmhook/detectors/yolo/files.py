"""The files that `[yolo]` names, and whether they can be read at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import ModelFileError
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from zmhook.settings import Yolo


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
        model = self._model
        return f"fetch it again with 'zmhook models get {model}'" if model else "copy it again"

    @property
    def both_again(self) -> str:
        """As `again`, about this file and the one that belongs to it."""
        model = self._model
        return f"fetch both again with 'zmhook models get {model}'" if model else "copy both again"

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
            return "does not exist; fetch it with 'zmhook models get' or correct the setting"
        except PermissionError:
            return "may not be read by this user; correct its owner or mode"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        return f"is empty; {self.again}" if empty else ""

    @property
    def _model(self) -> str | None:
        """Name what the manifest has at such a path. Asked for errors only."""
        from zmhook.models.manifest import model_at

        return model_at(self.path)


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
