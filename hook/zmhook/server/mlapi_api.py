"""The dialect of mlapi's clients, such as the hooks of the event server 6: one image, or an event.

What concerns models in their request is followed: which ones, and which labels. Their zones are
not: they belong to the client, which decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.detection import Detection
from zmhook.errors import FrameError, FrameUnavailable, PortalError
from zmhook.event import Event
from zmhook.gateway.protocol import MOST_IMAGES, ImageUrl
from zmhook.net.http_connection import HttpError, RawBody, Request, Response
from zmhook.net.http_server import PendingResponse
from zmhook.server.inference_api import MAX_OVERLAP, detection_type
from zmhook.server.router import MLAPI, Route, json_response
from zmhook.server.uploads import (
    JSON,
    Form,
    content_type,
    json_object,
    loggable,
    upload,
)
from zmhook.service.wire import InputImage
from zmhook.text.patterns import LONGEST_OF_OTHERS

if TYPE_CHECKING:
    from zmhook.server.inference_api import InferenceApi
    from zmhook.service.wire import InferResult

TYPES = {"object": "object", "face": "face", "alpr": "licenseplate"}
"""The types of models, and the kind of detection that each gives."""
LARGEST_JSON = 1024 * 1024
LONGEST_NUMBER = 18
_FRAME = re.compile(r"snapshot|alarm|[0-9]{1,9}")


class DetectOptions(NamedTuple):
    """Which types of models to run, and patterns by kind of detection.

    `takes_first` chooses the first image with a detection, else the image with most of them.
    """

    types: Sequence[str]
    patterns: Mapping[str, str]
    takes_first: bool = True


class ImageDetections(NamedTuple):
    """What all models detected in one image."""

    frame_id: str
    size: tuple[int, int]
    detections: list[Detection]


class MlapiApi:
    """Answers `/detect/object`, and `/health` below `/api/v1`."""

    def __init__(self, api: InferenceApi) -> None:
        self._api = api

    def routes(self) -> dict[str, Route]:
        """Return the routes. Without the prefix `/health` is pyzm.serve's."""
        return {
            "/detect/object": Route("POST", self._begin_detect),
            f"{MLAPI}/health": Route("GET", lambda _: Response(200, b"ok"), is_public=True),
        }

    def _begin_detect(self, request: Request) -> PendingResponse:
        kind = _kind_of(request)
        if kind not in TYPES:
            raise HttpError(
                400, f"type: expected one of {', '.join(TYPES)}, got {loggable(kind)!r}"
            )
        if content_type(request)[0] == JSON:
            body = RawBody()
            return PendingResponse(
                body, LARGEST_JSON, lambda: self._detect_event(request, kind, json_object(body))
            )
        return upload(request, self._api.max_upload, self._detect_upload)

    async def _detect_upload(self, request: Request, form: Form) -> Response:
        file = form.file("file")
        url = form.value("url") or request.query_value("url")
        if file is None and not url:
            raise HttpError(400, "expected a picture as 'file', or a 'url'")
        async with self._api.reserve("" if file else url):
            image = InputImage(file.name or "file", file.data) if file else await self._fetch(url)
            return await self._detect(request, [image], DetectOptions([_kind_of(request)], {}))

    async def _detect_event(self, request: Request, kind: str, content: dict[str, Any]) -> Response:
        overrides = _table(content, "ml_overrides")
        strategy = _table(content, "stream_options").get("frame_strategy", "first")
        types = _types(overrides) or [kind]
        options = DetectOptions(types, _patterns(overrides), strategy == "first")
        async with self._api.reserve("stream"):
            return await self._detect(request, await self._stream_images(content), options)

    async def _detect(
        self, request: Request, images: Sequence[InputImage], options: DetectOptions
    ) -> Response:
        models = [name for kind in options.types for name in self._api.models_of_type(kind)]
        if not models:
            raise HttpError(400, f"no model of type {', '.join(options.types)} is served")
        result = await self._api.infer(
            request.client,
            models,
            images,
            {name: self._api.default_confidence(name) for name in models},
            max_overlap=MAX_OVERLAP,
            patterns=options.patterns,
        )
        if not result.results:
            forbidden = any(self._api.refusal(name) for name in models)
            raise HttpError(403 if forbidden else 500, "; ".join(result.errors.values()))
        by_image = _by_image(images, result)
        if request.query_value("response_format") == "zm_detect":
            return json_response(_zm_detect(by_image, options))
        return json_response([_legacy(detection) for detection in by_image[0].detections])

    async def _stream_images(self, content: dict[str, Any]) -> list[InputImage]:
        """Return the images of what `stream` names: an event's id, or an address."""
        stream = _text_of(content, "stream") or _text_of(content, "url")
        if stream.startswith(("http://", "https://")):
            return [await self._fetch(stream)]
        if not _is_number(stream):
            raise HttpError(400, "stream: expected an event's number or a picture's address")
        mid = _text_of(content, "mid")
        event = Event(id=int(stream), monitor_id=int(mid) if _is_number(mid) else None)
        frame_ids = _frame_ids(_table(content, "stream_options"))
        try:
            return await self._api.event_images(event, frame_ids)
        except (FrameError, PortalError) as error:
            raise HttpError(400, str(error)) from None

    async def _fetch(self, url: str) -> InputImage:
        try:
            return InputImage("url", await self._api.fetch(ImageUrl(url), self._api.max_upload))
        except FrameUnavailable as error:
            raise HttpError(400, str(error)) from None


