"""The names of files and folders in the store.

`NNNN/image_NNNNN_<label>.jpg`: 1,024 pictures a folder, numbered from 0, as the script did that
this store takes over from (hybrid_ai.py of https://github.com/janssen70/hybrid_ai).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

PER_FOLDER = 1024
INDEX = "index.sqlite"
COUNTER = "index"
"""The earlier script's text file: the next number."""

HIGHEST = 10**12
"""Numbers from here on are a mistake: a billion pictures a year take a thousand years."""

UNKNOWN = "unknown"
LONGEST_LABEL = 40
PNG = b"\x89PNG\r\n\x1a\n"

_FOLDER = re.compile(r"\d{4,}", re.ASCII)
_PICTURE = re.compile(r"image_(\d{5,15})_(.*)\.(jpg|png)", re.ASCII | re.DOTALL)
_TEMPORARY = re.compile(r"\.image_\d{5,15}\.tmp", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9]+")


class NameParts(NamedTuple):
    """The number and the label in a picture's file name."""

    number: int
    label: str


def folder_name(number: int) -> str:
    return f"{number // PER_FOLDER:04d}"


def picture_file(number: int, label: str, picture: bytes) -> str:
    """Return the picture's path below the store's folder."""
    ending = "png" if picture.startswith(PNG) else "jpg"
    return f"{folder_name(number)}/image_{number:05d}_{safe_label(label)}.{ending}"


def temporary_file(number: int) -> str:
    """Return where a picture is until it is complete; nobody mistakes that for a picture."""
    return f"{folder_name(number)}/.image_{number:05d}.tmp"


def safe_label(label: str) -> str:
    """Return a label that a file name can carry: `../x` becomes `x`."""
    return _FOREIGN.sub("-", label).strip("-")[:LONGEST_LABEL].rstrip("-") or UNKNOWN


def folders(folder: Path) -> list[str]:
    """Return the names of the folders of pictures, in order. Raises `OSError`."""
    with os.scandir(folder) as entries:
        return sorted((entry.name for entry in entries if _is_folder(entry)), key=int)


def names(folder: Path) -> list[str]:
    """Return the names in a folder, in order. Raises `OSError`."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return _FOLDER.fullmatch(entry.name) is not None and entry.is_dir()


def is_temporary(name: str) -> bool:
    return _TEMPORARY.fullmatch(name) is not None


def read_name(name: str) -> NameParts | None:
    """Read the file name of a picture; None when it is none of ours."""
    match = _PICTURE.fullmatch(name)
    if not match or int(match[1]) >= HIGHEST:
        return None
    return NameParts(int(match[1]), "" if match[2] == UNKNOWN else match[2])
