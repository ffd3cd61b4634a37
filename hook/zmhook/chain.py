"""Run an event's models in order, each where the detections before it call for it."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from zmhook.detectors.base import find, wants
from zmhook.errors import DeadlineExceeded, DetectorError, ModelSkipped
from zmhook.frame import frame_crop
from zmhook.image.crop import cut, reduced, to_scene
from zmhook.text.unexpected import lacks_resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.detection import Detection, Drop
    from zmhook.detectors.base import Detector
    from zmhook.frame import Crop, Frame, Size
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class Scene:
    """One picture on its way through the chain; boxes are in the full picture's pixels.

    `reduced` is what the models see of `frame`, `location` where it lies in the full picture.
    `kept` counts so far, `dropped` does not. `known` is there before any model runs: what the
    camera itself detected. `result` is that of the run that the scene was part of.
    """

    def __init__(
        self, frame: Frame, width: int | None = None, known: Sequence[Detection] = ()
    ) -> None:
        self.frame = frame
        self.reduced = reduced(frame, width)
        self.location: Crop = frame_crop(frame)
        self.known = known
        self.kept: list[Detection] = []
        self.dropped: list[Drop] = []
        self.result = ChainResult()

    @property
    def resized_to(self) -> tuple[int, int] | None:
        is_reduced = self.reduced is not self.frame
        return (self.reduced.width, self.reduced.height) if is_reduced else None


class SceneGate(Protocol):
    """What the chain asks about detections while it runs: `zmhook.gate.gate.Gate`."""

    def filter(
        self, detections: Sequence[Detection], location: Crop
    ) -> tuple[list[Detection], list[Drop]]:
        """Split into what counts, which may let a later model run, and what does not."""

    def notifiable(self, kept: Sequence[Detection], location: Crop) -> list[Detection]:
        """Return those that would alarm now."""


class Chain:
    """The detectors that `models` names, loaded when first needed and then kept.

    Not safe for use by two threads at once: a worker owns its chain.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)
        self._loaded: set[str] = set()
        self._loading: dict[str, Future[None]] = {}
        self._waited = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Chain:
        """Raise `DetectorError` when `models` names one that does not exist."""
        detectors = [find(name)(settings) for name in settings.general.models]
        if settings.remote.ml_gateway:
            from zmhook.gateway.remote_detector import with_remote

            detectors = with_remote(detectors, settings)
        return cls(detectors)

    def preload(self) -> None:
        """Begin to load the first detector in the background, while the picture is fetched."""
        if self.detectors and not self._loaded and not self._loading:
            first = self.detectors[0]
            thread = ThreadPoolExecutor(1, thread_name_prefix="preload")
            self._loading[first.name] = thread.submit(first.load)
            thread.shutdown(wait=False)

    def least_size(self, size: Size) -> Size | None:
        """Return which size of a picture is enough for the first detector, None for all of it.

        It waits until the detector is loaded. That it cannot be, or fails, is for `run` to report.
        """
        first = self.detectors[0] if self.detectors else None
        if first is None or first.crop_to:
            return None
        started = time.perf_counter()
        self.preload()
        loading = self._loading.get(first.name)
        is_broken = bool(loading and loading.exception())
        self._waited += time.perf_counter() - started
        try:
            return None if is_broken else first.least_size(size)
        except Exception:  # a bug in one model must not silence the others
            log.debug("%s: least_size failed", first.name, exc_info=True)
            return None

    def run(
        self, scenes: Sequence[Scene], gate: SceneGate, *, first_only: bool = False
    ) -> ChainResult:
        """Run each detector over the scenes, and add to their `kept` and `dropped`.

        What the gate keeps decides whether a later detector's `requires` is met. With `first_only`
        the chain stops once something is notifiable; a detector with `new_only` gets nothing else.
        A detector that fails is noted in the result and the chain goes on.
        """
        result = ChainResult()
        for scene in scenes:
            scene.result = result
            _add(scene, scene.known, gate)
        for i, detector in enumerate(self.detectors):
            if first_only and any(_notifiable(scene, gate) for scene in scenes):
                result.skipped_models.update(skipped.name for skipped in self.detectors[i:])
                break
            views = [view for scene in scenes for view in _views(detector, scene, gate)]
            if views:
                self._run_detector(detector, views, gate, result)
        return result

    def _run_detector(
        self,
        detector: Detector,
        views: Sequence[tuple[Scene, Frame]],
        gate: SceneGate,
        result: ChainResult,
    ) -> None:
        started = time.perf_counter()
        try:
            self._load(detector)
            loaded = time.perf_counter()
            per_view = detector.detect([view for _, view in views])
            detected = time.perf_counter()
        except DeadlineExceeded:
            raise
        except DetectorError as error:
            result.failed(detector.name, error)
            return
        except Exception as error:  # a bug in one model must not silence the others
            log.debug("%s failed", detector.name, exc_info=True)
            cause = f"{type(error).__name__}: {error}"
            message = f"{detector.name} failed ({cause}); --debug shows where"
            problem = DetectorError(message)
            problem.__cause__ = error
            result.failed(detector.name, problem)
            return
        if not detector.problems:
            result.ran.append(detector.name)
        result.took(f"{detector.name} load", loaded - started + self._waited)
        self._waited = 0.0
        result.took(detector.name, detected - loaded)
        for problem in detector.problems:
            result.failed(detector.name, problem)
        for (scene, view), detections in zip(views, per_view, strict=True):
            _add(scene, [to_scene(detection, view) for detection in detections], gate)

    def _load(self, detector: Detector) -> None:
        if detector.name in self._loaded:
            return
        loading = self._loading.pop(detector.name, None)
        if loading is not None:
            loading.result()
        else:
            detector.load()
        self._loaded.add(detector.name)

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
        """Return the descriptions of the detectors that are loaded."""
        return [
            detector.description for detector in self.detectors if detector.name in self._loaded
        ]

    def close(self) -> None:
        for detector in self.detectors:
            detector.close()
        self._loaded.clear()


