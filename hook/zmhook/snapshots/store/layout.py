"""What lies where in the store's folder.

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


class Name(NamedTuple):
    """What a picture's file name tells."""

    number: int
    label: str


def folder_name(number: int) -> str:
    return f"{number // PER_FOLDER:04d}"


def picture_file(number: int, label: str, picture: bytes) -> str:
    """Return the picture's path below the store's folder."""
    ending = "png" if picture.startswith(PNG) else "jpg"
    return f"{folder_name(number)}/image_{number:05d}_{safe_label(label)}.{ending}"


def temporary_file(number: int) -> str:
    """Return where a picture is until it is complete; nobody takes that for a picture."""
    return f"{folder_name(number)}/.image_{number:05d}.tmp"


def safe_label(label: str) -> str:
    """Return a label that a file name can carry: `../x` becomes `x`."""
    return _FOREIGN.sub("-", label).strip("-")[:LONGEST_LABEL].rstrip("-") or UNKNOWN


def folders(folder: Path) -> list[str]:
    """Return the names of the folders of pictures, in order. Raises `OSError`."""
    with os.scandir(folder) as found:
        return sorted((one.name for one in found if _is_folder(one)), key=int)


def names(folder: Path) -> list[str]:
    """Return the names in a folder, in order. Raises `OSError`."""
    with os.scandir(folder) as found:
        return sorted(one.name for one in found)


def _is_folder(found: os.DirEntry[str]) -> bool:
    return _FOLDER.fullmatch(found.name) is not None and found.is_dir()


def is_temporary(name: str) -> bool:
    return _TEMPORARY.fullmatch(name) is not None


def read_name(name: str) -> Name | None:
    """Return what the file name of a picture tells; None when it is none of ours."""
    found = _PICTURE.fullmatch(name)
    if not found or int(found[1]) >= HIGHEST:
        return None
    return Name(int(found[1]), "" if found[2] == UNKNOWN else found[2])
