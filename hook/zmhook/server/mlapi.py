"""How mlapi's clients ask, such as the hooks of the event server 6: a picture, or an event's.

What of their request concerns models is followed: which ones, and which labels. Their zones are
not: they belong to whoever decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.detection import Detection
from zmhook.errors import FrameError, FrameUnavailable, PortalError
from zmhook.event import Event
from zmhook.gateway.protocol import MOST_VIEWS
from zmhook.net.http_server import Response
from zmhook.server.answers import Route, answer
from zmhook.server.exchange import Asked, Refused
from zmhook.server.fetching import Wanted
from zmhook.server.looks import ONE_THING, type_found
from zmhook.server.server import Admitted
from zmhook.server.uploads import JSON, Form, Whole, content_type, form_sink, shown
from zmhook.service.look import ServiceBusy
from zmhook.service.wire import View
from zmhook.text.patterns import LONGEST_OF_OTHERS

if TYPE_CHECKING:
    from zmhook.server.looks import Looks
    from zmhook.service.wire import Seen

TYPES = {"object": "object", "face": "face", "alpr": "licenseplate"}
"""The types of models that there are, and the kind of what each finds."""
LARGEST_JSON = 1024 * 1024
LONGEST_NUMBER = 18
_FRAME = re.compile(r"snapshot|alarm|[0-9]{1,9}")


class Order(NamedTuple):
    """What is wanted of the pictures: models by type, and patterns by the kind of what is found.

    `takes_first` chooses the first picture that shows anything, else that which shows most.
    """

    types: Sequence[str]
    patterns: Mapping[str, str]
    takes_first: bool = True


class Found(NamedTuple):
    """What is told of one picture."""

    frame_id: str
    size: tuple[int, int]
    detections: list[Detection]


class Mlapi:
    """Answers `/detect/object` and `/health` below `/api/v1`."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks

    def routes(self) -> dict[str, Route]:
        return {"/detect/object": Route("POST", self._detect)}

    def health(self, _: Asked) -> Response:
        """Answer at `/api/v1/health` alone: without the prefix it is pyzm.serve's."""
        return Response(200, b"ok")

    def _detect(self, asked: Asked) -> Admitted:
        kind = asked.one("type") or "object"
        if kind not in TYPES:
            raise Refused(400, f"type: expected one of {', '.join(TYPES)}, got {shown(kind)!r}")
        if content_type(asked)[0] == JSON:
            whole = Whole()
            return Admitted(
                whole, LARGEST_JSON, lambda: self._answer_json(asked, kind, whole.json())
            )
        sink = form_sink(asked)
        return Admitted(
            sink, self._looks.most_bytes, lambda: self._answer_form(asked, kind, sink.form)
        )

    async def _answer_form(self, asked: Asked, kind: str, form: Form) -> Response:
        file = form.file("file")
        url = form.one("url") or asked.one("url")
        if file is None and not url:
            raise Refused(400, "expected a picture as 'file', or a 'url'")
        async with self._looks.held("" if file else url):
            view = View(file.name or "file", file.data) if file else await self._fetched(url)
            return await self._answer(asked, [view], Order([kind], {}))

    async def _answer_json(self, asked: Asked, kind: str, said: dict[str, Any]) -> Response:
        overrides = _table(said, "ml_overrides")
        strategy = _table(said, "stream_options").get("frame_strategy", "first")
        order = Order(_types(overrides) or [kind], _patterns(overrides), strategy == "first")
        async with self._looks.held("stream"):
            return await self._answer(asked, await self._views(said), order)

    async def _answer(self, asked: Asked, views: Sequence[View], order: Order) -> Response:
        models = [name for kind in order.types for name in self._looks.of_type(kind)]
        if not models:
            raise Refused(400, f"no model of type {', '.join(order.types)} is served")
        floors = {name: self._looks.floor(name) for name in models}
        try:
            seen = await self._looks.look(
                asked.peer, models, views, floors, overlap=ONE_THING, patterns=order.patterns
            )
        except ServiceBusy as error:
            raise Refused(503 if error.retry else 500, str(error)) from None
        if seen.refused:
            raise Refused(413 if seen.too_large else 400, seen.refused)
        if not seen.results:
            forbidden = any(self._looks.refusal(name) for name in models)
            raise Refused(403 if forbidden else 500, "; ".join(seen.errors.values()))
        found = _found(views, seen)
        if asked.one("response_format") == "zm_detect":
            return answer(_zm_detect(found, order))
        return answer([_legacy(one) for one in found[0].detections])

    async def _views(self, said: dict[str, Any]) -> list[View]:
        """Return the pictures of what `stream` names: an event's number, or an address."""
        stream = _word(said, "stream") or _word(said, "url")
        if stream.startswith(("http://", "https://")):
            return [await self._fetched(stream)]
        if not _is_number(stream):
            raise Refused(400, "stream: expected an event's number or a picture's address")
        mid = _word(said, "mid")
        event = Event(id=int(stream), monitor_id=int(mid) if _is_number(mid) else None)
        try:
            return await self._looks.of_event(event, _frames(_table(said, "stream_options")))
        except (FrameError, PortalError) as error:
            raise Refused(400, str(error)) from None

    async def _fetched(self, url: str) -> View:
        try:
            return View("url", await self._looks.fetched(Wanted(url), self._looks.most_bytes))
        except FrameUnavailable as error:
            raise Refused(400, str(error)) from None


