"""Describe a picture within time and quota.

The backend speaks with one service; everything else is here: the question, faces and size of the
picture, answers given before, our own limits, and waiting when a service asks for it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.describe.cache import Cache, CachedAnswer, database_below, key_of
from zmhook.describe.description import Backend, Description, DescriptionError, Subject
from zmhook.describe.parse_description import read
from zmhook.describe.prompts import Prompts
from zmhook.errors import PictureError
from zmhook.settings.section import flaw_of_key
from zmhook.storage.quota import DAY, MINUTE, Limit, Quota, Usage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.describe.prepare import Blur
    from zmhook.settings import Gemini, Settings
    from zmhook.storage.shared_database import FallbackDatabase

_PICTURE = "the picture"
LEAST_TIME = 1.0
"""Seconds below which nothing is asked: no such model answers faster."""
WORTH_WAITING = 3.0
"""Seconds that must be left for a question when a wait that was asked for is over."""
ATTEMPTS = 2
LONGEST_HOLD = 26 * 3600.0
"""Seconds; the longest wait that a service means is for the end of its day."""
ENVIRONMENT_KEY = "GEMINI_API_KEY"


class Describer:
    """Asks about pictures. Safe for use by several threads; `close` at the end.

    With `patient` it also waits, within the deadline, until our own limits allow a question:
    right for a collector, wrong where somebody's phone is to ring.
    """

    def __init__(self, settings: Settings, backend: Backend, *, patient: bool = False) -> None:
        gemini = settings.gemini
        self._settings = settings
        self._backend = backend
        self._service = service_of(gemini)
        self._flaw = flaw_of(gemini)
        self._prompts = Prompts(settings)
        self._blur = _blur(settings)
        self._database = database_below(settings.general.base_data_path)
        self._quota = quota_of(gemini, self._database, self._service)
        self._cache = Cache(self._database)
        self._patient = patient
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Description]] = {}

    @classmethod
    def from_settings(cls, settings: Settings, *, patient: bool = False) -> Describer:
        """Make the one that `[gemini]` describes; costs nothing until it is asked."""
        return cls(settings, backend_of(settings.gemini), patient=patient)

    def describe(self, picture: bytes, subject: Subject, deadline: Deadline) -> Description:
        """Ask about a picture file (JPEG, PNG …); raises `ModelSkipped`, which says why not."""
        from zmhook.image.decode import decode

        most = self._settings.general.max_picture_pixels
        try:
            image = decode(picture, _PICTURE, most)
        except PictureError as error:
            why = str(error).removeprefix(f"{_PICTURE}: ")  # the caller names it
            raise DescriptionError("no picture", why, final=True) from None
        return self.describe_image(image, subject, deadline)

    def describe_image(
        self, image: npt.NDArray[np.uint8], subject: Subject, deadline: Deadline
    ) -> Description:
        """Ask about a BGR picture of shape `(height, width, 3)`; raises `ModelSkipped`."""
        question = self._prompts.question(subject)
        picture, size = self._upload(image)
        key = key_of(picture, question, self._service)
        known = self._cache.get(key)
        if known is not None:
            return _known(known)

        def ask() -> Description:
            text = self._text(picture, question, deadline)
            return read(text, self._backend.model, size)

        return self._once(key, lambda: self._answer(ask, key), deadline)

    def question(self, subject: Subject) -> str:
        """Return what would be asked about a subject."""
        return self._prompts.question(subject)

    def usage(self) -> Usage:
        """Return the requests of the last minute and the last day, and what remains."""
        return self._quota.usage()

    def close(self) -> None:
        self._backend.close()
        self._database.close()

    def _upload(self, image: npt.NDArray[np.uint8]) -> tuple[bytes, tuple[int, int]]:
        """Return the JPEG that is sent, its width and height.

        Faces are looked for before they get smaller.
        """
        from zmhook.describe.prepare import upload
        from zmhook.image.resize import shrunk

        if self._blur is not None:
            image = self._blur.blurred(image)
        sent = shrunk(image, self._settings.gemini.gemini_max_size)
        return upload(sent), (sent.shape[1], sent.shape[0])

    def _once(self, key: str, ask: _Ask, deadline: Deadline) -> Description:
        """Let one thread ask; others with the same picture and question wait for its answer."""
        with self._lock:
            under_way = self._under_way.get(key)
            if under_way is None:
                mine = self._under_way[key] = Future()
        if under_way is not None:
            return _of_other(under_way, deadline)
        try:
            mine.set_result(ask())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return mine.result()

    def _answer(self, ask: _Ask, key: str) -> Description:
        try:
            description = ask()
        except DescriptionError as error:
            if error.final:
                self._cache.put(key, CachedAnswer(short=error.reason, message=error.detail))
            raise
        self._cache.put(key, CachedAnswer(description))
        return description

    def _text(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Ask, and once more when there is a reason to wait and the time for it."""
        if self._flaw:
            raise DescriptionError("the key cannot be right", self._flaw)
        for attempt in range(1, ATTEMPTS + 1):
            if deadline.left() < LEAST_TIME:
                raise DescriptionError("no time left", "there was no time left to ask")
            try:
                return self._attempt(picture, question, deadline)
            except DescriptionError as error:
                wait = error.until - time.time()
                if attempt == ATTEMPTS or not self._is_worth(error, wait, deadline):
                    raise
                deadline.sleep(max(0.0, wait))
        raise AssertionError("the last attempt answers or raises")

    def _is_worth(self, error: DescriptionError, wait: float, deadline: Deadline) -> bool:
        if not error.until or (error.is_own_limit and not self._patient):
            return False
        return wait + WORTH_WAITING <= deadline.left()

    def _attempt(self, picture: bytes, question: str, deadline: Deadline) -> str:
        number = self._quota.take()
        seconds = min(deadline.left(), self._settings.gemini.gemini_timeout)
        try:
            return self._backend.ask(picture, question, Deadline(seconds))
        except DescriptionError as error:
            if not error.counts:
                self._quota.give_back(number)
            if error.until:
                self._quota.hold(error)
            raise


