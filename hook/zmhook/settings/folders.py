"""Folders of a configuration, and the run folder for sockets and locks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.settings import General, Settings

RUN = Path("/run/zmhook")


def run_folder(general: General) -> Path:
    """Return the folder of sockets and locks."""
    if path := os.environ.get("ZMHOOK_RUN"):
        return Path(path)
    if os.access(RUN, os.W_OK):
        return RUN
    return Path(general.base_data_path) / "run"


def folders_of(settings: Settings) -> list[Path]:
    """Return the folders that events and commands write to, except ZoneMinder's."""
    general = settings.general
    base = Path(general.base_data_path)
    return [
        run_folder(general),
        base,
        *(base / name for name in ("run", "state", "state/spool", "cache")),
        Path(settings.gate.state_path),
        Path(general.log_path),
        Path(general.image_path),
        Path(settings.history.history_path).parent,
        Path(settings.face.known_images_path),
        Path(settings.face.unknown_images_path),
        Path(settings.snapshots.snapshot_path),
    ]
