"""The order of the models, and what lets the next one run."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from zmhook.detectors.base import find
from zmhook.errors import DeadlineExceeded, DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.detectors.base import Detector
    from zmhook.event import Frame
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
        return cls([find(name)(settings) for name in settings.general.models])

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
        first_only: bool = False,
    ) -> ChainResult:
        """Run each detector over the frames.

        `keep(i, found)` is asked which of a detector's detections in frame `i` count; they decide
        whether a later detector's `requires` is met and, with `first_only`, whether the chain
        stops. A detector that fails is noted in the result and the chain goes on.
        """
        result = ChainResult(len(frames))
        for detector in self.detectors:
            wanted = [i for i in range(len(frames)) if self._may_run(detector, result.kept[i])]
            if not wanted:
                log.debug("%s skipped: none of its required labels was found", detector.name)
                continue
            self._run_one(detector, frames, wanted, keep, result)
            if first_only and any(result.kept):
                break
        return result

    def _run_one(
        self,
        detector: Detector,
        frames: Sequence[Frame],
        wanted: Sequence[int],
        keep: Callable[[int, list[Detection]], list[Detection]],
        result: ChainResult,
    ) -> None:
        started = time.perf_counter()
        try:
            self._load(detector)
            loaded = time.perf_counter()
            found = detector.detect([frames[i] for i in wanted])
            detected = time.perf_counter()
        except DeadlineExceeded:
            raise
        except DetectorError as error:
            result.failed(detector.name, str(error))
            return
        except Exception as error:  # a bug in one model must not silence the others
            log.debug("%s failed", detector.name, exc_info=True)
            what = f"{type(error).__name__}: {error}"
            result.failed(detector.name, f"{detector.name} failed ({what}); --debug shows where")
            return
        result.took(f"{detector.name} load", loaded - started)
        result.took(detector.name, detected - loaded)
        for i, detections in zip(wanted, found, strict=True):
            result.kept[i] += keep(i, detections)

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
        return not detector.requires or any(one.label in detector.requires for one in kept)

    def load(self) -> None:
        """Load every detector now; raises the first one's `DetectorError`."""
        for detector in self.detectors:
            self._load(detector)

    def loaded(self) -> list[str]:
        """Return the detectors that are loaded, as they describe themselves."""
        ready = [detector for detector in self.detectors if detector.name in self._loaded]
        return [getattr(detector, "description", detector.name) for detector in ready]

    def close(self) -> None:
        for detector in self.detectors:
            detector.close()
        self._loaded.clear()


class ChainResult:
    """Per frame what was kept, per detector how long it took (ms), and what went wrong."""

    def __init__(self, frames: int) -> None:
        self.kept: list[list[Detection]] = [[] for _ in range(frames)]
        self.timings: dict[str, float] = {}
        self.errors: list[str] = []

    def failed(self, name: str, why: str) -> None:
        self.errors.append(why)
        log.warning("%s: %s", name, why)

    def took(self, stage: str, seconds: float) -> None:
        self.timings[stage] = round(seconds * 1000, 2)
        log.debug("%s took %.1f ms", stage, seconds * 1000)
