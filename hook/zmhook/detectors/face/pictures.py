"""The pictures of known people: one folder per person."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import TrainingError
from zmhook.text.names import composed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DEEPEST = 8
"""Folders in folders, of one person's pictures."""

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"),
    *(".tif", ".tiff", ".heic", ".heif"),  # cannot be read; listed so that training says so
)

log = logging.getLogger(__name__)


class KnownPicture(NamedTuple):
    """A picture of a known person: `path` is relative to the folder, `person/…/file`."""

    path: str
    size: int
    mtime_ns: int


def person_of(path: str) -> str:
    """Return whose picture it is: the name of its uppermost folder, as people would write it."""
    return composed(path.partition("/")[0])


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


def without(folder: Path, pictures: Iterable[str]) -> list[str]:
    """Return the people who have a folder and no picture in it."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    people = {
        composed(entry.name) for entry in entries if _is_folder(entry) and not _is_hidden(entry)
    }
    return sorted(people - set(map(person_of, pictures)))


def loose(folder: Path) -> list[str]:
    """Return the pictures that lie beside the folders of people, and so belong to nobody."""
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return []
    return [file.name for file in files if _is_picture(file.name) and file.is_file()]


def _walk(folder: Path) -> Iterator[KnownPicture]:
    for person in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if _is_folder(person) and not _is_hidden(person):
            yield from _below(person, person.name, 1)


def _below(folder: os.DirEntry[str], name: str, depth: int) -> Iterator[KnownPicture]:
    """Yield the pictures in a folder and in those in it; `name` is its path below the uppermost.

    A link to a folder within a person's is not followed: it may lead round in a circle.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        log.warning("%s: cannot be read and is passed over: %s", folder.path, error.strerror)
        return
    for entry in entries:
        if _is_folder(entry):
            if depth < DEEPEST and not _is_hidden(entry) and not entry.is_symlink():
                yield from _below(entry, f"{name}/{entry.name}", depth + 1)
        elif _is_picture(entry.name):
            status = _status(entry)
            yield KnownPicture(f"{name}/{entry.name}", status.st_size, status.st_mtime_ns)


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".")


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
