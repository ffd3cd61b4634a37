"""One event in, one Decision out: frames, chain and gate, tied together."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.crop import whole
from zmhook.detection import Decision, Detection, Drop, FrameInfo, Outcome
from zmhook.errors import FrameError, FrameNotNeeded, PortalError
from zmhook.event import Frame
from zmhook.frames.ids import SNAPSHOT, frame_ids, is_track
from zmhook.frames.keep import keep
from zmhook.frames.picture import frame_of
from zmhook.frames.resize import reduced
from zmhook.gate import Gate, ringing
from zmhook.settings.values import Zone
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zmhook.chain import Chain
    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frames.base import Source
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class Decided(NamedTuple):
    """A decision, and for those who draw it: its frame (None when there was none) and the zones.

    Zones are in the full picture's pixels. `zones_asked` is when ZoneMinder told them, seconds
    since the epoch; None when it has not.
    """

    decision: Decision
    frame: Frame | None
    zones: tuple[Zone, ...] = ()
    zones_asked: float | None = None


def decide(
    event: Event,
    settings: Settings,
    chain: Chain,
    source: Source,
    deadline: Deadline,
    *,
    dry: bool = False,
) -> Decided:
    """Look at the event's frames and decide.

    What goes wrong with a frame or a model is recorded in the decision; only
    `DeadlineExceeded` is raised. With `dry` the gate remembers nothing of it.
    """
    return _Decider(event, settings, chain, source, deadline).run(dry=dry)


class _Looked(NamedTuple):
    frame: Frame
    resized_to: tuple[int, int] | None
    kept: list[Detection]
    dropped: list[Drop]

    @property
    def ringing(self) -> list[Detection]:
        return ringing(self.kept)


def _count(looked: _Looked) -> int:
    return len(looked.ringing)


# By frame_strategy: what makes one picture's answer better than another's.
_WORTH: dict[str, Callable[[_Looked], int]] = {
    "most_unique": lambda looked: len({found.label for found in looked.ringing}),
    "most_models": lambda looked: len({found.model for found in looked.ringing}),
}


class _Decider:
    """Carries what one event has gathered so far."""

    def __init__(
        self, event: Event, settings: Settings, chain: Chain, source: Source, deadline: Deadline
    ) -> None:
        self.event = event
        self.settings = settings
        self.chain = chain
        self.source = source
        self.deadline = deadline
        self.gate = Gate(event, settings, deadline)
        self.started = time.perf_counter()
        self.timings: dict[str, float] = {}
        self.frame_errors: list[str] = []
        self.model_errors: list[str] = []
        self.skipped: list[str] = []
        self.blind: set[str] = set()
        self.is_complete = True

    def run(self, *, dry: bool) -> Decided:
        general = self.settings.general
        first_model_only = general.detection_mode == "first"
        strategy: str = general.frame_strategy
        if general.detection_mode not in ("all", "first"):
            strategy = general.detection_mode
        if strategy in ("first", "first_new"):
            looked = self._first_with_a_detection(first_model_only=first_model_only)
        else:
            looked = self._look(list(self._frames()), first_model_only=first_model_only)
        best = self._best(looked, strategy)
        if best and not dry:
            with self._timed("gate"):
                kept, drops = self.gate.remember(best.kept, blind=self.blind)
            best = best._replace(kept=kept, dropped=best.dropped + drops)
        return self._decided(best)

    def _first_with_a_detection(self, *, first_model_only: bool) -> list[_Looked]:
        """Fetch the next frame only when the one before it had nothing."""
        looked: list[_Looked] = []
        for frame in self._frames():
            looked += self._look([frame], first_model_only=first_model_only)
            if looked[-1].ringing:
                break
        return looked

    def _frames(self) -> Iterator[Frame]:
        asked = frame_ids(self.settings)
        is_given = False
        for frame_id in asked:
            frame = self._frame(frame_id)
            if frame is not None:
                is_given = True
                keep(frame, self.event, self.settings)
                yield frame
        if not is_given:
            yield from self._instead(asked)

    def _instead(self, asked: Sequence[str]) -> Iterator[Frame]:
        """Give the snapshot where only frames by number were asked for, and none is there yet.

        Of an event that is kept as a video alone there are none before its end.
        """
        of_event = [one for one in asked if not is_track(one)]
        if of_event and all(one.isdecimal() or one.endswith("%") for one in of_event):
            frame = self._frame(SNAPSHOT)
            if frame is not None:
                log.debug("%s: none of its frames is there yet; looked at its snapshot", self.event)
                yield frame

    def _frame(self, frame_id: str) -> Frame | None:
        try:
            with self._timed("fetch"):
                picture = self.source.picture(frame_id, self.deadline)
            with self._timed("decode"):
                frame = frame_of(picture)
            return structs.replace(frame, event=self.event, deadline=self.deadline)
        except FrameNotNeeded as error:
            log.debug("%s: %s", frame_id, error)
            return None
        except (FrameError, PortalError) as error:
            log.warning("%s: %s", frame_id, error)
            if str(error) not in self.frame_errors:
                self.frame_errors.append(str(error))
            return None

    def _look(self, frames: Sequence[Frame], *, first_model_only: bool = False) -> list[_Looked]:
        self.deadline.check("looking at the pictures")
        small = [reduced(frame, self.settings.general.resize) for frame in frames]
        dropped: list[list[Drop]] = [[] for _ in frames]

        scenes = [whole(frame) for frame in frames]

        def judged(i: int, found: list[Detection]) -> list[Detection]:
            with self._timed("gate"):
                kept, drops = self.gate.judge(found, scenes[i])
            dropped[i] += drops
            return kept

        def fresh(i: int, kept: list[Detection]) -> list[Detection]:
            with self._timed("gate"):
                return self.gate.fresh(kept, scenes[i])

        known = [judged(i, self._known(frame)) for i, frame in enumerate(frames)]
        result = self.chain.run(
            small,
            judged,
            originals=frames,
            known=known,
            fresh=fresh,
            first_only=first_model_only,
        )
        for i, kept in enumerate(result.kept):
            with self._timed("gate"):
                result.kept[i], drops = self.gate.settle(kept, scenes[i])
            dropped[i] += drops
        self.is_complete = self.is_complete and result.is_complete
        self.blind |= result.blind
        self.skipped += [text for text in result.skipped if text not in self.skipped]
        self.model_errors += [error for error in result.errors if error not in self.model_errors]
        for stage, milliseconds in result.timings.items():
            self._took(stage, milliseconds / 1000)
        return [
            _Looked(frame, None if tiny is frame else (tiny.width, tiny.height), kept, drops)
            for frame, tiny, kept, drops in zip(frames, small, result.kept, dropped, strict=True)
        ]

    def _known(self, frame: Frame) -> list[Detection]:
        """Return what the camera itself says is in its picture, where that counts."""
        if not self.settings.snapshots.trust_camera or frame.crop is None:
            return []
        return [frame.crop.of] if frame.crop.of else []

    @staticmethod
    def _best(looked: list[_Looked], strategy: str) -> _Looked | None:
        """Choose the frame that answers; of equal ones the earlier."""
        if not looked:
            return None
        return max(looked, key=_WORTH.get(strategy, _count))

    def _decided(self, best: _Looked | None) -> Decided:
        outcome: Outcome = "nothing"
        if best and best.ringing:
            outcome = "alarm"
        elif best is None or not self.is_complete:
            outcome = "undecided"
        self._took("total", time.perf_counter() - self.started)
        decision = Decision(
            event=self.event,
            outcome=outcome,
            detections=best.kept if best else [],
            dropped=best.dropped if best else [],
            frame=_info(best) if best else None,
            timings={stage: round(took, 2) for stage, took in self.timings.items()},
            errors=[*self.model_errors, *self.frame_errors, *self.gate.errors],
            skipped=self.skipped,
            version=__version__,
        )
        frame, zones = best.frame if best else None, self._zones(best)
        return Decided(decision, frame, zones, self.gate.zones_asked)

    def _zones(self, best: _Looked | None) -> tuple[Zone, ...]:
        if best is None or not whole(best.frame).placed:
            return ()
        full = whole(best.frame)
        places = self.gate.places((full.width, full.height))
        return tuple(Zone(place.name, place.points) for place in places)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._took(stage, time.perf_counter() - started)

    def _took(self, stage: str, seconds: float) -> None:
        self.timings[stage] = self.timings.get(stage, 0.0) + seconds * 1000


def _info(looked: _Looked) -> FrameInfo:
    frame = looked.frame
    full = whole(frame)
    return FrameInfo(
        id=frame.id,
        origin=frame.origin,
        width=full.width,
        height=full.height,
        resized_to=looked.resized_to,
        crop=full.box if full.is_part else None,
    )
