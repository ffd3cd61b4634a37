"""The pictures of one event, fetched in threads while the workers infer."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.deadline import Deadline, usable
from zmhook.errors import FrameNotNeeded, ZmhookError
from zmhook.frames.ids import is_track
from zmhook.service.wire import Picture

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from zmhook.event import Event
    from zmhook.frames.base import Source
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY = 0.05
"""Seconds between two looks at whether a picture that may still come has come."""


class Fetcher:
    """Fetches an event's pictures by their ids, one after the other and each once.

    Asked for one, it begins with the next of `ids` as well: should the first show nothing, the
    worker has the next at hand.
    """

    def __init__(self, event: Event, settings: Settings, ids: list[str], threads: Executor) -> None:
        self.ids = ids
        self._event = event
        self._settings = settings
        self._threads = threads
        self._deadline = Deadline(usable(settings.general.event_deadline))
        self.first_took = 0.0
        """Seconds that the first picture took, the waiting included."""
        self._first: asyncio.Task[Picture] | None = None
        self._source: Source | None = None
        self._last: asyncio.Task[Picture] | None = None
        self._pictures: dict[str, asyncio.Task[Picture]] = {}

    async def first(self) -> Picture:
        """Wait as `wait` says, then fetch the first picture; asked again, give the same one.

        Those before it that turned out not to be needed are passed over: they cost no worker time.
        """
        if self._first is None:
            self._first = asyncio.create_task(self._wait_and_fetch())
        return await asyncio.shield(self._first)

    async def picture(self, frame_id: str) -> Picture:
        """Return a picture, or why there is none."""
        return await asyncio.shield(self._begin(frame_id))

    def begin_after(self, frame_id: str) -> None:
        """Begin to fetch the picture that comes after this one.

        From the event's folder it is there in no time, and most often it is not needed.
        """
        if self._event.path and self._settings.general.prefer_event_folder:
            return
        following = self.ids[self.ids.index(frame_id) + 1 :] if frame_id in self.ids else []
        if following:
            self._begin(following[0])

    async def close(self) -> None:
        """Free connections, once what is under way has ended."""
        if self._last:
            await asyncio.wait([self._last])
        if self._source:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._source.close)

    async def _wait_and_fetch(self) -> Picture:
        began = time.monotonic()
        await asyncio.sleep(self._settings.general.wait)
        first, *others = self.ids
        picture = await self.picture(first)
        while others and not picture.needed:
            picture = await self.picture(others.pop(0))
        self.first_took = time.monotonic() - began
        return picture

    def _begin(self, frame_id: str) -> asyncio.Task[Picture]:
        if frame_id not in self._pictures:
            self._last = asyncio.create_task(self._in_turn(frame_id, self._last))
            self._pictures[frame_id] = self._last
        return self._pictures[frame_id]

    async def _in_turn(self, frame_id: str, before: asyncio.Task[Picture] | None) -> Picture:
        """Fetch after the one before: a source is used by one thread at a time."""
        if before:
            await asyncio.wait([before])
        loop = asyncio.get_running_loop()
        try:
            if is_track(frame_id):
                await self._settled(frame_id)
            return await loop.run_in_executor(self._threads, self._fetch, frame_id)
        except RuntimeError:  # there are no threads any more
            return Picture(frame_id, error=f"{frame_id}: the service was stopped")

    async def _settled(self, frame_id: str) -> None:
        """Wait until a picture is there, or will not come; no thread is held meanwhile."""
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(self._threads, self._must_wait, frame_id):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(LOOK_EVERY)

    def _must_wait(self, frame_id: str) -> bool:
        try:
            if self._source is None:
                self._source = self._open()
            must_wait = getattr(self._source, "must_wait", None)
            return must_wait is not None and must_wait(frame_id, self._deadline)
        except Exception:  # noqa: BLE001 - to fetch it will fail alike, and tell of it
            return False

    def _fetch(self, frame_id: str) -> Picture:
        try:
            if self._source is None:
                self._source = self._open()
            found = self._source.picture(frame_id, self._deadline)
        except FrameNotNeeded as error:
            return Picture(frame_id, error=str(error), needed=False)
        except ZmhookError as error:
            return Picture(frame_id, error=str(error))
        except Exception as error:  # a bug in a source must not leave the event waiting
            log.exception("%s: %s: internal error, please report it", self._event, frame_id)
            what = f"internal error, please report it ({type(error).__name__}: {error})"
            return Picture(frame_id, error=f"{frame_id}: {what}")
        return Picture(found.id, found.origin, found.data, crop=found.crop)

    def _open(self) -> Source:
        from zmhook.frames import open_source

        # The wait was slept through without a thread.
        general = structs.replace(self._settings.general, wait=0.0)
        settings = structs.replace(self._settings, general=general)
        return open_source(self._event, settings, self._deadline)
