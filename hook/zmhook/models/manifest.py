"""The manifest: the model files that can be fetched, their sources, licences and checksums."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated

from msgspec import Meta, Struct

from zmhook.errors import DownloadError
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.text.names import did_you_mean

BUILT_IN = {
    "hog": "people; comes inside OpenCV",
    "face": "faces, hog and cnn; come with the extra face (dlib, face_recognition_models)",
}
"""Models that need no file of their own."""

UNSIZED_LIMIT = 1 << 20
"""Bytes at most of a file whose size the manifest does not tell (small text files)."""

Url = Annotated[str, Meta(pattern="^https?://")]


class ManifestFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file. `path` is below the models folder; `urls` are tried in their order."""

    path: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    urls: Annotated[tuple[Url, ...], Meta(min_length=1)]
    size: Annotated[int, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ValueError(f"path '{self.path}' must lie inside the models folder")

    @property
    def limit(self) -> int:
        """Bytes that are accepted at most."""
        return self.size or UNSIZED_LIMIT


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A model: its files, and the settings (`section.key`) that name them."""

    name: str
    description: str
    licence: str
    licence_url: str
    settings: dict[str, str]
    files: Annotated[tuple[ManifestFile, ...], Meta(min_length=1)]

    @property
    def size(self) -> int:
        """Bytes of the files whose size is known."""
        return sum(file.size or 0 for file in self.files)


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """All models that can be fetched."""

    models: tuple[Model, ...]

    def pick(self, names: list[str]) -> list[Model]:
        """Return the models of these names. Raises `DownloadError` naming the unknown ones."""
        known = {model.name: model for model in self.models}
        wrong = [name for name in names if name not in known and name not in BUILT_IN]
        if wrong:
            close = did_you_mean(wrong[0], known)
            hint = close or f"; known: {', '.join(known)}"
            raise DownloadError(
                f"no model is called {', '.join(wrong)}{hint} (built in: {', '.join(BUILT_IN)})"
            )
        return [known[name] for name in dict.fromkeys(names) if name in known]


def load_manifest(path: str | Path | None = None) -> Manifest:
    """Read a manifest, by default the one in the package.

    Raises `DownloadError` when it cannot be read or is not a manifest.
    """
    source = Path(path) if path else Path(__file__).with_name("manifest.json")
    try:
        return decoded(read(source, follow=True), Manifest)
    except (OSError, Unreadable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DownloadError(f"the manifest {source} cannot be used: {reason}") from None


def model_at(path: Path) -> str | None:
    """Return which of the models that can be fetched has its file at such a path, if one has."""
    try:
        models = load_manifest().models
    except DownloadError:
        return None
    for model in models:
        for file in model.files:
            parts = PurePosixPath(file.path).parts
            if path.parts[-len(parts) :] == parts:
                return model.name
    return None
