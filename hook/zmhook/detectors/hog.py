"""People, by OpenCV's built-in detector: histograms of oriented gradients and a linear SVM.

The method is Dalal and Triggs's (CVPR 2005); its weights come inside OpenCV, so no file is needed.
It sees upright people who are seen whole and at least about 96 pixels tall.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from zmhook.detection import Box, Detection
from zmhook.detectors.base import Detector
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zmhook.frame import Frame
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

WINDOW = (64, 128)
"""Width and height in pixels of what the SVM looks at. Given a smaller picture, OpenCV 4.14 ends
the whole process, so one is enlarged first, or not looked at."""

MOST_ENLARGED = 2.0
"""A picture that needs more than this to fill the window has too little in it to tell."""

MARGINS = (0.24, 0.12, 0.24, 0.14)
"""Left, top, right, bottom: the part of the window around the person. Training gave 16 of 64 and
of 128 pixels to each side. Over 19 people in street photos the mean IoU with YOLOv8's boxes is
0.34 for the bare window, 0.75 with the training's margins and 0.76 with these."""


class HogDetector(Detector):
    """Finds people with `[hog]`'s search window."""

    name = "hog"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._section = settings.hog
        self.requires = frozenset(settings.hog.hog_pre_existing_labels)
        self.crop_to = frozenset(settings.hog.hog_crop_to)
        self._hog: Any = None

    def load(self) -> None:
        """Make the descriptor; raises `DetectorError` where OpenCV comes without it."""
        import cv2

        if not hasattr(cv2, "HOGDescriptor"):
            raise DetectorError(
                f"hog: this OpenCV ({cv2.__version__}) has no people detector: "
                "pip install 'opencv-contrib-python-headless<5' in zmhook's environment"
            )
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
        log.info("hog is OpenCV %s's people detector", cv2.__version__)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return the people in each frame, strongest first; raises `DetectorError`."""
        return [self._people(frame) for frame in frames]

    def close(self) -> None:
        self._hog = None

    def _people(self, frame: Frame) -> list[Detection]:
        if self._hog is None:
            raise DetectorError("the hog model is used before it is loaded")
        factor = max(1.0, WINDOW[0] / frame.width, WINDOW[1] / frame.height)
        if factor > MOST_ENLARGED:
            log.debug("hog: %dx%d is too small a picture", frame.width, frame.height)
            return []
        people = (
            Detection(
                label="person",
                confidence=confidence(score),
                box=_person(window, factor, frame),
                model=self.name,
            )
            for window, score in self._windows(frame, factor)
        )
        from zmhook.detectors.nms import suppressed

        return suppressed(people, self._section.hog_nms_threshold)

    def _windows(
        self, frame: Frame, factor: float
    ) -> Iterable[tuple[tuple[int, int, int, int], float]]:
        """Search the frame enlarged by `factor`; return x, y, width, height there and scores."""
        import cv2
        import numpy as np

        image = frame.image
        try:
            if factor > 1:
                size = (math.ceil(frame.width * factor), math.ceil(frame.height * factor))
                image = cv2.resize(image, size)  # type: ignore[assignment]
            windows, scores = self._hog.detectMultiScale(
                image,
                winStride=self._section.stride,
                padding=self._section.padding,
                scale=self._section.scale,
                useMeanshiftGrouping=self._section.mean_shift > 0,
            )
        except cv2.error as error:
            raise DetectorError(
                f"hog failed; check [hog] stride and padding ({error.err})"
            ) from error
        boxes = np.reshape(windows, (-1, 4)).tolist()
        return zip(boxes, np.ravel(scores).tolist(), strict=True)


def confidence(score: float) -> float:
    """Map the SVM's score to 0..1: a logistic with its middle at 1.15 and slope 3.

    Chosen from the 56 windows that the default stride, padding and scale give on 16 photos (street
    scenes, portraits, animals, things; 640 and 1280 pixels wide), each looked up among YOLOv8's
    people. Every one of the 13 scores from 1.94 up was a person (confidence 0.91 and more).
    Between 1.2 and 1.94 stood 5 people and 2 others; of the 36 below 1.2 only 2 were people. The
    strongest on a photo without people had 1.09 (confidence 0.46). A least-squares logistic has
    its middle at 1.31; this one lies lower so that a person in plain view at 1.33 passes the
    default minimum of 0.6 (which is a score of 1.29).

    With `mean_shift = 1` OpenCV weighs a group's scores together, and confidences come out higher
    (1.33 becomes 2.02).
    """
    return 1 / (1 + math.exp(-3 * (max(min(score, 50.0), -50.0) - 1.15)))


def _person(window: tuple[int, int, int, int], factor: float, frame: Frame) -> Box:
    """Return the person inside a window of the enlarged frame, in the frame's own pixels."""
    x, y, width, height = (side / factor for side in window)
    left, top, right, bottom = MARGINS
    return Box.clipped(
        x + width * left,
        y + height * top,
        x + width * (1 - right),
        y + height * (1 - bottom),
        frame.width,
        frame.height,
    )
