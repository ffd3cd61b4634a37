"""mlapi: one type of models and one picture a request.

Which of its models look, and which labels it tells of, is in its own configuration. It answers in
one of two formats: `zm_detect`, or the older list that it gives where it does not know that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import GatewayError
from zmhook.gateway.dialects.base import in_time
from zmhook.gateway.found import are_rows, found, strongest
from zmhook.gateway.question import Answer, Found, Health
from zmhook.gateway.wire import not_understood, refused
from zmhook.net.urls import with_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.link import Link
    from zmhook.gateway.question import Question
    from zmhook.gateway.shot import Shot, Size
    from zmhook.gateway.wire import Reply

HEALTH, DETECT = "/health", "/detect/object"
TYPES = {"yolo": "object", "face": "face", "alpr": "alpr"}
OK = ("ok", '"ok"')
BAD_REQUEST = 400
MOST_BYTES = 5_000_000
"""Of one picture; it refuses larger ones."""

_Row = tuple[object, object, object, object]
"""The type of a model, None where it is known, then a label, a confidence and a box."""


class Mlapi:
    """Asks an mlapi. Which models it has, it does not say."""

    def status(self, link: Link, deadline: Deadline) -> Health | None:
        """Return that it is well: it says `ok`."""
        reply = link.peek(HEALTH, deadline)
        said = reply.body[:16].decode("utf-8", "replace").strip()
        return Health("mlapi") if reply.ok and said in OK else None

    def look(self, link: Link, question: Question) -> Answer:
        """Ask once for each model and picture."""
        results: dict[str, Found] = {}
        errors: dict[str, str] = {}
        for name in question.models:
            if name in TYPES:
                results[name] = [
                    _one(link, question.deadline, name, shot) for shot in question.shots
                ]
            else:
                errors[name] = f"{link.place}: mlapi has no {name}"
        return Answer(results, errors)


def _one(link: Link, deadline: Deadline, name: str, shot: Shot) -> list[Detection]:
    in_time(link, deadline)
    query = {"type": TYPES[name], "response_format": "zm_detect", "delete": "true"}
    reply = link.ask("POST", DETECT, deadline, params=query, **_content(shot))
    if not reply.ok:
        place = shot.address
        error = refused(reply, *link.secrets, place.query if place else "")
        if place and reply.status == BAD_REQUEST:
            raise GatewayError(str(error), "image")
        raise error
    return strongest(_read(name, reply, shot, link))


def _content(shot: Shot) -> dict[str, Any]:
    place = shot.address
    if place is None:
        small = shot.within(MOST_BYTES)
        return {"files": [("file", (small.file_name, small.data, small.kind))]}
    return {"data": {"url": with_query(place.url, place.query)}}


def _read(name: str, reply: Reply, shot: Shot, link: Link) -> Iterator[Detection | None]:
    said = reply.data()
    rows = _legacy(said) if isinstance(said, list) else _zm_detect(said)
    if rows is None or not are_rows(row[1:] for row in rows):
        raise not_understood(reply, *link.secrets)
    seen = None if isinstance(said, list) else _resized(said["matched_data"])
    return (
        found(name, label, confidence, shot.box(box, seen))
        for kind, label, confidence, box in rows
        if kind in (None, TYPES[name])
    )


def _legacy(rows: list[Any]) -> list[_Row] | None:
    """Read a list of detections, which have their type with them."""
    if not all(isinstance(row, dict) for row in rows):
        return None
    return [
        (row.get("type"), row.get("label"), row.get("confidence"), row.get("box")) for row in rows
    ]


def _zm_detect(said: object) -> list[_Row] | None:
    """Read labels, confidences and boxes, three lists side by side."""
    matched = said.get("matched_data") if isinstance(said, dict) else None
    if not isinstance(matched, dict):
        return None
    told = (matched.get(key) for key in ("labels", "confidences", "boxes"))
    lists = [one for one in told if isinstance(one, list)]
    if len(lists) != 3 or len({len(one) for one in lists}) != 1:  # noqa: PLR2004 - all, alike
        return None
    return [(None, *row) for row in zip(*lists, strict=True)]


def _resized(matched: dict[str, Any]) -> Size | None:
    """Return the width and height that its boxes are of, where it has reduced the picture."""
    sizes = matched.get("image_dimensions")
    size = sizes.get("resized") if isinstance(sizes, dict) else None
    if not isinstance(size, list) or len(size) != 2:  # noqa: PLR2004 - height and width
        return None
    height, width = size
    is_size = all(isinstance(side, int) and side > 0 for side in (height, width))
    return (width, height) if is_size else None
