"""How another zmhook asks: all pictures of an event in one request (`remote.protocol`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.errors import FrameUnavailable
from zmhook.gateway.protocol import (
    IMAGE_PART,
    INFER,
    MOST_VIEWS,
    REQUEST_PART,
    STATUS,
    Look,
    Looked,
    Status,
)
from zmhook.gateway.protocol import View as Sent
from zmhook.server.answers import Route, answer
from zmhook.server.exchange import Asked, Refused
from zmhook.server.fetching import Wanted
from zmhook.server.server import Admitted
from zmhook.server.uploads import (
    FORM,
    LARGEST_FIELD,
    MOST_VALUES,
    Form,
    content_type,
    form_sink,
    shown,
)
from zmhook.service.look import ServiceBusy
from zmhook.service.wire import View
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.version import __version__

if TYPE_CHECKING:
    from zmhook.net.http_server import Response
    from zmhook.server.looks import Looks
    from zmhook.service.wire import Seen


class Ours:
    """Answers `infer` and `status`."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks

    def routes(self) -> dict[str, Route]:
        return {INFER: Route("POST", self._look), STATUS: Route("GET", self._status)}

    def _status(self, _: Asked) -> Response:
        models, busy = self._looks.served(), round(self._looks.busy, 2)
        return answer(Status(version=__version__, models=models, busy=busy))

    def _look(self, asked: Asked) -> Admitted:
        if content_type(asked)[0] != FORM:
            raise Refused(415, f"expected {FORM}")
        sink = form_sink(asked)
        return Admitted(sink, self._looks.most_bytes, lambda: self._looked(asked, sink.form))

    async def _looked(self, asked: Asked, form: Form) -> Response:
        request = _request(form)
        async with self._looks.held(*(view.url for view in request.images)):
            return await self._answered(asked, request, form)

    async def _answered(self, asked: Asked, request: Look, form: Form) -> Response:
        views = await self._views(request, form)
        try:
            seen = await self._looks.look(
                asked.peer, request.models, views, request.min_confidence, request.seconds
            )
        except ServiceBusy as error:
            raise Refused(503 if error.retry else 500, str(error)) from None
        if seen.refused:
            raise Refused(413 if seen.too_large else 400, seen.refused)
        return answer(self._as_looked(seen))

    def _as_looked(self, seen: Seen) -> Looked:
        return Looked(
            results=seen.results,
            sizes=seen.sizes,
            errors=seen.errors,
            timings=seen.timings,
            busy=round(self._looks.busy, 2),
            version=__version__,
        )

    async def _views(self, request: Look, form: Form) -> list[View]:
        """Put the pictures that came and those that are fetched in the order of the views."""
        files = [one for one in form.files if one.field == IMAGE_PART]
        if len(files) != sum(not view.url for view in request.images):
            raise Refused(400, f"{len(files)} pictures came, but the request speaks of others")
        left = self._looks.most_bytes
        views = []
        for view in request.images:
            data = await self._fetched(view, left) if view.url else files.pop(0).data
            left -= len(data) if view.url else 0
            views.append(View(shown(view.id), data, shown(view.crop_label)))
        return views

    async def _fetched(self, view: Sent, most: int) -> bytes:
        try:
            return await self._looks.fetched(Wanted(view.url, verify=view.verify), most)
        except FrameUnavailable as error:
            raise Refused(400, str(error)) from None


def _request(form: Form) -> Look:
    """Return what the first part says; raises `Refused`."""
    text = form.fields.get(REQUEST_PART)
    if text is None:
        part = form.file(REQUEST_PART)
        if part and len(part.data) > LARGEST_FIELD:
            raise Refused(400, f"the part '{REQUEST_PART}' is longer than it may be")
        text = part.data.decode("utf-8", "replace") if part else ""
    try:
        request = decoded(text, Look, MOST_VALUES)
    except Unreadable as error:
        raise Refused(400, f"the part '{REQUEST_PART}' cannot be read: {error}") from None
    if not request.models or not request.images:
        raise Refused(400, "expected at least one model and one image")
    if len(request.images) > MOST_VIEWS or len(request.models) > MOST_VIEWS:
        raise Refused(400, f"more than {MOST_VIEWS} images or models")
    return request
