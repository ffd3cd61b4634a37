"""Another zmhook: one request for all models and pictures (`remote.protocol`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json

from zmhook.errors import GatewayError
from zmhook.gateway.dialects.base import asked
from zmhook.gateway.finite import finite
from zmhook.gateway.found import are_rows, found, strongest
from zmhook.gateway.protocol import (
    IMAGE_PART,
    INFER,
    MOST_DETECTIONS,
    MOST_IMAGES,
    REQUEST_PART,
    STATUS,
    InferRequest,
    RequestImage,
)
from zmhook.gateway.question import Answer, Found, Health
from zmhook.gateway.shot import in_requests
from zmhook.gateway.wire import not_understood, refused
from zmhook.net.urls import with_query
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.link import Link
    from zmhook.gateway.question import Question
    from zmhook.gateway.shot import Shot, Size
    from zmhook.gateway.wire import Files, Reply

MOST_BYTES = 15_000_000
"""Of the pictures in one request; such a server takes 20 MB unless it is told otherwise."""
_NOT_UNDERSTOOD = "what it answers of it is not understood"
BAD_REQUEST, TOO_LARGE, SERVER_ERROR = 400, 413, 500


class Ours:
    """Asks a zmhook that listens."""

    def status(self, link: Link, deadline: Deadline) -> Health | None:
        """Return its own words; who has nothing at that path is no zmhook."""
        reply = asked(link, STATUS, deadline)
        said = reply.data() if reply.ok else None
        if isinstance(said, dict) and isinstance(said.get("models"), list) and "version" in said:
            models = [one_line(str(name)) for name in said["models"]]
            return Health(f"zmhook {one_line(str(said['version']))}", models, _busy(said))
        if reply.status >= SERVER_ERROR or reply.location:
            raise refused(reply, *link.secrets)
        return None

    def look(self, link: Link, question: Question) -> Answer:
        """Ask for everything at once, or in as few requests as its limits allow."""
        results: dict[str, Found] = {name: [] for name in question.models}
        errors: dict[str, str] = {}
        busy = None
        for shots in in_requests(question.shots, MOST_IMAGES, MOST_BYTES):
            answer = self._look(link, question._replace(shots=shots))
            for name, some in answer.results.items():
                results[name] += some
            errors |= answer.errors
            busy = answer.busy
        whole = {name: some for name, some in results.items() if name not in errors}
        return Answer(whole, errors, busy)

    def _look(self, link: Link, question: Question) -> Answer:
        reply = link.ask("POST", INFER, question.deadline, files=_form(question))
        if not reply.ok:
            raise _refused(reply, link, question.shots)
        said = reply.data()
        if not isinstance(said, dict) or not isinstance(said.get("results"), dict):
            raise not_understood(reply, *link.secrets)
        results = {
            name: some
            for name in question.models
            if (some := _results(name, said, question.shots)) is not None
        }
        missing = [name for name in question.models if name not in results]
        return Answer(results, {name: _why(name, said, link) for name in missing}, _busy(said))


def _form(question: Question) -> Files:
    request = InferRequest(
        models=list(question.models),
        images=[_view(one) for one in question.shots],
        min_confidence={
            name: question.least[name] for name in question.models if name in question.least
        },
        seconds=question.deadline.left(),
    )
    parts: Files = [(REQUEST_PART, (None, json.encode(request), "application/json"))]
    return parts + [
        (IMAGE_PART, (one.file_name, one.data, one.kind))
        for one in question.shots
        if one.address is None
    ]


def _view(shot: Shot) -> RequestImage:
    place = shot.address
    if place is None:
        return RequestImage(shot.id, crop_label=shot.of)
    return RequestImage(shot.id, with_query(place.url, place.query), shot.of, place.verify)


def _refused(reply: Reply, link: Link, shots: Sequence[Shot]) -> GatewayError:
    error = refused(reply, *link.secrets, *(one.address.query for one in shots if one.address))
    if reply.status == BAD_REQUEST and any(one.address for one in shots):
        return GatewayError(str(error), "image")
    if reply.status == TOO_LARGE:
        return GatewayError(f"{error}: raise [service] listen_max_upload there", "request")
    return error


def _results(name: str, said: dict[str, Any], shots: Sequence[Shot]) -> Found | None:
    some = said["results"].get(name)
    if not isinstance(some, list) or len(some) != len(shots):
        return None
    if not all(isinstance(rows, list) and are_rows(map(_told, rows)) for rows in some):
        return None
    sizes = _sizes(said, shots)
    return [_found(name, *each) for each in zip(some, shots, sizes, strict=True)]


def _why(name: str, said: dict[str, Any], link: Link) -> str:
    told = said.get("errors")
    why = told.get(name) if isinstance(told, dict) else None
    return f"{link.place}: {name}: {one_line(str(why or _NOT_UNDERSTOOD))}"


def _sizes(said: dict[str, Any], shots: Sequence[Shot]) -> list[Size]:
    """Return the sizes of the pictures that the server saw; it fetched some of them itself."""
    told = said.get("sizes")
    if not isinstance(told, list) or len(told) != len(shots):
        return [one.seen for one in shots]
    return [
        (size[0], size[1]) if one.address and _is_size(size) else one.seen
        for one, size in zip(shots, told, strict=True)
    ]


def _is_size(size: object) -> bool:
    return (
        isinstance(size, list)
        and len(size) == 2  # noqa: PLR2004 - width and height
        and all(isinstance(side, int) and side > 0 for side in size)
    )


def _told(row: object) -> tuple[object, object, object]:
    said = row if isinstance(row, dict) else {}
    return said.get("label"), said.get("confidence"), said.get("box")


def _found(name: str, some: object, shot: Shot, size: Size) -> list[Detection]:
    rows = some if isinstance(some, list) else []
    told = [
        found(
            name,
            row.get("label"),
            row.get("confidence"),
            shot.box(row.get("box"), size),
            row.get("attributes"),
        )
        for row in rows
        if isinstance(row, dict)
    ]
    real = [one for one in told if one is not None]
    # In their order, which is that of the model.
    return real if len(real) <= MOST_DETECTIONS else strongest(real)


def _busy(said: dict[str, Any]) -> float | None:
    busy = finite(said.get("busy"))
    return None if busy is None else max(0.0, busy)
