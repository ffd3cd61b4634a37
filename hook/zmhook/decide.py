"""Decide an event: its pictures, the chain and the gate, tied together."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from zmhook import __version__
from zmhook.deadline import Deadline
from zmhook.detection import Decision, Detection, FrameInfo, Outcome
from zmhook.errors import FrameError, FrameNotNeeded, PortalError
from zmhook.frame import Frame
from zmhook.frames.base import SNAPSHOT, frame_ids, is_track
from zmhook.frames.file import keep
from zmhook.frames.picture_queue import PictureQueue
from zmhook.frames.sources import open_source
from zmhook.gate.alarm_rules import alarming
from zmhook.gate.gate import Gate
from zmhook.image.decode import frame_of, reducible_size
from zmhook.process.environment import set_time_zone
from zmhook.settings.section import Zone
from zmhook.text.unexpected import lacks_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zmhook.chain import Chain, Scene
    from zmhook.event import Event
    from zmhook.frame import Picture, Size
    from zmhook.frames.base import FrameSource
    from zmhook.frames.file import FileSource
    from zmhook.frames.picture_queue import Arrival
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

AHEAD = 2
"""Pictures that are fetched while a model runs: more are seldom needed."""


class Decided(NamedTuple):
    """A decision, and for those who draw it: its frame (None when there was none) and the zones.

    Zones are in the full picture's pixels. `zones_asked` is when ZoneMinder gave them, seconds
    since the epoch; None when it has not. `lacks_resources` when something went wrong for want of
    memory or files: another process, with limits of its own, may do better.
    """

    decision: Decision
    frame: Frame | None
    zones: tuple[Zone, ...] = ()
    zones_asked: float | None = None
    lacks_resources: bool = False


def decide_event(
    event: Event,
    settings: Settings,
    *,
    deadline: Deadline | None = None,
    chain: Chain | None = None,
    source: FrameSource | None = None,
    file: str | FileSource = "",
    gate: Gate | None = None,
    dry: bool = False,
) -> Decided:
    """Decide an event: fetch its pictures, run the models, apply the gate.

    What is not passed is made from the settings, and closed at the end: the chain, the source of
    the pictures (`file` stands in for it), the gate. With `dry` nothing is stored of the event.
    Raises `DeadlineExceeded`, and what making the chain or the source raises; what goes wrong with
    a picture or a model is recorded in the decision.

    The decision depends on which pictures were there, never on the order in which they came.
    """
    deadline = deadline or Deadline(settings.general.event_deadline)
    set_time_zone(settings.general.time_zone)
    with ExitStack() as stack:
        if chain is None:
            # Here, because a process that answers for a crashed one must not load the models too.
            from zmhook.chain import Chain

            chain = stack.enter_context(closing(Chain.from_settings(settings)))
            chain.preload()
        # Pictures of an event's folder are there in no time, and a given source has its own way.
        is_remote = source is None and not (event.path and settings.general.prefer_event_folder)
        if source is None:
            source = stack.enter_context(closing(open_source(event, settings, deadline, file=file)))
        pictures = stack.enter_context(closing(PictureQueue(source, deadline, ahead=is_remote)))
        gate = gate or Gate(event, settings, deadline)
        return _Decider(event, settings, chain, pictures, gate, deadline).run(dry=dry)


def _alarms(scene: Scene) -> list[Detection]:
    return alarming(scene.kept)


# By frame_strategy: what makes one picture's answer better than another's.
_WORTH: dict[str, Callable[[Scene], int]] = {
    "most_unique": lambda scene: len({detection.label for detection in _alarms(scene)}),
    "most_models": lambda scene: len({detection.model for detection in _alarms(scene)}),
}


class _Decider:
    """Carries what one event has gathered so far."""

    def __init__(
        self,
        event: Event,
        settings: Settings,
        chain: Chain,
        pictures: PictureQueue,
        gate: Gate,
        deadline: Deadline,
    ) -> None:
        self.event = event
        self.settings = settings
        self.chain = chain
        self.pictures = pictures
        self.gate = gate
        self.deadline = deadline
        self.started = time.perf_counter()
        self.timings: dict[str, float] = {}
        self.frame_errors: dict[str, str] = {}
        self.model_errors: list[str] = []
        self.skipped: list[str] = []
        self.skipped_models: set[str] = set()
        self.is_complete = True
        self.lacks_resources = False

    def run(self, *, dry: bool) -> Decided:
        general = self.settings.general
        first_only = general.detection_mode == "first"
        strategy: str = general.frame_strategy
        if general.detection_mode not in ("all", "first"):
            strategy = general.detection_mode
        if strategy in ("first", "first_new"):
            scenes = self._until_an_alarm(first_only=first_only)
        else:
            scenes = self._all_at_once(first_only=first_only)
        self._collect_results(scenes)
        best = max(
            scenes, key=_WORTH.get(strategy, lambda scene: len(_alarms(scene))), default=None
        )
        if best and not dry:
            with self._timed("gate"):
                best.kept, drops = self.gate.record(best.kept, skipped_models=self.skipped_models)
            best.dropped += drops
        return self._decided(best)

    def _until_an_alarm(self, *, first_only: bool) -> list[Scene]:
        """Decide picture by picture, in the order of asking, until no other can change the answer.

        Without an alarm, a picture that may still come can change it. With one, only a picture
        that goes before it can, if it has come meanwhile: nobody waits for it.
        """
        ids = frame_ids(self.settings)
        scenes: dict[str, Scene] = {}
        open_ids, has_alarm = list(ids), False
        while open_ids and (arrival := self._next(open_ids, wait=not has_alarm)):
            open_ids.remove(arrival.id)
            frame = self._frame(arrival)
            if frame is None:
                continue
            if not has_alarm:
                self.pictures.begin(open_ids[:AHEAD])
            (scenes[arrival.id],) = self._run([frame], first_only=first_only)
            if _alarms(scenes[arrival.id]):
                has_alarm = True
                open_ids = [
                    frame_id for frame_id in open_ids if ids.index(frame_id) < ids.index(arrival.id)
                ]
        self.pictures.left_out(open_ids)
        if not scenes:
            instead = self._instead(ids)
            return self._run(instead, first_only=first_only) if instead else []
        in_order = [scenes[frame_id] for frame_id in ids if frame_id in scenes]
        first = next((i for i, scene in enumerate(in_order) if _alarms(scene)), len(in_order))
        return in_order[: first + 1]

    def _all_at_once(self, *, first_only: bool) -> list[Scene]:
        """Decide all pictures together, since each may be the best one."""
        ids = frame_ids(self.settings)
        self.pictures.begin(ids)
        frames: dict[str, Frame] = {}
        open_ids = list(ids)
        while open_ids and (arrival := self._next(open_ids, wait=True)):
            open_ids.remove(arrival.id)
            frame = self._frame(arrival)
            if frame is not None:
                frames[arrival.id] = frame
        together = [frames[frame_id] for frame_id in ids if frame_id in frames] or self._instead(
            ids
        )
        return self._run(together, first_only=first_only)

    def _instead(self, ids: Sequence[str]) -> list[Frame]:
        """Return the snapshot where only frames by number were asked for, and none is there yet.

        Of an event that is kept as a video alone there are none before its end.
        """
        of_event = [frame_id for frame_id in ids if not is_track(frame_id)]
        if not of_event or not all(
            frame_id.isdecimal() or frame_id.endswith("%") for frame_id in of_event
        ):
            return []
        arrival = self._next([SNAPSHOT], wait=True)
        frame = self._frame(arrival) if arrival else None
        if frame is None:
            return []
        log.debug("%s: none of its frames is there yet; uses its snapshot", self.event)
        return [frame]

    def _next(self, ids: Sequence[str], *, wait: bool) -> Arrival | None:
        with self._timed("fetch"):
            return self.pictures.next(ids, wait=wait)

    def _frame(self, arrival: Arrival) -> Frame | None:
        """Return the pixels of a picture that has come, None when there are none."""
        try:
            if arrival.picture is None:
                raise arrival.error or FrameNotNeeded(f"{arrival.id}: there is none")
            least = self._least_size(arrival.picture)
            with self._timed("decode"):
                frame = frame_of(arrival.picture, least)
        except FrameNotNeeded as error:
            log.debug("%s: %s", arrival.id, error)
            return None
        except (FrameError, PortalError) as error:
            # The error of a single picture is that of the decision.
            level = logging.DEBUG if self.event.id is None else logging.WARNING
            log.log(level, "%s: %s", arrival.id, error)
            self.frame_errors[arrival.id] = str(error)
            self.lacks_resources |= lacks_resources(error)
            return None
        keep(frame, self.event, self.settings)
        return frame.replaced(event=self.event, deadline=self.deadline)

    def _least_size(self, picture: Picture) -> Size | None:
        """Return how much of a picture the first model needs, once it is loaded; None: all."""
        general = self.settings.general
        size = reducible_size(picture) if general.reduced_decoding else None
        if size is None or (general.resize and general.resize < size[0]):
            return None
        return self.chain.least_size(size)

    def _run(self, frames: Sequence[Frame], *, first_only: bool) -> list[Scene]:
        """Run the chain over the pictures together, and finish each."""
        from zmhook.chain import Scene

        self.deadline.check("looking at the pictures")
        width = self.settings.general.resize
        scenes = [Scene(frame, width, self._known(frame)) for frame in frames]
        result = self.chain.run(scenes, self.gate, first_only=first_only)
        for scene in scenes:
            with self._timed("gate"):
                scene.kept, drops = self.gate.finish(scene.kept, scene.location)
            scene.dropped += drops
        for stage, milliseconds in result.timings.items():
            self._took(stage, milliseconds / 1000)
        return scenes

    def _known(self, frame: Frame) -> list[Detection]:
        """Return what the camera itself detected in its picture, where that counts."""
        if not self.settings.snapshots.trust_camera or frame.crop is None:
            return []
        return [frame.crop.source] if frame.crop.source else []

    def _collect_results(self, scenes: Sequence[Scene]) -> None:
        """Take over what went wrong with the models that the decision rests on."""
        for result in {id(scene.result): scene.result for scene in scenes}.values():
            self.is_complete = self.is_complete and result.is_complete
            self.lacks_resources |= result.lacks_resources
            self.skipped_models |= result.skipped_models
            self.skipped += [text for text in result.skipped if text not in self.skipped]
            errors = [error for error in result.errors if error not in self.model_errors]
            self.model_errors += errors

    def _decided(self, best: Scene | None) -> Decided:
        outcome: Outcome = "nothing"
        if best and _alarms(best):
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
        return Decided(decision, frame, zones, self.gate.zones_asked, self.lacks_resources)

    def _errors_of_frames(self) -> list[str]:
        """Return what was wrong with pictures, in the order of asking."""
        ids = [*frame_ids(self.settings), SNAPSHOT]
        return list(dict.fromkeys(self.frame_errors[i] for i in ids if i in self.frame_errors))

    def _zones(self, best: Scene | None) -> tuple[Zone, ...]:
        if best is None or not best.location.located:
            return ()
        zones = self.gate.zones((best.location.width, best.location.height))
        return tuple(Zone(zone.name, zone.points) for zone in zones)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._took(stage, time.perf_counter() - started)

    def _took(self, stage: str, seconds: float) -> None:
        self.timings[stage] = self.timings.get(stage, 0.0) + seconds * 1000


def _info(scene: Scene) -> FrameInfo:
    location = scene.location
    return FrameInfo(
        id=scene.frame.id,
        origin=scene.frame.origin,
        width=location.width,
        height=location.height,
        resized_to=scene.resized_to,
        crop=location.box if location.is_part else None,
    )
