"""Describe detections in words: the large model as a member of the chain.

It looks at what the models before it kept (`gemini_after`), each cut out of the picture or all of
it at once (`gemini_input`), or at every picture (`always`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.describe.describer import Describer
from zmhook.describe.description import NAME, Description, Subject
from zmhook.detection import ABOUT, Box, Detection, about
from zmhook.detectors.base import ANY, Detector
from zmhook.errors import DetectorError, ModelSkipped
from zmhook.image.crop import to_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.frame import Frame
    from zmhook.settings import Gemini, Settings

AT_ONCE = 4
"""Questions about one picture that are asked at the same time."""
RESERVE = 1.0
"""Seconds of an event that are left for giving its answer."""
ALWAYS, AFTER_ANY = "always", "any"


class GeminiDetector(Detector):
    """Asks `[gemini]` about frames; what could not be asked is in `problems`."""

    name = NAME
    new_only = True  # nobody pays to hear again of the car that stands there all day

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        gemini = settings.gemini
        self.requires = _requires(gemini)
        crops = gemini.gemini_input == "crops"
        self.crop_to = self.requires if crops else frozenset[str]()
        self.max_crops = gemini.gemini_max_crops
        self.problems: list[DetectorError] = []
        self._describer: Describer | None = None

    def load(self) -> None:
        """Do nothing that takes time; the service's library is imported by the first question."""
        self._opened()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return one description for each frame that one was given for. Raises nothing."""
        self.problems = []
        if not frames:
            return []
        describer = self._opened()
        with ThreadPoolExecutor(min(AT_ONCE, len(frames)), thread_name_prefix=NAME) as pool:
            answers = list(pool.map(lambda frame: self._ask(describer, frame), frames))
        skipped: dict[str, ModelSkipped] = {}
        descriptions: list[list[Detection]] = []
        for frame, answer in zip(frames, answers, strict=True):
            if isinstance(answer, ModelSkipped):
                skipped.setdefault(str(answer), answer)
                descriptions.append([])
            else:
                descriptions.append([self._detection(frame, answer)])
        self.problems += skipped.values()
        return descriptions

    def close(self) -> None:
        describer, self._describer = self._describer, None
        if describer is not None:
            describer.close()

    def _opened(self) -> Describer:
        if self._describer is None:
            self._describer = Describer.from_settings(self.settings)
        return self._describer

    def _ask(self, describer: Describer, frame: Frame) -> Description | ModelSkipped:
        try:
            return describer.describe_image(frame.image, subject_of(frame), self._deadline(frame))
        except ModelSkipped as error:
            return error

    def _deadline(self, frame: Frame) -> Deadline:
        if frame.deadline is None:
            return Deadline(2 * self.settings.gemini.gemini_timeout)
        return Deadline(max(0.0, frame.deadline.left() - RESERVE))

    def _detection(self, frame: Frame, description: Description) -> Detection:
        of = frame.crop.source if frame.crop and self.crop_to else None
        more = {ABOUT: about(of.box) if of else ""}
        return description.detection(_box(frame, description, of), NAME, **more)


def subject_of(frame: Frame) -> Subject:
    """Gather what is known about a frame: what was cut out, or what its camera says of it."""
    of, event = frame.crop.source if frame.crop else None, frame.event
    attributes = of.attributes if of else {}
    number = str(event.monitor_id) if event and event.monitor_id is not None else ""
    return Subject(
        label=of.label if of else "",
        monitor=(event.monitor_name if event else "") or number,
        camera=str(attributes.get("camera", "")),
        colours=_words(attributes.get("colours", "")),
        time=event.asked if event else time.time(),
    )


def _requires(gemini: Gemini) -> frozenset[str]:
    if ALWAYS in gemini.gemini_after:
        return frozenset()
    if AFTER_ANY in gemini.gemini_after:
        return frozenset({ANY})
    return frozenset(gemini.gemini_after)


def _words(text: object) -> tuple[str, ...]:
    return tuple(word for part in str(text).split(",") if (word := part.strip()))


def _box(frame: Frame, description: Description, of: Detection | None) -> Box:
    """Return where it is, in the frame's pixels: as the answer says, else what was cut out."""
    if description.box is not None:
        x1, y1, x2, y2 = description.box
        width, height = frame.width, frame.height
        return Box.clipped(x1 * width, y1 * height, x2 * width, y2 * height, width, height)
    return to_frame(of.box, frame) if of else Box(0, 0, frame.width, frame.height)
