"""The picture of a message: with the boxes drawn, and of a size that goes to a phone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import FrameError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.jobs.work import Work

log = logging.getLogger(__name__)

QUALITY = 85


def picture_of(work: Work) -> bytes | None:
    """Return a JPEG, None without a picture or when the settings want none sent.

    A picture that cannot be drawn costs the picture, not the message.
    """
    notify = work.settings.notify
    if not notify.notify_picture:
        return None
    try:
        return _jpeg(work, notify.notify_picture_width)
    except FrameError as error:
        log.warning("%s: the message goes out without its picture: %s", work.decision.event, error)
        return None


def _jpeg(work: Work, width: int) -> bytes | None:
    frame = work.frame
    if frame is None:
        return None
    import cv2

    from zmhook.render.picture import annotated

    small = _reduced(annotated(frame, work.decision, work.settings), width)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes() if done else None


def _reduced(image: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    if image.shape[1] <= width:
        return image
    import cv2
    import numpy as np

    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
