"""The dialect of another zmhook: all images of an event in one request (`gateway.protocol`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook import __version__
from zmhook.errors import FrameUnavailable
from zmhook.gateway.protocol import (
    IMAGE_PART,
    INFER,
    MOST_IMAGES,
    REQUEST_PART,
    STATUS,
    ImageUrl,
    InferRequest,
    InferResponse,
    RequestImage,
    ServerStatus,
)
from zmhook.net.http_connection import HttpError, Request
from zmhook.server.router import Route, json_response
from zmhook.server.uploads import (
    LARGEST_FIELD,
    MOST_VALUES,
    MULTIPART,
    Form,
    content_type,
    loggable,
    upload,
)
from zmhook.service.wire import InputImage
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.net.http_connection import Response
    from zmhook.net.http_server import PendingResponse
    from zmhook.server.inference_api import InferenceApi


class ZmhookApi:
    """Answers `infer` and `status`."""

    def __init__(self, api: InferenceApi) -> None:
        self._api = api

    def routes(self) -> dict[str, Route]:
        return {INFER: Route("POST", self._begin_infer), STATUS: Route("GET", self._status)}

    def _status(self, _: Request) -> Response:
        models, busy = self._api.served_models(), round(self._api.busy, 2)
        return json_response(ServerStatus(version=__version__, models=models, busy=busy))

    def _begin_infer(self, request: Request) -> PendingResponse:
        if content_type(request)[0] != MULTIPART:
            raise HttpError(415, f"expected {MULTIPART}")
        return upload(request, self._api.max_upload, self._infer)

    async def _infer(self, http: Request, form: Form) -> Response:
        request = _parse_request(form)
        async with self._api.reserve(*(image.url for image in request.images)):
            images = await self._images(request, form)
            result = await self._api.infer(
                http.client, request.models, images, request.min_confidence, request.seconds
            )
        return json_response(
            InferResponse(
                results=result.results,
                sizes=result.sizes,
                errors=result.errors,
                timings=result.timings,
                busy=round(self._api.busy, 2),
                version=__version__,
            )
        )

    async def _images(self, request: InferRequest, form: Form) -> list[InputImage]:
        """Return uploaded and fetched images in the order of the request."""
        files = [file for file in form.files if file.field == IMAGE_PART]
        expected = sum(not image.url for image in request.images)
        if len(files) != expected:
            raise HttpError(400, f"expected {expected} uploaded images, got {len(files)}")
        left = self._api.max_upload
        images = []
        for image in request.images:
            data = await self._fetch(image, left) if image.url else files.pop(0).data
            left -= len(data) if image.url else 0
            images.append(InputImage(loggable(image.id), data, loggable(image.crop_label)))
        return images

    async def _fetch(self, image: RequestImage, limit: int) -> bytes:
        try:
            return await self._api.fetch(ImageUrl(image.url, verify=image.verify), limit)
        except FrameUnavailable as error:
            raise HttpError(400, str(error)) from None


def _parse_request(form: Form) -> InferRequest:
    """Return what the first part says; raises `HttpError`."""
    text = form.fields.get(REQUEST_PART)
    if text is None:
        part = form.file(REQUEST_PART)
        if part and len(part.data) > LARGEST_FIELD:
            raise HttpError(400, f"the part '{REQUEST_PART}' is longer than {LARGEST_FIELD} bytes")
        text = part.data.decode("utf-8", "replace") if part else ""
    try:
        request = decoded(text, InferRequest, MOST_VALUES)
    except Unreadable as error:
        raise HttpError(400, f"the part '{REQUEST_PART}' cannot be read: {error}") from None
    if not request.models or not request.images:
        raise HttpError(400, "expected at least one model and one image")
    if len(request.images) > MOST_IMAGES or len(request.models) > MOST_IMAGES:
        raise HttpError(400, f"more than {MOST_IMAGES} images or models")
    return request
