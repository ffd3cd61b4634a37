"""Run models for other machines: which models, on which images. All dialects end here."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, InferenceUnavailable, ZmhookError
from zmhook.gateway.protocol import MOST_DETECTIONS
from zmhook.net.http import OK, HttpClient
from zmhook.net.http_connection import HttpError
from zmhook.net.http_problem import HttpFailure, HttpProblem
from zmhook.net.urls import shown, with_query
from zmhook.service.wire import InferResult, InferTask, InputImage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.gateway.protocol import ImageUrl
    from zmhook.net.http_server import UploadBudget
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Service, Settings


Result = TypeVar("Result")

FETCH_THREADS = 4
MEGABYTE = 1_000_000
TYPES = {"face": "face", "alpr": "alpr"}
"""What a model's kind is called by other servers; all others are `object`."""
KINDS = {"face": "face", "licenseplate": "alpr"}
MAX_OVERLAP = 0.4
"""Overlap (IoU) beyond which pyzm's servers return the stronger box alone, whatever the labels.
Their clients rely on it: nothing on their side removes the second label of one object."""
NOT_SERVED = {"gemini": "gemini is asked by each machine itself"}
SECONDS = 10.0
"""For fetching an image."""
LARGEST = 64 * 1024 * 1024
LONGEST = 4096
"""Bytes of an image, and of its address."""
PORTS = {"http": 80, "https": 443}
NOT_IN_A_LINE = frozenset(map(chr, (*range(33), 127)))
_ADVICE = {HttpFailure.TOO_LARGE: "[service] listen_max_upload limits it"}
_UNREADABLE = "the picture's address cannot be read"


class InferenceApi:
    """Runs the models that other machines may use, and returns what may leave this machine."""

    def __init__(self, supervisor: Supervisor, budget: UploadBudget) -> None:
        self._supervisor = supervisor
        self._budget = budget
        self._fetcher = ImageFetcher()
        self._threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="listen")

    @property
    def settings(self) -> Settings:
        return self._supervisor.config.current().general

    @property
    def busy(self) -> float:
        return self._supervisor.busy

    @property
    def max_upload(self) -> int:
        """The bytes that one request may have."""
        return round(self._service.listen_max_upload * MEGABYTE)

    def is_ready(self) -> bool:
        return self._supervisor.is_ready()

    def loaded_models(self) -> list[str]:
        """Return the loaded models as they describe themselves."""
        models = [model for slot in self._supervisor.pool.slots for model in slot.models]
        return list(dict.fromkeys(models))

    def served_models(self) -> list[str]:
        """Return the names of the models that other machines may use."""
        return [name for name in self.settings.general.models if not self.refusal(name)]

    def refusal(self, name: str) -> str:
        """Return why a model may not be used; an empty text when it may."""
        if name not in self.settings.general.models:
            return "no such model is served: [general] models of the server names them"
        if name == "face" and not self._service.listen_faces:
            return "names of faces do not leave the server ([service] listen_faces)"
        if name == "alpr" and not self._service.listen_plates:
            return "number plates do not leave the server ([service] listen_plates)"
        return NOT_SERVED.get(name, "")

    def models_of_type(self, kind: str) -> list[str]:
        """Return the models of a type, in their order, whether or not they may be used."""
        models = self.settings.general.models
        return [name for name in models if model_type(name) == kind and name not in NOT_SERVED]

    def names_of(self, model: str) -> set[str]:
        """Return what other machines may call a model, in lower case."""
        yolo = self.settings.yolo
        tiny = yolo.yolo_type == "tiny"
        file = Path(yolo.tiny_weights if tiny else yolo.weights)
        names = {model, file.stem, file.name} if model == "yolo" else {model}
        pairs = (pair.rpartition("=") for pair in self._service.listen_model_names)
        names |= {name for name, _, known in pairs if known == model}
        return {name.lower() for name in names}

    def default_confidence(self, model: str) -> float:
        """Return the least confidence that counts for clients that do not send their own."""
        settings = self.settings
        own = {
            "yolo": settings.yolo.yolo_min_confidence,
            "hog": settings.hog.hog_min_confidence,
        }.get(model, 0.0)
        return max(own, settings.gate.min_confidence)

    async def infer(
        self,
        client: str,
        models: Sequence[str],
        images: Sequence[InputImage],
        min_confidence: Mapping[str, float],
        seconds: float = 0.0,
        max_overlap: float = 1.0,
        patterns: Mapping[str, str] | None = None,
    ) -> InferResult:
        """Run those of the models that may be used. The arguments are those of `wire.InferTask`.

        Raises `HttpError`: 400 and 413 for an image or pattern that cannot be used, 503 when
        asking again soon may help, else 500.
        """
        refused = {name: reason for name in models if (reason := self.refusal(name))}
        allowed = [name for name in dict.fromkeys(models) if name not in refused]
        if not allowed:
            return InferResult(errors=refused)
        task = InferTask(
            client,
            allowed,
            list(images),
            min_confidence,
            seconds,
            MOST_DETECTIONS,
            max_overlap,
            patterns or {},
        )
        try:
            result = await self._supervisor.infer(task)
        except InferenceUnavailable as error:
            raise HttpError(503 if error.retry else 500, str(error)) from None
        if result.refused:
            raise HttpError(413 if result.too_large else 400, result.refused)
        results = {
            name: [self._releasable(detections) for detections in per_image]
            for name, per_image in result.results.items()
        }
        return structs.replace(result, results=results, errors={**result.errors, **refused})

    def reserve(self, *urls: str) -> AbstractAsyncContextManager[None]:
        """Hold budget for what is fetched from these; raises `HttpError` when there is none.

        Images that are fetched for a request count like those that come with one.
        """
        return self._budget.reserve(self.max_upload if any(urls) else 0)

    async def fetch(self, address: ImageUrl, limit: int) -> bytes:
        """Return the image at an address; raises `FrameUnavailable`."""
        allowed = self._service.allowed_portals
        return await self._in_thread(lambda: self._fetcher.fetch(address, allowed, limit))

    async def event_images(self, event: Event, frame_ids: Sequence[str]) -> list[InputImage]:
        """Return an event's images from our own portal; raises `FrameUnavailable`."""
        return await self._in_thread(lambda: self._event_images(event, frame_ids))

    def _event_images(self, event: Event, frame_ids: Sequence[str]) -> list[InputImage]:
        from zmhook.frames.base import waited_for
        from zmhook.frames.sources import open_source

        settings = self._supervisor.config.current().for_monitor(event.monitor_id)
        deadline = Deadline(min(SECONDS, settings.general.event_deadline))
        source = open_source(event, settings, deadline)
        images, left, errors = [], self.max_upload, []
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
                images.append(InputImage(frame_id, data))
        finally:
            source.close()
        if not images:
            raise FrameUnavailable("; ".join(errors) or "no frame was asked for")
        return images

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._threads, work)
            return await asyncio.wait_for(running, SECONDS + 1)
        except asyncio.TimeoutError:
            raise FrameUnavailable("the picture did not come in time") from None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _releasable(self, detections: Sequence[Detection]) -> list[Detection]:
        """Return the detections that may leave this machine, whichever model they are from."""
        service = self._service
        allowed = {"face": service.listen_faces, "alpr": service.listen_plates}
        return [each for each in detections if allowed.get(KINDS.get(each.kind, ""), True)]

    @property
    def _service(self) -> Service:
        return self.settings.service


