"""The order of the models, and what lets the next one run."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from zmhook.detectors.base import find, wants
from zmhook.errors import DeadlineExceeded, DetectorError, ModelSkipped
from zmhook.image.crop import cut, to_full

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.detectors.base import Detector
    from zmhook.frame import Frame
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class Chain:
    """The detectors that `models` names, loaded when first needed and then kept.

    Not safe for use by two threads at once: a worker owns its chain.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)
        self._loaded: set[str] = set()
        self._loading: dict[str, Future[None]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> Chain:
        """Raise `DetectorError` when `models` names one that does not exist."""
        detectors = [find(name)(settings) for name in settings.general.models]
        if settings.remote.ml_gateway:
            from zmhook.gateway.detector import with_remote

            detectors = with_remote(detectors, settings)
        return cls(detectors)

    def preload(self) -> None:
        """Begin to load the first detector in the background, while the picture is fetched."""
        if self.detectors and not self._loaded and not self._loading:
            first = self.detectors[0]
            with_thread = ThreadPoolExecutor(1, thread_name_prefix="preload")
            self._loading[first.name] = with_thread.submit(first.load)
            with_thread.shutdown(wait=False)

    def run(
        self,
        frames: Sequence[Frame],
        keep: Callable[[int, list[Detection]], list[Detection]],
        *,
        originals: Sequence[Frame] | None = None,
        known: Sequence[Sequence[Detection]] | None = None,
        fresh: Callable[[int, list[Detection]], list[Detection]] = lambda _, kept: kept,
        first_only: bool = False,
    ) -> ChainResult:
        """Run each detector over the frames.

        `keep(i, found)` is asked which of a detector's detections in frame `i`, in the full
        picture's pixels, count; they decide whether a later detector's `requires` is met.
        `fresh(i, kept)` says which of them somebody would be told of: with `first_only` the chain
        stops when there are any, and a detector with `new_only` looks for none but these. A
        detector that fails is noted in the result and the chain goes on. Crops are cut out of
        `originals`, the frames before they were reduced. `known` is what counts already, per
        frame, before any detector has looked.
        """
        result = ChainResult(len(frames))
        for i, already in enumerate(known or ()):
            result.kept[i] += already
        for place, detector in enumerate(self.detectors):
            if first_only and any(fresh(i, kept) for i, kept in enumerate(result.kept)):
                result.blind.update(one.name for one in self.detectors[place:])
                break
            seen = result.kept
            if detector.new_only:
                seen = [fresh(i, kept) for i, kept in enumerate(result.kept)]
            wanted = [i for i in range(len(frames)) if self._may_run(detector, seen[i])]
            if not wanted:
                log.debug("%s skipped: none of its required labels was found", detector.name)
                continue
            views = _views(detector, frames, originals or frames, wanted, seen)
            if views:
                self._run_one(detector, views, keep, result)
        return result

    def _run_one(
        self,
        detector: Detector,
        views: Sequence[tuple[int, Frame]],
        keep: Callable[[int, list[Detection]], list[Detection]],
        result: ChainResult,
    ) -> None:
        started = time.perf_counter()
        try:
            self._load(detector)
            loaded = time.perf_counter()
            found = detector.detect([view for _, view in views])
            detected = time.perf_counter()
        except DeadlineExceeded:
            raise
        except DetectorError as error:
            result.failed(detector.name, error)
            return
        except Exception as error:  # a bug in one model must not silence the others
            log.debug("%s failed", detector.name, exc_info=True)
            what = f"{type(error).__name__}: {error}"
            message = f"{detector.name} failed ({what}); --debug shows where"
            result.failed(detector.name, DetectorError(message))
            return
        if not detector.problems:
            result.looked.append(detector.name)
        result.took(f"{detector.name} load", loaded - started)
        result.took(detector.name, detected - loaded)
        for problem in detector.problems:
            result.failed(detector.name, problem)
        for (i, view), detections in zip(views, found, strict=True):
            result.kept[i] += keep(i, [to_full(one, view) for one in detections])

    def _load(self, detector: Detector) -> None:
        if detector.name in self._loaded:
            return
        loading = self._loading.pop(detector.name, None)
        if loading is not None:
            loading.result()
        else:
            detector.load()
        self._loaded.add(detector.name)

    @staticmethod
    def _may_run(detector: Detector, kept: Sequence[Detection]) -> bool:
        requires = detector.requires
        return not requires or any(wants(requires, one.label) for one in kept)

    def load(self) -> None:
        """Load every detector now; raises the first one's `DetectorError`."""
        for detector in self.detectors:
            self._load(detector)

    def ready(self, name: str) -> Detector:
        """Return one detector, loaded, to be used by itself; raises `DetectorError`."""
        for detector in self.detectors:
            if detector.name == name:
                self._load(detector)
                return detector
        raise DetectorError(f"there is no model '{name}' in this chain")

    def loaded(self) -> list[str]:
        """Return the detectors that are loaded, as they describe themselves."""
        ready = [detector for detector in self.detectors if detector.name in self._loaded]
        return [detector.description for detector in ready]

    def close(self) -> None:
        for detector in self.detectors:
            detector.close()
        self._loaded.clear()


def _views(
    detector: Detector,
    frames: Sequence[Frame],
    originals: Sequence[Frame],
    wanted: Sequence[int],
    seen: Sequence[Sequence[Detection]],
) -> list[tuple[int, Frame]]:
    """Return what the detector looks at, each with the index of its frame."""
    if not detector.crop_to:
        return [(i, frames[i]) for i in wanted]
    return [
        (i, cut(originals[i], found))
        for i in wanted
        for found in _strongest(seen[i], detector.crop_to)[: detector.max_crops]
    ]


def _strongest(kept: Sequence[Detection], labels: frozenset[str]) -> list[Detection]:
    found = [one for one in kept if one.kind != "description" and wants(labels, one.label)]
    return sorted(found, key=lambda one: one.confidence, reverse=True)


class ChainResult:
    """Per frame what was kept, per detector how long it took (ms), who looked, what went wrong.

    `blind` are those of whom it cannot be said what they would have found.
    """

    def __init__(self, frames: int) -> None:
        self.kept: list[list[Detection]] = [[] for _ in range(frames)]
        self.timings: dict[str, float] = {}
        self.errors: list[str] = []
        self.skipped: list[str] = []
        self.looked: list[str] = []
        self.blind: set[str] = set()
        self.is_broken = False

    @property
    def is_complete(self) -> bool:
        """Whether nothing found means that nothing is there.

        A model on another machine may be missing, as long as some model looked.
        """
        return not self.is_broken and bool(self.looked or not self.skipped)

    def failed(self, name: str, error: DetectorError) -> None:
        self.errors.append(str(error))
        self.blind.add(name)
        if isinstance(error, ModelSkipped):
            self.skipped.append(error.short)
        else:
            self.is_broken = True
        log.warning("%s: %s", name, error)

    def took(self, stage: str, seconds: float) -> None:
        self.timings[stage] = round(seconds * 1000, 2)
        log.debug("%s took %.1f ms", stage, seconds * 1000)
