"""Check the folders of data: who owns them, who may write to them, and whether there is room."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.doctor.finding import Check, Finding, fault, ok, warning
from zmhook.process.privilege import name_of
from zmhook.settings.model import folders_of
from zmhook.storage.disk import existing, free, mount_point, trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.patient import Patient

GROUP = "Folders and disk"
LEAST_BYTES, LEAST_FILES = 50_000_000, 1000
"""With less room than this something will soon not be stored."""
FEW_BYTES, FEW_FILES = 1_000_000_000, 20_000
_PROBE = 1 << 20


def checks(patient: Patient) -> list[Check]:
    return [
        Check(GROUP, "owners", lambda: _owners(patient)),
        Check(GROUP, "disk", lambda: _disks(patient)),
    ]


def data_folders(patient: Patient) -> list[Path]:
    """Return the folders that are there, of all monitors."""
    every = (folder for settings in patient.everybody() for folder in folders_of(settings))
    return [folder for folder in dict.fromkeys(every) if _is_there(folder)]


def _is_there(folder: Path) -> bool:
    """Say whether a folder is there; in one that we may not enter, nothing is."""
    try:
        return folder.exists()
    except PermissionError:
        return False


# -- owners ----------------------------------------------------------------------------------------


def _owners(patient: Patient) -> Iterator[Finding]:
    base = Path(patient.settings.general.base_data_path)
    if not base.is_dir():
        cure = "sudo ./install.sh makes it; or set [general] base_data_path"
        yield fault("owners", f"{base}: there is no such folder", cure)
        return
    folders = [folder for folder in data_folders(patient) if folder != base]
    wrong = [finding for folder in folders if (finding := _owner(folder, patient.owner))]
    yield from wrong
    if not wrong:
        more = f" and its {len(folders)} folders" if folders else ""
        yield ok("owners", f"{patient.owner} may write to {base}{more}")


def _owner(folder: Path, owner: str) -> Finding | None:
    if not folder.is_dir():
        return fault("owners", f"{folder}: is no folder", f"move it away: sudo mv {folder} /tmp/")
    status = folder.stat()
    mode, uid = stat.S_IMODE(status.st_mode), status.st_uid
    cure = f"sudo chown -R {owner}: {folder}"
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        text = f"{folder}: every user may write to it (mode {mode:04o})"
        return fault("owners", text, f"sudo chmod o-w {folder}")
    me, theirs = name_of(os.geteuid()), name_of(uid)
    if me == owner and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        text = f"{folder}: belongs to {theirs} (mode {mode:04o})"
        return fault("owners", f"{text}, and {me} may not write to it", cure)
    if theirs != owner and (uid or me != owner):
        return warning("owners", f"{folder}: belongs to {name_of(uid)}, not to {owner}", cure)
    return None


# -- room ------------------------------------------------------------------------------------------


def _disks(patient: Patient) -> Iterator[Finding]:
    folders = data_folders(patient) or [Path(patient.settings.general.base_data_path)]
    disks: dict[int, Path] = {}
    for folder in map(existing, folders):
        disks.setdefault(folder.stat().st_dev, folder)
    for folder in disks.values():
        yield room(folder)


def room(folder: Path) -> Finding:
    """Say whether the disk of a folder has room; a temporary file in it is tried."""
    point = mount_point(folder)
    try:
        size, files = free(folder)
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))
        if os.access(folder, os.W_OK):
            _probe(folder)
    except OSError as error:
        return fault("disk", trouble(error, folder), f"df -h {point}; df -i {point}")
    text = f"{point}: {size / 1e9:.3g} GB free"
    if size < LEAST_BYTES:
        return fault(
            "disk", f"{text}: the disk is full", f"make room: sudo du -xh {point} | sort -h"
        )
    if files is not None and files < LEAST_FILES:
        text = f"{point}: no more files can be made (inodes)"
        return fault("disk", text, f"remove some: df -i {point}")
    if size < FEW_BYTES or (files is not None and files < FEW_FILES):
        return warning("disk", f"{text}, which is little", f"make room: df -h {point}")
    return ok("disk", text)


def _probe(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, _PROBE)
