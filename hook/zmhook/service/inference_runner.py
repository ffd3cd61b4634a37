"""Run models on another machine's images, in a worker process."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from zmhook.detection import Box, Detection
from zmhook.detectors.nms import suppressed
from zmhook.errors import DeadlineExceeded, DetectorError, PictureError
from zmhook.frame import Crop
from zmhook.image.decode import checked, frame_of, reducible_size
from zmhook.image.header import read_header
from zmhook.printable import one_line
from zmhook.service.wire import InferJob, InferResult, InputImage
from zmhook.text.patterns import LONGEST_OF_OTHERS, SHOWN, WrongPattern, check, matches

if TYPE_CHECKING:
    from zmhook.chain import Chain
    from zmhook.deadline import Deadline
    from zmhook.frame import Frame, Picture, Size

log = logging.getLogger(__name__)

OWN_KINDS = ("face", "licenseplate")
"""Kinds of detections that have patterns of their own."""


class InferenceRunner:
    """Runs one job: an image is decoded, given to each model, and dropped before the next one.

    What a chain lets a model depend on (`requires`, `crop_to`) is up to the other machine.
    """

    def __init__(self, chain: Chain, job: InferJob, deadline: Deadline, max_pixels: int) -> None:
        self._chain = chain
        self._task = job.task
        self._deadline = deadline
        self._max_pixels = max_pixels
        self._results: dict[str, list[list[Detection]]] = {name: [] for name in job.task.models}
        self._errors: dict[str, str] = {}
        self._took: dict[str, float] = {}
        self._sizes: list[tuple[int, int]] = []

    def run(self) -> InferResult:
        """Return the result; never raises. An image that cannot be used is part of the result."""
        if problem := self._pattern_problem():
            return InferResult(refused=problem)
        for image in self._task.images:
            try:
                frame = self._decode(image)
            except PictureError as error:
                too_large = _is_too_large(image, self._max_pixels)
                return InferResult(refused=str(error), too_large=too_large)
            self._sizes.append((frame.width, frame.height))
            for name in self._task.models:
                self._run_model(name, frame)
        results = {
            name: per_image for name, per_image in self._results.items() if name not in self._errors
        }
        timings = {name: round(took * 1000, 2) for name, took in self._took.items()}
        return InferResult(results, self._sizes, self._errors, timings)

    def _pattern_problem(self) -> str:
        """Return what is wrong with a pattern. Only a worker compiles it, since that may be slow.

        One that matches too slowly counts as matched, as everywhere: the other machine gets a
        detection too many, never one too few.
        """
        for pattern in self._task.patterns.values():
            try:
                check(pattern, LONGEST_OF_OTHERS)
            except WrongPattern as error:
                return f"the pattern '{one_line(pattern, SHOWN)}' cannot be used: {error}"
        return ""

    def _decode(self, image: InputImage) -> Frame:
        picture = checked(image.data, image.id, image.id, self._max_pixels)
        least = self._least_size(picture)
        started = time.perf_counter()
        frame = frame_of(picture, least)
        self._add("decode", started)
        crop = _crop_of(image.crop_label, frame) if image.crop_label else None
        return frame.replaced(crop=crop, deadline=self._deadline)

    def _least_size(self, picture: Picture) -> Size | None:
        """Return how much of a picture the first model needs, None for all of it."""
        size = reducible_size(picture)
        if size is None or self._task.models[0] in self._errors:
            return None
        try:
            return self._chain.ready(self._task.models[0]).least_size(size)
        except DetectorError:  # for `_run_model` to report
            return None

    def _run_model(self, name: str, frame: Frame) -> None:
        """Add a model's detections in the frame; one that failed is not run on further frames."""
        if name in self._errors:
            return
        started = time.perf_counter()
        try:
            self._deadline.check(f"running {name}")
            self._results[name].append(self._detect(name, frame))
        except (DetectorError, DeadlineExceeded) as error:
            self._failed(name, str(error))
        except Exception as error:  # a bug in one model must not silence the others
            log.debug("%s failed", name, exc_info=True)
            self._failed(name, f"{name} failed ({type(error).__name__}: {error})")
        self._add(name, started)

    def _detect(self, name: str, frame: Frame) -> list[Detection]:
        detector = self._chain.ready(name)
        (detections,) = detector.detect([frame])
        for problem in detector.problems:
            raise problem
        floor = self._task.min_confidence.get(name, 0.0)
        confident = [each for each in detections if each.confidence >= floor]
        kept = confident[: self._task.max_detections]
        if self._task.max_overlap < 1:
            kept = suppressed(kept, self._task.max_overlap)
        return [detection for detection in kept if self._matches_pattern(detection)]

    def _matches_pattern(self, detection: Detection) -> bool:
        kind = detection.kind if detection.kind in OWN_KINDS else "object"
        pattern = self._task.patterns.get(kind, "")
        self._deadline.check("matching labels")
        return not pattern or matches(pattern, detection.label)

    def _failed(self, name: str, why: str) -> None:
        self._errors[name] = why
        log.warning("%s: %s", name, why)

    def _add(self, stage: str, started: float) -> None:
        self._took[stage] = self._took.get(stage, 0.0) + time.perf_counter() - started


def _crop_of(label: str, frame: Frame) -> Crop:
    """Return a crop that says what the frame shows, for models that run on others' detections."""
    box = Box(0, 0, frame.width, frame.height)
    of = Detection(label=label, confidence=1.0, box=box, model="")
    return Crop(box=box, width=frame.width, height=frame.height, source=of)


def _is_too_large(image: InputImage, max_pixels: int) -> bool:
    header = read_header(image.data)
    return header is not None and header.width * header.height > max_pixels
