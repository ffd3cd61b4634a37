"""A file of a model, and the setting that names it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from zmhook.errors import ModelFileError
from zmhook.storage.regular import reading


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
