"""Looking at another machine's pictures, in a worker: each model that is asked for, no other."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import DeadlineExceeded, DetectorError, PictureError
from zmhook.frame import Crop
from zmhook.image.decode import checked, frame_of
from zmhook.image.header import read_header
from zmhook.printable import one_line
from zmhook.service.wire import Look, Seen, View
from zmhook.text.patterns import LONGEST_OF_OTHERS, SHOWN, WrongPattern, check, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.chain import Chain
    from zmhook.deadline import Deadline
    from zmhook.frame import Frame

log = logging.getLogger(__name__)

OWN_KINDS = ("face", "licenseplate")
"""Kinds of detections that have patterns of their own."""


class Looker:
    """One look: a picture is decoded, shown to each model, and given up before the next one.

    What a chain lets a model depend on (`requires`, `crop_to`) is the other machine's business.
    """

    def __init__(self, chain: Chain, look: Look, deadline: Deadline, max_pixels: int) -> None:
        self._chain = chain
        self._look = look
        self._deadline = deadline
        self._max_pixels = max_pixels
        self._results: dict[str, list[list[Detection]]] = {name: [] for name in look.models}
        self._errors: dict[str, str] = {}
        self._took: dict[str, float] = {}
        self._sizes: list[tuple[int, int]] = []

    def seen(self) -> Seen:
        """Look, and never raise: a picture that is no use is what the answer says."""
        if why := self._wrong_pattern():
            return Seen(refused=why)
        for view in self._look.views:
            try:
                frame = self._frame(view)
            except PictureError as error:
                return Seen(refused=str(error), too_large=_is_too_large(view, self._max_pixels))
            self._sizes.append((frame.width, frame.height))
            for name in self._look.models:
                self._show(name, frame)
        results = {name: found for name, found in self._results.items() if name not in self._errors}
        timings = {name: round(took * 1000, 2) for name, took in self._took.items()}
        return Seen(results, self._sizes, self._errors, timings)

    def _wrong_pattern(self) -> str:
        """Say what is wrong with a pattern. It is compiled here: what compiling takes, it takes us.

        One that matches too slowly counts as matched, as everywhere: the other machine gets a
        detection too many, never one too few.
        """
        for pattern in self._look.patterns.values():
            try:
                check(pattern, LONGEST_OF_OTHERS)
            except WrongPattern as error:
                return f"the pattern '{one_line(pattern, SHOWN)}' cannot be used: {error}"
        return ""

    def _frame(self, view: View) -> Frame:
        started = time.perf_counter()
        frame = frame_of(checked(view.data, view.id, view.id, self._max_pixels))
        self._add("decode", started)
        crop = _cut_out(view.of, frame) if view.of else None
        return structs.replace(frame, crop=crop, deadline=self._deadline)

    def _show(self, name: str, frame: Frame) -> None:
        """Add what a model sees in the frame; one that failed is not shown the others."""
        if name in self._errors:
            return
        started = time.perf_counter()
        try:
            self._deadline.check(f"{name} looking")
            self._results[name].append(self._detect(name, frame))
        except (DetectorError, DeadlineExceeded) as error:
            self._failed(name, str(error))
        except Exception as error:  # a bug in one model must not silence the others
            log.debug("%s failed", name, exc_info=True)
            self._failed(name, f"{name} failed ({type(error).__name__}: {error})")
        self._add(name, started)

    def _detect(self, name: str, frame: Frame) -> list[Detection]:
        detector = self._chain.ready(name)
        (found,) = detector.detect([frame])
        for problem in detector.problems:
            raise problem
        floor = self._look.floors.get(name, 0.0)
        sure = [one for one in found if one.confidence >= floor][: self._look.most]
        apart = sure if self._look.overlap >= 1 else _apart(sure, self._look.overlap)
        return [one for one in apart if self._is_asked_for(one)]

    def _is_asked_for(self, one: Detection) -> bool:
        pattern = self._look.patterns.get(one.kind if one.kind in OWN_KINDS else "object", "")
        self._deadline.check("matching labels")
        return not pattern or matches(pattern, one.label)

    def _failed(self, name: str, why: str) -> None:
        self._errors[name] = why
        log.warning("%s: %s", name, why)

    def _add(self, stage: str, started: float) -> None:
        self._took[stage] = self._took.get(stage, 0.0) + time.perf_counter() - started


def _cut_out(label: str, frame: Frame) -> Crop:
    """Say what the frame shows: for a model that is given what another one has found."""
    box = Box(0, 0, frame.width, frame.height)
    of = Detection(label=label, confidence=1.0, box=box, model="")
    return Crop(box=box, width=frame.width, height=frame.height, of=of)


def _apart(found: Sequence[Detection], most_overlap: float) -> list[Detection]:
    """Return those, strongest first, that do not overlap a stronger one by more than this (IoU)."""
    kept: list[Detection] = []
    for one in found:
        if all(one.box.iou(other.box) <= most_overlap for other in kept):
            kept.append(one)
    return kept


def _is_too_large(view: View, max_pixels: int) -> bool:
    header = read_header(view.data)
    return header is not None and header.width * header.height > max_pixels
