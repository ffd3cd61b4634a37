"""The models folder: which files are in it, and whether they are the manifest's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from zmhook.errors import DownloadError
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.models.manifest import Manifest, ManifestFile, Model
    from zmhook.settings import Config, Settings

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
    paths = {path for settings in _each(config) for path in _paths(settings)}
    root = Path(config.general.general.base_data_path, "models")
    return [
        model
        for model in manifest.models
        if any(str(root / file.path) in paths for file in model.files)
    ]


def _each(config: Config) -> Iterable[Settings]:
    return (config.general, *config.monitors.values())


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