def _add(scene: Scene, detections: Sequence[Detection], gate: SceneGate) -> None:
    with scene.result.timed("gate"):
        kept, dropped = gate.filter(detections, scene.location)
    scene.kept += kept
    scene.dropped += dropped


def _notifiable(scene: Scene, gate: SceneGate) -> list[Detection]:
    with scene.result.timed("gate"):
        return gate.notifiable(scene.kept, scene.location)


def _views(detector: Detector, scene: Scene, gate: SceneGate) -> list[tuple[Scene, Frame]]:
    """Return what the detector gets of a scene: the picture, crops of it, or nothing."""
    kept = _notifiable(scene, gate) if detector.new_only else scene.kept
    requires = detector.requires
    if requires and not any(wants(requires, detection.label) for detection in kept):
        log.debug("%s skipped for %s: no required label", detector.name, scene.frame.id)
        return []
    if not detector.crop_to:
        return [(scene, scene.reduced)]
    objects = _most_confident(kept, detector.crop_to)[: detector.max_crops]
    return [(scene, cut(scene.frame, detection)) for detection in objects]


def _most_confident(kept: Sequence[Detection], labels: frozenset[str]) -> list[Detection]:
    objects = [
        detection
        for detection in kept
        if detection.kind != "description" and wants(labels, detection.label)
    ]
    return sorted(objects, key=lambda detection: detection.confidence, reverse=True)


class ChainResult:
    """How one run of the chain went: times (ms), errors, and which models ran.

    `skipped_models` failed or did not get their turn: what they would have detected is unknown.
    `lacks_resources` when one failed for want of memory or files.
    """

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self.errors: list[str] = []
        self.skipped: list[str] = []
        self.ran: list[str] = []
        self.skipped_models: set[str] = set()
        self.is_broken = False
        self.lacks_resources = False

    @property
    def is_complete(self) -> bool:
        """Whether no detection means that there is nothing.

        A model on another machine may be missing, as long as some model ran.
        """
        return not self.is_broken and bool(self.ran or not self.skipped)

    def failed(self, name: str, error: DetectorError) -> None:
        self.errors.append(str(error))
        self.lacks_resources |= lacks_resources(error)
        self.skipped_models.add(name)
        if isinstance(error, ModelSkipped):
            self.skipped.append(error.short)
        else:
            self.is_broken = True
        log.warning("%s: %s", name, error)

    def took(self, stage: str, seconds: float) -> None:
        self.timings[stage] = round(seconds * 1000, 2)
        log.debug("%s took %.1f ms", stage, seconds * 1000)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of what runs inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            took = (time.perf_counter() - started) * 1000
            self.timings[stage] = self.timings.get(stage, 0.0) + took
