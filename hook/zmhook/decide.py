"""One event in, one Decision out: frames, chain and gate, tied together."""

from __future__ import annotations

import logging
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.detection import Decision, Detection, Drop, FrameInfo, Outcome
from zmhook.errors import FrameError, FrameNotNeeded, PortalError
from zmhook.frame import Frame, whole
from zmhook.frames.gathered import Gathered
from zmhook.frames.ids import SNAPSHOT, frame_ids, is_track
from zmhook.frames.keep import keep
from zmhook.gate import Gate, ringing
from zmhook.image.decode import frame_of
from zmhook.image.resize import reduced
from zmhook.process.environment import set_time_zone
from zmhook.settings.values import Zone
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zmhook.chain import Chain, ChainResult  # noqa: TC004 - nothing reads a tuple's types
    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frames.base import FrameSource
    from zmhook.frames.gathered import Arrival
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

AHEAD = 2
"""Pictures that are asked for while a model looks: more are seldom needed."""


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
    source: FrameSource,
    deadline: Deadline,
    *,
    dry: bool = False,
    ahead: bool = False,
) -> Decided:
    """Look at the event's frames and decide.

    What goes wrong with a frame or a model is recorded in the decision; only
    `DeadlineExceeded` is raised. With `dry` the gate remembers nothing of it. `ahead` is that of
    `Gathered`.

    Which frames were looked at decides, and never the order in which they came.
    """
    set_time_zone(settings.general.time_zone)
    with closing(Gathered(source, deadline, ahead=ahead)) as pictures:
        return _Decider(event, settings, chain, pictures, deadline).run(dry=dry)


class _Looked(NamedTuple):
    """One picture that was looked at; `result` is that of all that were shown together."""

    result: ChainResult
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
        self, event: Event, settings: Settings, chain: Chain, pictures: Gathered, deadline: Deadline
    ) -> None:
        self.event = event
        self.settings = settings
        self.chain = chain
        self.pictures = pictures
        self.deadline = deadline
        self.gate = Gate(event, settings, deadline)
        self.started = time.perf_counter()
        self.timings: dict[str, float] = {}
        self.frame_errors: dict[str, str] = {}
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
            looked = self._at_once(first_model_only=first_model_only)
        self._note(looked)
        best = self._best(looked, strategy)
        if best and not dry:
            with self._timed("gate"):
                kept, drops = self.gate.remember(best.kept, blind=self.blind)
            best = best._replace(kept=kept, dropped=best.dropped + drops)
        return self._decided(best)

    def _first_with_a_detection(self, *, first_model_only: bool) -> list[_Looked]:
        """Look at what there is, in the order of asking, until nothing could change the answer.

        While nothing has been found, a picture that may still come can change it. Once something
        has, only one that goes before it can, if it has come meanwhile: nobody waits for it.
        """
        asked = frame_ids(self.settings)
        looked: dict[str, _Looked] = {}
        open_ids, has_answer = list(asked), False
        while open_ids and (arrival := self._next(open_ids, wait=not has_answer)):
            open_ids.remove(arrival.id)
            frame = self._frame(arrival)
            if frame is None:
                continue
            if not has_answer:
                self.pictures.begin(open_ids[:AHEAD])
            (looked[arrival.id],) = self._look([frame], first_model_only=first_model_only)
            if looked[arrival.id].ringing:
                has_answer = True
                open_ids = [one for one in open_ids if asked.index(one) < asked.index(arrival.id)]
        self.pictures.left_out(open_ids)
        if not looked:
            instead = self._instead(asked)
            return self._look(instead, first_model_only=first_model_only) if instead else []
        in_order = [looked[one] for one in asked if one in looked]
        answers = next((i for i, one in enumerate(in_order) if one.ringing), len(in_order))
        return in_order[: answers + 1]

    def _at_once(self, *, first_model_only: bool) -> list[_Looked]:
        """Look at all pictures together, since each may be the best one."""
        asked = frame_ids(self.settings)
        self.pictures.begin(asked)
        frames: dict[str, Frame] = {}
        open_ids = list(asked)
        while open_ids and (arrival := self._next(open_ids, wait=True)):
            open_ids.remove(arrival.id)
            frame = self._frame(arrival)
            if frame is not None:
                frames[arrival.id] = frame
        together = [frames[one] for one in asked if one in frames] or self._instead(asked)
        return self._look(together, first_model_only=first_model_only)

    def _instead(self, asked: Sequence[str]) -> list[Frame]:
        """Return the snapshot where only frames by number were asked for, and none is there yet.

        Of an event that is kept as a video alone there are none before its end.
        """
        of_event = [one for one in asked if not is_track(one)]
        if not of_event or not all(one.isdecimal() or one.endswith("%") for one in of_event):
            return []
        arrival = self._next([SNAPSHOT], wait=True)
        frame = self._frame(arrival) if arrival else None
        if frame is None:
            return []
        log.debug("%s: none of its frames is there yet; looked at its snapshot", self.event)
        return [frame]

    def _next(self, ids: Sequence[str], *, wait: bool) -> Arrival | None:
        with self._timed("fetch"):
            return self.pictures.next(ids, wait=wait)

    def _frame(self, arrival: Arrival) -> Frame | None:
        """Return the pixels of a picture that has come, None when there are none."""
        try:
            if arrival.picture is None:
                raise arrival.error or FrameNotNeeded(f"{arrival.id}: there is none")
            with self._timed("decode"):
                frame = frame_of(arrival.picture)
        except FrameNotNeeded as error:
            log.debug("%s: %s", arrival.id, error)
            return None
        except (FrameError, PortalError) as error:
            log.warning("%s: %s", arrival.id, error)
            self.frame_errors[arrival.id] = str(error)
            return None
        keep(frame, self.event, self.settings)
        return structs.replace(frame, event=self.event, deadline=self.deadline)

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
        for stage, milliseconds in result.timings.items():
            self._took(stage, milliseconds / 1000)
        return [
            _Looked(
                result, frame, None if tiny is frame else (tiny.width, tiny.height), kept, drops
            )
            for frame, tiny, kept, drops in zip(frames, small, result.kept, dropped, strict=True)
        ]

    def _note(self, looked: Sequence[_Looked]) -> None:
        """Keep what is to be said of those that were looked at until something was found."""
        for result in {id(one.result): one.result for one in looked}.values():
            self.is_complete = self.is_complete and result.is_complete
            self.blind |= result.blind
            self.skipped += [text for text in result.skipped if text not in self.skipped]
            errors = [error for error in result.errors if error not in self.model_errors]
            self.model_errors += errors

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
            errors=[*self.model_errors, *self._errors_of_frames(), *self.gate.errors],
            skipped=self.skipped,
            version=__version__,
        )
        frame, zones = best.frame if best else None, self._zones(best)
        return Decided(decision, frame, zones, self.gate.zones_asked)

    def _errors_of_frames(self) -> list[str]:
        """Return what was wrong with pictures, in the order of asking."""
        ids = [*frame_ids(self.settings), SNAPSHOT]
        return list(dict.fromkeys(self.frame_errors[i] for i in ids if i in self.frame_errors))

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


def _size(frame: Frame) -> tuple[int, int]:
    return frame.width, frame.height


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