def _kind_of(request: Request) -> str:
    """Return the type of models that the query asks for."""
    return request.query_value("type") or "object"


def _by_image(images: Sequence[InputImage], result: InferResult) -> list[ImageDetections]:
    models = result.results.values()
    return [
        ImageDetections(image.id, result.sizes[i], [each for model in models for each in model[i]])
        for i, image in enumerate(images)
    ]


def _legacy(detection: Detection) -> dict[str, Any]:
    """Return a detection in mlapi's oldest format."""
    return {
        "type": detection_type(detection),
        "label": detection.label,
        "confidence": f"{detection.confidence * 100:.2f}%",
        "box": detection.box,
    }


def _zm_detect(images: Sequence[ImageDetections], options: DetectOptions) -> dict[str, Any]:
    """Return what the event server's hook expects from its own models."""
    best = max(images, key=lambda image: len(image.detections))
    if options.takes_first:
        best = next((image for image in images if image.detections), best)
    width, height = best.size
    matched = {
        **{name: value for name, value in _columns(best).items() if name != "detection_types"},
        "image_dimensions": {"original": [height, width], "resized": [height, width]},
        "image": None,
        "polygons": [],
    }
    matches = [_columns(image) for image in images if image.detections]
    return {"matched_data": matched, "all_matches": matches}


def _columns(image: ImageDetections) -> dict[str, Any]:
    detections = image.detections
    return {
        "frame_id": image.frame_id,
        "boxes": [detection.box for detection in detections],
        "error_boxes": [],
        "labels": [detection.label for detection in detections],
        "confidences": [detection.confidence for detection in detections],
        "detection_types": [detection_type(detection) for detection in detections],
        "model_names": [detection.model for detection in detections],
    }


def _types(overrides: Mapping[str, Any]) -> list[str]:
    """Return the types of models that the client asks for, in order, without unknown ones."""
    parts = (part.strip() for part in _text_of(overrides, "model_sequence").split(","))
    return [kind for kind in dict.fromkeys(parts) if kind in TYPES]


def _patterns(overrides: Mapping[str, Any]) -> dict[str, str]:
    """Return the patterns by kind. Only a worker finds out whether they can be used."""
    patterns = {kind: _text_of(_table(overrides, name), "pattern") for name, kind in TYPES.items()}
    if any(len(pattern) > LONGEST_OF_OTHERS for pattern in patterns.values()):
        raise HttpError(400, f"pattern: at most {LONGEST_OF_OTHERS} characters are accepted")
    return {kind: pattern for kind, pattern in patterns.items() if pattern}


def _frame_ids(options: Mapping[str, Any]) -> list[str]:
    """Return the ids of `frame_set`, which is a list or a text with commas."""
    frame_set = options.get("frame_set")
    parts = frame_set if isinstance(frame_set, list) else _text(frame_set).split(",")
    ids = [_text(part).strip() for part in parts[:MOST_IMAGES]] if frame_set else ["snapshot"]
    if not all(_FRAME.fullmatch(frame_id) for frame_id in ids):
        raise HttpError(400, "frame_set: expected snapshot, alarm or numbers")
    return list(dict.fromkeys(ids))


def _table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name)
    return table if isinstance(table, dict) else {}


def _text_of(content: Mapping[str, Any], name: str) -> str:
    return _text(content.get(name))


def _text(value: object) -> str:
    """Return a text or a number as a text; an empty one for anything else, however deep."""
    is_text = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_text else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
