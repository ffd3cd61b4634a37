"""Where the service that somebody asks about is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from zmhook.errors import SettingsError, ZmhookError
from zmhook.process.privilege import name_of
from zmhook.service import paths
from zmhook.settings import folders

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from zmhook.settings import Settings

CONFIG = "/etc/zm/objectconfig.ini"


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        default=os.environ.get("ZMHOOK_CONFIG", CONFIG),
        help="objectconfig.ini (default: %(default)s)",
    )


def absolute(config: str) -> str:
    """Return the configuration's path as a hook would name it: that names the socket."""
    return os.path.abspath(config)  # noqa: PTH100 - resolve() would follow links, hooks do not


def socket_of(config: str, settings: Settings) -> Path:
    """Return the socket of a configuration's service.

    Raises `ZmhookError` when this user may not look into its folder.
    """
    found = paths.socket_path(config, settings.general)
    for folder in (folders.RUN, found.parent):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            owner = name_of(folder.stat().st_uid)
            raise NotAllowed(
                f"{folder}: you may not look in there; run this as {owner}"
                f" (sudo -u {owner} zmhook ...)"
            )
    return found


class NotAllowed(ZmhookError):
    """This user may not ask for that; the message says who may."""


def settings_of(config: str) -> Settings:
    """Return the settings, what can be read of them where the configuration is broken."""
    from zmhook.settings import Settings, load

    try:
        return load(config).general
    except SettingsError as error:
        return error.config.general if error.config else Settings()
