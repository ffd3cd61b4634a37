"""What another machine may have looked at, and by which models; every way of asking ends here."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, ZmhookError
from zmhook.gateway.protocol import MOST_FOUND
from zmhook.server.fetching import SECONDS, Wanted, fetched
from zmhook.service.look import Wanted as Look
from zmhook.service.wire import Seen, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.server.server import Room
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Service, Settings

Result = TypeVar("Result")

FETCH_THREADS = 4
MEGABYTE = 1_000_000
TYPES = {"face": "face", "alpr": "alpr"}
"""What a model's kind is called by other servers; all others are `object`."""
KINDS = {"face": "face", "licenseplate": "alpr"}
ONE_THING = 0.4
"""Overlap (IoU) beyond which pyzm's servers tell of the stronger box alone, whatever the labels.
Their clients count on it: nothing on their side removes the second name of one thing."""
NEVER = {"gemini": "gemini is asked by each machine itself"}


class Looks:
    """Asks the workers, of models that may be asked, for what may leave this machine."""

    def __init__(self, supervisor: Supervisor, room: Room) -> None:
        self._supervisor = supervisor
        self._room = room
        self._threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="listen")

    @property
    def settings(self) -> Settings:
        return self._supervisor.config.current().general

    @property
    def busy(self) -> float:
        return self._supervisor.busy

    @property
    def most_bytes(self) -> int:
        """The bytes that one request may have."""
        return round(self._service.listen_max_upload * MEGABYTE)

    def is_ready(self) -> bool:
        return self._supervisor.is_ready()

    def loaded(self) -> list[str]:
        """Return the loaded models as they describe themselves."""
        found = [model for slot in self._supervisor.pool.slots for model in slot.models]
        return list(dict.fromkeys(found))

    def served(self) -> list[str]:
        """Return the names of the models that may be asked."""
        return [name for name in self.settings.general.models if not self.refusal(name)]

    def refusal(self, name: str) -> str:
        """Return why a model may not be asked; nothing when it may."""
        if name not in self.settings.general.models:
            return "no such model is served: [general] models of the server names them"
        if name == "face" and not self._service.listen_faces:
            return "names of faces do not leave the server ([service] listen_faces)"
        if name == "alpr" and not self._service.listen_plates:
            return "number plates do not leave the server ([service] listen_plates)"
        return NEVER.get(name, "")

    def of_type(self, kind: str) -> list[str]:
        """Return the models of a type, in their order, whether or not they may be asked."""
        models = self.settings.general.models
        return [name for name in models if type_of(name) == kind and name not in NEVER]

    def names_of(self, model: str) -> set[str]:
        """Return what other machines may call a model, in small letters."""
        yolo = self.settings.yolo
        tiny = yolo.yolo_type == "tiny"
        file = Path(yolo.tiny_weights if tiny else yolo.weights)
        names = {model, file.stem, file.name} if model == "yolo" else {model}
        pairs = (pair.rpartition("=") for pair in self._service.listen_model_names)
        names |= {name for name, _, known in pairs if known == model}
        return {name.lower() for name in names}

    def floor(self, model: str) -> float:
        """Return the least confidence that counts here, for those who do not say theirs."""
        settings = self.settings
        own = {
            "yolo": settings.yolo.yolo_min_confidence,
            "hog": settings.hog.hog_min_confidence,
        }.get(model, 0.0)
        return max(own, settings.gate.min_confidence)

    async def look(
        self,
        machine: str,
        models: Sequence[str],
        views: Sequence[View],
        floors: Mapping[str, float],
        seconds: float = 0.0,
        overlap: float = 1.0,
        patterns: Mapping[str, str] | None = None,
    ) -> Seen:
        """Return what those of the models that may be asked see; raises `ServiceBusy`.

        `floors`, `overlap` and `patterns` as in `wire.Look`.
        """
        refused = {name: why for name in models if (why := self.refusal(name))}
        asked = [name for name in dict.fromkeys(models) if name not in refused]
        if not asked:
            return Seen(errors=refused)
        wanted = Look(machine, asked, views, floors, seconds, MOST_FOUND, overlap, patterns or {})
        seen = await self._supervisor.look(wanted)
        results = {
            name: [self._let(found) for found in some] for name, some in seen.results.items()
        }
        return structs.replace(seen, results=results, errors={**seen.errors, **refused})

    def held(self, *urls: str) -> AbstractAsyncContextManager[None]:
        """Hold room for what may be fetched of these; raises `Refused` when there is none.

        What is fetched for a request counts like what comes with one.
        """
        return self._room.of(self.most_bytes if any(urls) else 0)

    async def fetched(self, wanted: Wanted, most: int) -> bytes:
        """Return the picture at an address; raises `FrameUnavailable`."""
        allowed = self._service.allowed_portals
        return await self._in_thread(lambda: fetched(wanted, allowed, most, SECONDS))

    async def of_event(self, event: Event, frame_ids: Sequence[str]) -> list[View]:
        """Return those pictures of an event that our own portal has; raises `FrameUnavailable`."""
        return await self._in_thread(lambda: self._of_event(event, frame_ids))

    def _of_event(self, event: Event, frame_ids: Sequence[str]) -> list[View]:
        from zmhook.frames import open_source
        from zmhook.frames.base import waited_for

        settings = self._supervisor.config.current().for_monitor(event.monitor_id)
        deadline = Deadline(min(SECONDS, settings.general.event_deadline))
        source = open_source(event, settings, deadline)
        found, left, errors = [], self.most_bytes, []
        try:
            for frame_id in frame_ids:
                try:
                    data = waited_for(source, frame_id, deadline).data
                except ZmhookError as error:
                    errors.append(str(error))
                    continue
                left -= len(data)
                if left < 0:
                    break
                found.append(View(frame_id, data))
        finally:
            source.close()
        if not found:
            raise FrameUnavailable("; ".join(errors) or "no frame was asked for")
        return found

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._threads, work)
            return await asyncio.wait_for(running, SECONDS + 1)
        except asyncio.TimeoutError:
            raise FrameUnavailable("the picture did not come in time") from None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _let(self, found: Sequence[Detection]) -> list[Detection]:
        """Leave out what must not leave this machine, whichever model found it."""
        return [one for one in found if not (one.kind in KINDS and self._is_kept(KINDS[one.kind]))]

    def _is_kept(self, kind: str) -> bool:
        service = self._service
        return not {"face": service.listen_faces, "alpr": service.listen_plates}[kind]

    @property
    def _service(self) -> Service:
        return self.settings.service


def type_of(model: str) -> str:
    """Return what other servers call a model's kind: object, face or alpr."""
    return TYPES.get(model, "object")


def type_found(one: Detection) -> str:
    return KINDS.get(one.kind, "object")
