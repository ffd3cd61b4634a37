"""What an administrator names on the command line: read as root, before root becomes another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.process.privilege import become_owner, is_root
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    from zmhook.frames.file import FileSource
    from zmhook.settings import Settings


def settle(settings: Settings, file: str | None = None) -> str | FileSource:
    """As root, read the picture `file` and become the owner of the data; return the picture.

    Others get the name back, "" without one. Raises `RightsError`.
    """
    if not is_root():
        become_owner(*folders_of(settings))  # root may have become another for the settings
        return file or ""
    given: str | FileSource = ""
    if file:
        from zmhook.frames.file import FileSource

        given = FileSource(file, settings.general.max_picture_pixels)
        given.read_now()
    become_owner(*folders_of(settings))
    return given
