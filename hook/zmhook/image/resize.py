"""Reduce a wide frame before the models see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

if TYPE_CHECKING:
    from zmhook.frame import Frame


def reduced(frame: Frame, width: int | None) -> Frame:
    """Return the frame reduced to `width` pixels, or itself when it is not wider."""
    if width is None or frame.width <= width:
        return frame
    import cv2
    import numpy as np

    from zmhook.frame import frame_crop

    height = max(1, round(frame.height * width / frame.width))
    image = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
    return structs.replace(frame, image=image.astype(np.uint8, copy=False), crop=frame_crop(frame))
