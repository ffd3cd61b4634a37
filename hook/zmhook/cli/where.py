"""Where the service that somebody asks about is, and as whom it runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from zmhook.errors import SettingsError, ZmhookError
from zmhook.service import place

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from zmhook.settings import General

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


def socket_of(config: str) -> Path:
    """Return the socket of a configuration's service, even where the configuration is broken.

    Raises `ZmhookError` when this user may not look into its folder.
    """
    found = place.socket_path(config, general_of(config))
    for folder in (place.RUN, found.parent):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            raise NotAllowed(
                f"{folder}: you may not look in there; run this as {folder.owner()}"
                f" (sudo -u {folder.owner()} zmhook ...)"
            )
    return found


class NotAllowed(ZmhookError):  # noqa: N818 - reads as what it is
    """This user may not ask for that; the message says who may."""


def become_owner(folder: Path) -> None:
    """As root, become the user that the folder belongs to: hooks must reach what is made there."""
    if os.geteuid() != 0 or not folder.is_dir():
        return
    owner = folder.stat()
    if owner.st_uid == 0:
        return
    os.initgroups(folder.owner(), owner.st_gid)
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def general_of(config: str) -> General:
    """Return `[general]`, or what can be read of it where the configuration is broken."""
    from zmhook.settings import General, load

    try:
        return load(config).general.general
    except SettingsError as error:
        return error.config.general.general if error.config else General()