if TYPE_CHECKING:
    from collections.abc import Callable

    _Ask = Callable[[], Description]


def quota_of(gemini: Gemini, database: FallbackDatabase, service: str) -> Quota:
    """Return the quota of `[gemini]`: requests count for all services, a wait for one."""
    limits = (
        (gemini.gemini_per_minute, MINUTE, "minute", "gemini_per_minute"),
        (gemini.gemini_per_day, DAY, "day", "gemini_per_day"),
    )
    return Quota(
        database,
        service,
        [
            Limit(
                most,
                seconds,
                f"{most} a {name} are used up",
                f"[gemini] {key} = {most} is used up; the next may be asked {{next}}",
            )
            for most, seconds, name, key in limits
        ],
        DescriptionError,
        longest_hold=LONGEST_HOLD,
        counted_as="",
    )


def backend_of(gemini: Gemini) -> Backend:
    """Return the backend that is named, with its key."""
    key = key_for(gemini)
    if gemini.gemini_backend == "openai":
        from zmhook.describe.openai_compatible import OpenAiBackend

        return OpenAiBackend(gemini, key)
    from zmhook.describe.gemini import GeminiBackend

    return GeminiBackend(gemini, key)


def key_for(gemini: Gemini) -> str:
    """Return the key: the environment's is Google's, and nobody else is given it."""
    key = gemini.gemini_key.reveal().strip()
    if key or gemini.gemini_backend != "gemini":
        return key
    return os.environ.get(ENVIRONMENT_KEY, "").strip()


def flaw_of(gemini: Gemini) -> str:
    """Say what is wrong with the key as such; nothing when it may be right."""
    flaw = flaw_of_key(key_for(gemini))
    source = "[gemini] gemini_key" if gemini.gemini_key else f"{ENVIRONMENT_KEY} of the environment"
    return (
        f"{source}: {flaw}, which no key has; nothing is asked: copy the key again" if flaw else ""
    )


def service_of(gemini: Gemini) -> str:
    """Name what is asked, with whose key: waits and answers hold for that alone."""
    parts = (gemini.gemini_backend, gemini.gemini_url, gemini.gemini_model, key_for(gemini))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _blur(settings: Settings) -> Blur | None:
    if not settings.gemini.gemini_blur_faces:
        return None
    from zmhook.describe.prepare import Blur

    return Blur(settings.face)


def _known(answer: CachedAnswer) -> Description:
    if answer.description is None:
        raise DescriptionError(answer.short, answer.message, final=True)
    return structs.replace(answer.description, cached=True)


def _of_other(under_way: Future[Description], deadline: Deadline) -> Description:
    try:
        return structs.replace(under_way.result(deadline.left()), cached=True)
    except FutureTimeoutError:
        text = "the same question is under way and not answered"
        raise DescriptionError("no answer in time", text) from None
