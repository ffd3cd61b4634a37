"""Ask another zmhook: one request for all models and images (`protocol`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json

from zmhook.errors import GatewayError
from zmhook.gateway.dialect import GatewayResult, GatewayStatus, ImageDetections
from zmhook.gateway.encode import batches
from zmhook.gateway.endpoint import NOT_FOUND, OK, SERVER_ERROR, not_understood, refused
from zmhook.gateway.parse import are_detections, finite, parse_detection, row_of, strongest
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
from zmhook.net.urls import with_query
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.dialect import GatewayRequest
    from zmhook.gateway.encode import EncodedImage, Size
    from zmhook.gateway.endpoint import Endpoint
    from zmhook.net.http import HttpResponse

MOST_BYTES = 15_000_000
"""Of the images in one request; by default such a server accepts 20 MB."""
BAD_REQUEST, TOO_LARGE = 400, 413

_Part = tuple[str, tuple[str | None, bytes, str]]
"""A part of a form: the field's name, then the file's name, its bytes and their type."""


class ZmhookClient:
    """Asks a zmhook that listens."""

    def status(self, endpoint: Endpoint, deadline: Deadline) -> GatewayStatus | None:
        """Return its own status; a server that has nothing at that path is no zmhook."""
        response = endpoint.get(STATUS, deadline)
        content = response.json() if response.status == OK else None
        content = content if isinstance(content, dict) else {}
        if isinstance(content.get("models"), list) and "version" in content:
            names = [one_line(str(name)) for name in content["models"]]
            speaks = f"zmhook {one_line(str(content['version']))}"
            return GatewayStatus(speaks, names, _busy(content))
        if response.status >= SERVER_ERROR or response.location:
            raise refused(response, *endpoint.secrets)
        return None

    def infer(self, endpoint: Endpoint, request: GatewayRequest) -> GatewayResult:
        """Ask for everything at once, or in as few requests as the limits allow."""
        results: dict[str, ImageDetections] = {name: [] for name in request.models}
        errors: dict[str, str] = {}
        busy = None
        for images in batches(request.images, MOST_IMAGES, MOST_BYTES):
            part = _infer(endpoint, request._replace(images=images))
            for name, detections in part.results.items():
                results[name] += detections
            errors |= part.errors
            busy = part.busy
        complete = {name: each for name, each in results.items() if name not in errors}
        return GatewayResult(complete, errors, busy)


def _infer(endpoint: Endpoint, request: GatewayRequest) -> GatewayResult:
    response = endpoint.request("POST", INFER, request.deadline, files=_form(request))
    if response.status != OK:
        raise _refused(response, endpoint, request.images)
    content = response.json()
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        raise not_understood(response, *endpoint.secrets)
    results = {
        name: detections
        for name in request.models
        if (detections := _model_detections(name, content, request.images)) is not None
    }
    missing = [name for name in request.models if name not in results]
    errors = {name: _error(name, content, endpoint) for name in missing}
    return GatewayResult(results, errors, _busy(content))


def _form(request: GatewayRequest) -> list[_Part]:
    least = request.min_confidence
    content = InferRequest(
        models=list(request.models),
        images=[_request_image(image) for image in request.images],
        min_confidence={name: least[name] for name in request.models if name in least},
        seconds=request.deadline.left(),
    )
    parts: list[_Part] = [(REQUEST_PART, (None, json.encode(content), "application/json"))]
    return parts + [
        (IMAGE_PART, (image.file_name, image.data, image.media_type))
        for image in request.images
        if image.url is None
    ]


def _request_image(image: EncodedImage) -> RequestImage:
    if image.url is None:
        return RequestImage(image.id, crop_label=image.crop_label)
    url = with_query(image.url.url, image.url.query)
    return RequestImage(image.id, url, image.crop_label, image.url.verify)


def _refused(
    response: HttpResponse, endpoint: Endpoint, images: Sequence[EncodedImage]
) -> GatewayError:
    error = refused(response, *endpoint.secrets, *(image.secret for image in images))
    if response.status == BAD_REQUEST and any(image.url for image in images):
        return GatewayError(str(error), "image")
    if response.status in NOT_FOUND:
        return GatewayError(f"{error}: it is of another version; upgrade it, or this one")
    if response.status == TOO_LARGE:
        return GatewayError(f"{error}: raise [service] listen_max_upload there", "request")
    return error


def _model_detections(
    name: str, content: dict[str, Any], images: Sequence[EncodedImage]
) -> ImageDetections | None:
    """Return a model's detections for each image; None where they are not that."""
    per_image = content["results"].get(name)
    if not isinstance(per_image, list) or len(per_image) != len(images):
        return None
    if not all(isinstance(rows, list) and are_detections(map(row_of, rows)) for rows in per_image):
        return None
    sizes = _sizes(content, images)
    return [_detections(name, *each) for each in zip(per_image, images, sizes, strict=True)]


def _error(name: str, content: dict[str, Any], endpoint: Endpoint) -> str:
    errors = content.get("errors")
    message = errors.get(name) if isinstance(errors, dict) else None
    message = message or "its response for this model makes no sense"
    return f"{endpoint.address}: {name}: {one_line(str(message))}"


def _sizes(content: dict[str, Any], images: Sequence[EncodedImage]) -> list[Size]:
    """Return the sizes of the images that the models got; the server fetched some of them."""
    sizes = content.get("sizes")
    if not isinstance(sizes, list) or len(sizes) != len(images):
        return [image.sent_size for image in images]
    return [
        (size[0], size[1]) if image.url and _is_size(size) else image.sent_size
        for image, size in zip(images, sizes, strict=True)
    ]


def _is_size(size: object) -> bool:
    return (
        isinstance(size, list)
        and len(size) == 2  # noqa: PLR2004 - width and height
        and all(isinstance(side, int) and side > 0 for side in size)
    )


def _detections(name: str, rows: list[Any], image: EncodedImage, size: Size) -> list[Detection]:
    parsed = [
        parse_detection(
            name,
            row.get("label"),
            row.get("confidence"),
            image.frame_box(row.get("box"), size),
            row.get("attributes"),
        )
        for row in rows
        if isinstance(row, dict)
    ]
    detections = [detection for detection in parsed if detection is not None]
    # In their order, which is that of the model.
    return detections if len(detections) <= MOST_DETECTIONS else strongest(detections)


def _busy(content: dict[str, Any]) -> float | None:
    busy = finite(content.get("busy"))
    return None if busy is None else max(0.0, busy)
