"""The known people as their pictures are now: trains when pictures have changed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.detectors.face import store
from zmhook.detectors.face.pictures import listed
from zmhook.detectors.face.store import folder_lock
from zmhook.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.detectors.face.encoding import KnownFaces
    from zmhook.detectors.face.pictures import KnownPicture
    from zmhook.detectors.face.store import FaceEntries
    from zmhook.settings import Settings

LOCK_WAIT = 5.0
"""Seconds to wait for another process that trains; then its last file is used."""
SHARE = 0.5
"""Part of `event_deadline` that training may take from an event."""

log = logging.getLogger(__name__)


class FreshFaces:
    """Gives the known people, reading their file or training only when something has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path(settings.face.known_images_path)
        self._file = self._folder / store.FILE
        self._seen: object = None
        self._known = store.known({})

    def current(self) -> KnownFaces:
        """Return the known people; what goes wrong is logged, and leaves those of the old file.

        Raises `DetectorError` when a picture has to be looked at and the models cannot be used.
        """
        try:
            pictures = listed(self._folder)
        except TrainingError as error:
            log.warning("%s; every face is unknown", error)
            return store.known({})
        if self._seen != (pictures, self._stamp()):
            self._refresh(pictures)
        return self._known

    def _refresh(self, pictures: Mapping[str, KnownPicture]) -> None:
        entries, damaged = self._read()
        complete = _fits(entries, pictures)
        if not complete or damaged:
            entries, complete = self._train(pictures, entries)
        self._known = store.known(entries)
        # Half a training is gone on with at the next event.
        self._seen = (pictures, self._stamp()) if complete else None
        if not pictures:
            log.info("no pictures of known people in %s: every face is unknown", self._folder)

    def _train(
        self, pictures: Mapping[str, KnownPicture], old: FaceEntries
    ) -> tuple[FaceEntries, bool]:
        """Return the entries, and whether they are of all pictures."""
        with folder_lock(self._folder, LOCK_WAIT) as mine:
            if not mine:
                log.warning("%s: another process is training; its last file is used", self._folder)
                return old, False
            entries, damaged = self._read()
            if _fits(entries, pictures) and not damaged:
                return entries, True
            return self._train_now(pictures, entries or old)

    def _train_now(
        self, pictures: Mapping[str, KnownPicture], old: FaceEntries
    ) -> tuple[FaceEntries, bool]:
        from zmhook.detectors.face.training import Trainer

        self._mention_old_format(old)
        seconds = self._settings.general.event_deadline * SHARE
        trained = Trainer(self._settings).train(
            self._folder, pictures, old, seconds=seconds, save=self._write
        )
        self._write(trained.entries)
        log.info("%s: %d new pictures of known people", self._folder, trained.examined)
        if trained.left:
            log.warning(
                "%s: %d pictures are left for the next event; zm_train_faces.py does all at once",
                self._folder,
                trained.left,
            )
        return trained.entries, not trained.left

    def _read(self) -> tuple[FaceEntries, bool]:
        try:
            return store.read(self._file), False
        except TrainingError as error:
            log.warning("%s; training again", error)
            return {}, True

    def _write(self, entries: FaceEntries) -> None:
        try:
            store.write(self._file, entries.values())
        except OSError as error:
            log.warning(
                "%s cannot be written (%s): the known people are trained in memory each time",
                self._file,
                error.strerror,
            )

    def _stamp(self) -> tuple[int, int, int] | None:
        """Tell one version of the file from another, None when there is none."""
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _mention_old_format(self, entries: FaceEntries) -> None:
        old = self._folder / "faces.dat"
        if not entries and old.exists():
            log.info("%s is of an older version and is not read; it can be removed", old)


def _fits(entries: FaceEntries, pictures: Mapping[str, KnownPicture]) -> bool:
    """Tell whether the entries are of exactly these pictures, by path, size and time."""
    return entries.keys() == pictures.keys() and all(
        entries[path][:3] == picture for path, picture in pictures.items()
    )
