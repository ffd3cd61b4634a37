"""The pictures of known people: one folder per person."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"),
    *(".tif", ".tiff", ".heic", ".heif"),  # cannot be read; listed so that training says so
)

log = logging.getLogger(__name__)


class KnownPicture(NamedTuple):
    """A picture of a known person: `path` is relative to the folder, `person/file`."""

    path: str
    size: int
    mtime_ns: int


def person_of(path: str) -> str:
    """Return whose picture it is: the name of its folder."""
    return path.partition("/")[0]


def listed(folder: Path) -> dict[str, KnownPicture]:
    """Return the pictures under `folder` by path; empty when there is no such folder.

    Hidden files and folders, and files that are no pictures by their names, are passed over. What
    has a picture's name and is none (a FIFO, a link to nothing) is listed: training says so.
    Raises `TrainingError` when the folder cannot be read.
    """
    try:
        return {picture.path: picture for picture in _walk(folder)}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TrainingError(
            f"[face] known_images_path: {folder} cannot be read: {error.strerror}"
        ) from None


def loose(folder: Path) -> list[str]:
    """Return the pictures that lie beside the folders of people, and so belong to nobody."""
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return []
    return [file.name for file in files if _is_picture(file.name) and file.is_file()]


def _walk(folder: Path) -> Iterator[KnownPicture]:
    for person in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if _is_folder(person) and not person.name.startswith("."):
            yield from _of_person(person)


def _of_person(person: os.DirEntry[str]) -> Iterator[KnownPicture]:
    try:
        entries = sorted(os.scandir(person), key=lambda entry: entry.name)
    except OSError as error:
        log.warning("%s: cannot be read and is passed over: %s", person.path, error.strerror)
        return
    for entry in entries:
        if _is_picture(entry.name) and not _is_folder(entry):
            status = _status(entry)
            yield KnownPicture(f"{person.name}/{entry.name}", status.st_size, status.st_mtime_ns)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    """Return the status of the file, of the link itself where it leads to none."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)
