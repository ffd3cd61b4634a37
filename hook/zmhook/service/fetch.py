"""Fetch the pictures of one event in threads while the workers infer."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.deadline import Deadline, answered
from zmhook.errors import FrameNotNeeded, ZmhookError
from zmhook.frames.base import Pending, is_track
from zmhook.service.wire import FetchedPicture
from zmhook.text.unexpected import lacks_resources, logged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from zmhook.event import Event
    from zmhook.frames.base import FrameSource
    from zmhook.settings import Settings

    _PictureTask = asyncio.Task[FetchedPicture]

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""Seconds between two checks whether a picture that may still come has come."""


class Fetcher:
    """Fetches an event's pictures by their ids, one after the other and each once.

    One that may still come is requested again. While a worker uses one, those that it may need
    next are fetched.
    """

    def __init__(self, event: Event, settings: Settings, ids: list[str], threads: Executor) -> None:
        self.ids = ids
        self._event = event
        self._settings = settings
        self._threads = threads
        self._deadline = Deadline(answered(settings.general.event_deadline))
        self.first_took = 0.0
        """Seconds that the first picture took, the waiting included."""
        self.lacks_resources = False
        """Whether one could not be fetched for want of memory or files."""
        self._first: _PictureTask | None = None
        self._ahead: asyncio.Task[None] | None = None
        self._ahead_ids: list[str] = []
        self._source: FrameSource | None = None
        self._last: _PictureTask | None = None
        self._asked: dict[str, _PictureTask] = {}
        self._pending: dict[str, FetchedPicture] = {}
        self._due: dict[str, float] = {}

    async def first(self) -> FetchedPicture:
        """Sleep for `wait`, then fetch the first picture; later calls return the same one.

        It is the first in the order of `ids` that is settled: those that may still come are not
        waited for while there is another one. Those that turned out not to be needed are passed
        over: they cost no worker time.
        """
        if self._first is None:
            self._first = asyncio.create_task(self._wait_and_fetch())
        return await asyncio.shield(self._first)

    async def picture(self, frame_id: str) -> FetchedPicture:
        """Return a picture, why there is none, or that it may still come.

        The first attempt is waited for; one of a picture that was not there yet only for a moment.
        """
        before = self._pending.get(frame_id)
        pause = self._due.get(frame_id, 0.0) - time.monotonic()
        if before and pause > 0:
            return structs.replace(before, pause=pause)
        if frame_id not in self._asked:
            task = asyncio.create_task(self._in_turn(frame_id, self._last))
            self._asked[frame_id] = self._last = task
        task = self._asked[frame_id]
        await asyncio.wait([task], timeout=POLL_SECONDS if before else None)
        if not task.done() and before:
            return structs.replace(before, pause=POLL_SECONDS)
        return task.result()

    def begin_after(self, frame_id: str) -> None:
        """Start fetching the next picture, and those that are still to come.

        From the event's folder they are there in no time, and most often they are not needed.
        """
        if self._event.path and self._settings.general.prefer_event_folder:
            return
        if frame_id not in self.ids:
            return
        position = self.ids.index(frame_id)
        pending = [frame for frame in self.ids[:position] if frame in self._pending]
        following = self.ids[position + 1 :][:1]
        self._ahead_ids += [x for x in pending + following if x not in self._ahead_ids]
        if self._ahead_ids and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._fetch_ahead())

    async def close(self) -> None:
        """Close connections, once running fetches have ended."""
        if self._ahead:
            self._ahead.cancel()
            await asyncio.wait([self._ahead])
        if self._last:
            await asyncio.wait([self._last])
        if self._source:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._source.close)

    async def _wait_and_fetch(self) -> FetchedPicture:
        began = time.monotonic()
        await asyncio.sleep(self._settings.general.wait)
        left, picture = list(self.ids), None
        while left and picture is None:
            picture = await self._settled(left)
            if not picture.needed and len(left) > 1:
                left.remove(picture.id)
                picture = None
        self.first_took = time.monotonic() - began
        return picture or FetchedPicture("", error="there is no picture to ask for")

    async def _settled(self, ids: Sequence[str]) -> FetchedPicture:
        """Return the first of these that is settled, in the order of `PictureQueue`.

        No thread is held while it waits, and `ids` may become more.
        """
        while True:
            pauses = []
            for frame_id in list(ids):
                picture = await self.picture(frame_id)
                if picture.pause is None:
                    return picture
                pauses.append(picture.pause)
                if is_track(frame_id):
                    break
            await asyncio.sleep(min(*pauses, 2 * POLL_SECONDS))

    async def _fetch_ahead(self) -> None:
        while self._ahead_ids:
            self._ahead_ids.remove((await self._settled(self._ahead_ids)).id)

    async def _in_turn(self, frame_id: str, before: _PictureTask | None) -> FetchedPicture:
        """Fetch after the one before: a source is used by one thread at a time."""
        if before:
            await asyncio.wait([before])
        loop = asyncio.get_running_loop()
        try:
            picture = await loop.run_in_executor(self._threads, self._fetch, frame_id)
        except RuntimeError:  # there are no threads any more
            return FetchedPicture(frame_id, error=f"{frame_id}: the service was stopped")
        if picture.pause is None:
            self._pending.pop(frame_id, None)
        else:
            self._pending[frame_id] = picture
            self._due[frame_id] = time.monotonic() + picture.pause
            del self._asked[frame_id]
        return picture

    def _fetch(self, frame_id: str) -> FetchedPicture:
        try:
            if self._source is None:
                self._source = self._open()
            picture = self._source.attempt(frame_id, self._deadline)
        except FrameNotNeeded as error:
            return FetchedPicture(frame_id, error=str(error), needed=False)
        except Exception as error:  # noqa: BLE001 - the event must not wait for it
            self.lacks_resources |= lacks_resources(error)
            if isinstance(error, ZmhookError):
                return FetchedPicture(frame_id, error=str(error))
            what = logged(log, error, f"{self._event}: {frame_id}")
            return FetchedPicture(frame_id, error=f"{frame_id}: {what}")
        if isinstance(picture, Pending):
            self.lacks_resources |= lacks_resources(picture.error)
            why = str(picture.error)
            return FetchedPicture(
                frame_id, error=why, pause=picture.seconds, cheap=picture.is_cheap
            )
        return FetchedPicture(picture.id, picture.origin, picture.data, crop=picture.crop)

    def _open(self) -> FrameSource:
        from zmhook.frames.sources import open_source

        # The wait was slept through without a thread.
        general = structs.replace(self._settings.general, wait=0.0)
        settings = structs.replace(self._settings, general=general)
        return open_source(self._event, settings, self._deadline)