def model_type(model: str) -> str:
    """Return what other servers call a model's kind: object, face or alpr."""
    return TYPES.get(model, "object")


def detection_type(detection: Detection) -> str:
    return KINDS.get(detection.kind, "object")


# -- images that are fetched -----------------------------------------------------------------------


class ImageFetcher:
    """Fetches images; any thread may use it. Requests that never end are bounded."""

    def __init__(self) -> None:
        self._clients = {
            verify: HttpClient(limit=LARGEST, verify=verify, keep=False) for verify in (True, False)
        }

    def fetch(self, address: ImageUrl, allowed: Collection[str], limit: int) -> bytes:
        """Return the image at an address: at most `limit` bytes, within `SECONDS`.

        Redirects are not followed. `allowed` are `host` (its usual port) or `host:port`. Raises
        `FrameUnavailable`; its text has no query.
        """
        check_url(address.url, allowed)
        if not _is_one_line(address.query):
            raise FrameUnavailable(_UNREADABLE)
        url = with_query(address.url.partition("#")[0], address.query.lstrip("?&"))
        try:
            response = self._clients[address.verify].request("GET", url, SECONDS, limit=limit)
        except HttpProblem as problem:
            reason = problem.with_advice(_ADVICE)
        else:
            if response.status == OK and response.body:
                return response.body
            is_empty = response.status == OK
            reason = "it is empty" if is_empty else f"it answers {response.status}"
        raise FrameUnavailable(f"{shown(address.url)}: {reason}")


def check_url(url: str, allowed: Collection[str]) -> None:
    """Raise `FrameUnavailable` unless this is an http(s) address on an allowed host."""
    if len(url) > LONGEST or not _is_one_line(url):
        raise FrameUnavailable(_UNREADABLE)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FrameUnavailable(_UNREADABLE) from None
    if parts.scheme not in PORTS or not host:
        raise FrameUnavailable("expected the picture's address to begin with http:// or https://")
    if "@" in parts.netloc:
        raise FrameUnavailable("the picture's address may have no user or password in it")
    name = f"[{host}]" if ":" in host else host
    usual = PORTS[parts.scheme]
    names = {f"{name}:{port or usual}"} | ({name} if (port or usual) == usual else set())
    if not names & set(allowed):
        raise FrameUnavailable(
            f"{name}:{port or usual} is not one of [service] allowed_portals on the server"
        )


def _is_one_line(text: str) -> bool:
    return text.isascii() and not NOT_IN_A_LINE & set(text)
