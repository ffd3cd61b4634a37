"""Ask an mlapi: one type of models and one image per request.

Which of its models run, and which labels it returns, is in its own configuration. It answers in
one of two formats: `zm_detect`, or the older list if it does not know that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import GatewayError
from zmhook.gateway.dialect import GatewayResult, GatewayStatus, ImageDetections
from zmhook.gateway.endpoint import OK, not_understood, refused
from zmhook.gateway.parse import are_detections, parse_detection, row_of, strongest
from zmhook.net.urls import with_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.dialect import GatewayRequest
    from zmhook.gateway.encode import EncodedImage, Size
    from zmhook.gateway.endpoint import Endpoint
    from zmhook.net.http import HttpResponse

HEALTH, DETECT = "/health", "/detect/object"
TYPES = {"yolo": "object", "face": "face", "alpr": "alpr"}
HEALTHY = ("ok", '"ok"')
BAD_REQUEST = 400
MOST_BYTES = 5_000_000
"""Of one image; it refuses larger ones."""

_TypedRow = tuple[object, object, object, object]
"""The type of a model, None where it is known, then a label, a confidence and a box."""


class MlapiClient:
    """Asks an mlapi, which does not say which models it has."""

    def status(self, endpoint: Endpoint, deadline: Deadline) -> GatewayStatus | None:
        """Return that it is healthy: it says `ok`."""
        response = endpoint.peek(HEALTH, deadline)
        text = response.body[:16].decode("utf-8", "replace").strip()
        return GatewayStatus("mlapi") if response.status == OK and text in HEALTHY else None

    def infer(self, endpoint: Endpoint, request: GatewayRequest) -> GatewayResult:
        """Send one request for each model and image."""
        results: dict[str, ImageDetections] = {}
        errors: dict[str, str] = {}
        for name in request.models:
            if name in TYPES:
                results[name] = [
                    _infer(endpoint, request.deadline, name, image) for image in request.images
                ]
            else:
                errors[name] = f"{endpoint.address}: mlapi has no {name}"
        return GatewayResult(results, errors)


def _infer(
    endpoint: Endpoint, deadline: Deadline, name: str, image: EncodedImage
) -> list[Detection]:
    endpoint.check_time(deadline)
    query = {"type": TYPES[name], "response_format": "zm_detect", "delete": "true"}
    response = endpoint.request("POST", DETECT, deadline, params=query, **_content(image))
    if response.status != OK:
        error = refused(response, *endpoint.secrets, image.secret)
        if image.url and response.status == BAD_REQUEST:
            raise GatewayError(str(error), "image")
        raise error
    return strongest(_detections(name, response, image, endpoint))


def _content(image: EncodedImage) -> dict[str, Any]:
    if image.url:
        return {"data": {"url": with_query(image.url.url, image.url.query)}}
    small = image.within(MOST_BYTES)
    return {"files": [("file", (small.file_name, small.data, small.media_type))]}


def _detections(
    name: str, response: HttpResponse, image: EncodedImage, endpoint: Endpoint
) -> Iterator[Detection | None]:
    content = response.json()
    is_legacy = isinstance(content, list)
    rows = _legacy(content) if is_legacy else _zm_detect(content)
    if rows is None or not are_detections(row[1:] for row in rows):
        raise not_understood(response, *endpoint.secrets)
    size = None if is_legacy else _resized(content["matched_data"])
    return (
        parse_detection(name, label, confidence, image.frame_box(box, size))
        for kind, label, confidence, box in rows
        if kind in (None, TYPES[name])
    )


def _legacy(rows: list[Any]) -> list[_TypedRow] | None:
    """Read a list of detections, each with its type."""
    if not all(isinstance(row, dict) for row in rows):
        return None
    return [(row.get("type"), *row_of(row)) for row in rows]


def _zm_detect(content: object) -> list[_TypedRow] | None:
    """Read labels, confidences and boxes: three lists side by side."""
    matched = content.get("matched_data") if isinstance(content, dict) else None
    if not isinstance(matched, dict):
        return None
    columns = (matched.get(key) for key in ("labels", "confidences", "boxes"))
    lists = [column for column in columns if isinstance(column, list)]
    if len(lists) != 3 or len({len(column) for column in lists}) != 1:  # noqa: PLR2004 - all, alike
        return None
    return [(None, *row) for row in zip(*lists, strict=True)]


def _resized(matched: dict[str, Any]) -> Size | None:
    """Return the width and height that its boxes refer to, if it has reduced the image."""
    sizes = matched.get("image_dimensions")
    size = sizes.get("resized") if isinstance(sizes, dict) else None
    if not isinstance(size, list) or len(size) != 2:  # noqa: PLR2004 - height and width
        return None
    height, width = size
    is_size = all(isinstance(side, int) and side > 0 for side in (height, width))
    return (width, height) if is_size else None