def _found(views: Sequence[View], seen: Seen) -> list[Found]:
    return [
        Found(view.id, seen.sizes[i], [one for some in seen.results.values() for one in some[i]])
        for i, view in enumerate(views)
    ]


def _legacy(one: Detection) -> dict[str, Any]:
    """Return a detection as mlapi has told it from the beginning."""
    confidence = f"{one.confidence * 100:.2f}%"
    return {"type": type_found(one), "label": one.label, "confidence": confidence, "box": one.box}


def _zm_detect(found: Sequence[Found], order: Order) -> dict[str, Any]:
    """Return what the event server's hook takes for the result of its own models."""
    best = max(found, key=lambda one: len(one.detections))
    if order.takes_first:
        best = next((one for one in found if one.detections), best)
    width, height = best.size
    told = _told(best)
    matched = {
        **{name: value for name, value in told.items() if name != "detection_types"},
        "image_dimensions": {"original": [height, width], "resized": [height, width]},
        "image": None,
        "polygons": [],
    }
    return {"matched_data": matched, "all_matches": [_told(one) for one in found if one.detections]}


def _told(found: Found) -> dict[str, Any]:
    return {
        "frame_id": found.frame_id,
        "boxes": [one.box for one in found.detections],
        "error_boxes": [],
        "labels": [one.label for one in found.detections],
        "confidences": [one.confidence for one in found.detections],
        "detection_types": [type_found(one) for one in found.detections],
        "model_names": [one.model for one in found.detections],
    }


def _types(overrides: Mapping[str, Any]) -> list[str]:
    """Return the kinds of models that the client wants in turn; unknown ones are left out."""
    wanted = (part.strip() for part in _word(overrides, "model_sequence").split(","))
    return [one for one in dict.fromkeys(wanted) if one in TYPES]


def _patterns(overrides: Mapping[str, Any]) -> dict[str, str]:
    """Return the patterns by kind. Whether they can be used is for a worker to say, not for us."""
    found = {kind: _word(_table(overrides, name), "pattern") for name, kind in TYPES.items()}
    if any(len(pattern) > LONGEST_OF_OTHERS for pattern in found.values()):
        raise Refused(400, f"pattern: at most {LONGEST_OF_OTHERS} characters are taken")
    return {kind: pattern for kind, pattern in found.items() if pattern}


def _frames(options: Mapping[str, Any]) -> list[str]:
    """Return the ids of `frame_set`, which is a list or a text with commas."""
    wanted = options.get("frame_set")
    parts = wanted if isinstance(wanted, list) else _word(options, "frame_set").split(",")
    ids = [_text(one).strip() for one in parts[:MOST_VIEWS]] if wanted else ["snapshot"]
    if not all(_FRAME.fullmatch(one) for one in ids):
        raise Refused(400, "frame_set: expected snapshot, alarm or numbers")
    return list(dict.fromkeys(ids))


def _table(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _word(said: Mapping[str, Any], name: str) -> str:
    return _text(said.get(name))


def _text(value: object) -> str:
    """Return a text or a number as a text; of all else, however deep it goes, nothing."""
    is_word = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_word else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
