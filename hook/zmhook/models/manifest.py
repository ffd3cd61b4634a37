"""The manifest: the model files that can be fetched, and which of them are in the models folder."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from zmhook.errors import DownloadError
from zmhook.storage.regular import read, reading
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.text.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings import Config, Settings

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


def line_to_type(model: str, *, again: bool = False) -> str:
    """Return what to type for a model's files; as root, zmhook becomes whose their folder is.

    With `again` for files that are there, and of no use.
    """
    return f"sudo zmhook models get {model}{' --force' if again else ''}"


State = Literal["ok", "missing", "changed"]

_BLOCK = 1 << 20


class ModelStore:
    """The folder `folder`, that holds the model files."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path_of(self, file: ManifestFile) -> Path:
        return self.folder / file.path

    def state(self, file: ManifestFile) -> State:
        """`ok` when the file is there with the manifest's checksum.

        Raises `DownloadError` when it is there and cannot be read.
        """
        path = self.path_of(file)
        try:
            if not path.exists():
                return "missing"
            if file.size is not None and path.stat().st_size != file.size:
                return "changed"
            return "ok" if sha256(path) == file.sha256 else "changed"
        except OSError as error:
            raise DownloadError(f"{path} cannot be read: {error.strerror}") from None

    def state_of(self, model: Model) -> State:
        """Return the worst state of the model's files."""
        states = {self.state(file) for file in model.files}
        return next(state for state in ("changed", "missing", "ok") if state in states)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with reading(path, follow=True) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def used(manifest: Manifest, config: Config) -> list[Model]:
    """Return the models whose files the configuration's chains read, for any monitor."""
    paths = {path for settings in config.in_force() for path in _paths(settings)}
    root = Path(config.general.general.base_data_path, "models")
    return [
        model
        for model in manifest.models
        if any(str(root / file.path) in paths for file in model.files)
    ]


def _paths(settings: Settings) -> Iterable[str]:
    """Yield the model files that this chain reads."""
    if "yolo" in settings.general.models:
        prefix = "tiny_" if settings.yolo.yolo_type == "tiny" else ""
        yield getattr(settings.yolo, f"{prefix}weights")
        yield getattr(settings.yolo, f"{prefix}config")
    face = settings.face
    if "face" in settings.general.models and "yunet" in (face.face_model, face.face_train_model):
        yield face.face_yunet_model
    alpr = settings.alpr
    if "alpr" in settings.general.models and alpr.alpr_service == "local":
        yield alpr.plate_ocr
        yield alpr.plate_detector
