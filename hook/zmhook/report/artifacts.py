"""Write objdetect.jpg, objects.json and debug pictures."""

from __future__ import annotations

import errno
import getpass
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import PictureError, ReportError
from zmhook.render.line import frame_id_of, payload
from zmhook.storage import atomic

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from zmhook.decide import Decided
    from zmhook.detection import Decision
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

JPEG_QUALITY = 90


def write_to_event(decided: Decided, settings: Settings, folder: str) -> None:
    """Write objdetect.jpg and objects.json into the event's folder.

    Raises `ReportError`, as all of this module do.
    """
    # The notification server waits for the picture, so that comes last, when all is there.
    put = atomic.write_to_event
    _write(Path(folder, "objects.json"), _objects(decided.decision, settings), put)
    _write(Path(folder, "objdetect.jpg"), _jpeg(decided, settings), put)


def write_debug_image(decided: Decided, settings: Settings, output: str = "") -> Path:
    """Write `<eid>-<frame>-debug.jpg`, with what was dropped and why; return its path.

    It goes to the folder `output`, or else to `image_path`.
    """
    frame_id = decided.frame.id if decided.frame else "none"
    name = f"{_prefix(decided.decision)}{_safe(frame_id)}-debug.jpg"
    path = _made(Path(output or settings.general.image_path)) / name
    _write(path, _jpeg(decided, settings, debug=True))
    return path


def write_annotated(decided: Decided, settings: Settings, output: str) -> None:
    """Write `<eid>-objdetect.jpg` (objdetect.jpg without an event) into the folder `output`."""
    name = f"{_prefix(decided.decision)}objdetect.jpg"
    _write(_made(Path(output)) / name, _jpeg(decided, settings))


def _prefix(decision: Decision) -> str:
    return "" if decision.event.id is None else f"{decision.event.id}-"


def _safe(frame_id: str) -> str:
    return re.sub(r"[^\w-]", "_", frame_id)


def _objects(decision: Decision, settings: Settings) -> bytes:
    # ZoneMinder's annotation editor opens the frame that stands there.
    known = structs.replace(settings.general, show_camera_frame=False)
    settings = structs.replace(settings, general=known)
    data = payload(decision, settings)
    if settings.general.json_format == "v6":
        return data
    from msgspec import Raw, json

    frame_id = frame_id_of(decision, settings.general)
    return json.encode({"frame": frame_id, "detections": Raw(data)})


def _jpeg(decided: Decided, settings: Settings, *, debug: bool = False) -> bytes:
    if decided.frame is None:
        raise ReportError("there is no picture to draw in")
    from zmhook.image.crop import reduced
    from zmhook.render.picture import annotated

    width = None if debug else settings.general.write_image_width or None
    try:
        frame = reduced(decided.frame, width, roughly=True)
        picture = annotated(frame, decided.decision, settings, zones=decided.zones, debug=debug)
    except PictureError as error:
        raise ReportError(str(error)) from error
    return _encoded(picture)


def _encoded(picture: npt.NDArray[np.uint8]) -> bytes:
    from zmhook.image.jpeg import jpeg

    data = jpeg(picture, JPEG_QUALITY)
    if not data:
        height, width = picture.shape[:2]
        raise ReportError(
            f"the picture cannot be written: {width}x{height} pixels are too many for a JPEG"
        )
    return data


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _error(folder, error) from None
    return folder


def _write(path: Path, data: bytes, put: Callable[[Path, bytes], None] = atomic.write) -> None:
    try:
        put(path, data)
    except OSError as error:
        raise _error(path, error) from None
    log.debug("wrote %s", path)


def _error(path: Path, error: OSError) -> ReportError:
    return ReportError(f"{path} cannot be written: {error.strerror or error}{_hint(path, error)}")


def _hint(path: Path, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"; let {_user()} write to {path.parent}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "; free some space there"
    if error.errno == errno.ENOENT:
        return "; the event's folder is gone, or is on another machine"
    return ""


def _user() -> str:
    try:
        return f"user {getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name
        return "this user"
