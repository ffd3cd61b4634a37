"""The dialect of pyzm's clients (pyzm.serve 2.5): one model, one image, raw detections."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from zmhook.errors import FrameUnavailable
from zmhook.gateway.protocol import ImageUrl
from zmhook.net.http_connection import HttpError, Request
from zmhook.server.inference_api import MAX_OVERLAP, NOT_SERVED, detection_type, model_type
from zmhook.server.router import Route, json_response
from zmhook.server.uploads import Form, loggable, upload
from zmhook.service.wire import InputImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.net.http_connection import Response
    from zmhook.net.http_server import PendingResponse
    from zmhook.server.inference_api import InferenceApi

log = logging.getLogger(__name__)

MOST_NAMES = 100
"""Names that are remembered, so that the log has a line for each and not for each request."""
NO = frozenset({"0", "false", "False", ""})
FAILED = 500


class PyzmApi:
    """Answers `/infer`, `/models` and `/health`.

    As in pyzm.serve, what goes wrong with a model is a response with `error`; what is wrong with a
    request is a status.
    """

    def __init__(self, api: InferenceApi) -> None:
        self._api = api
        self._logged: dict[tuple[str, str], None] = {}

    def routes(self) -> dict[str, Route]:
        return {
            "/infer": Route("POST", self._begin_infer),
            "/models": Route("GET", self._models),
            "/health": Route("GET", self._health, is_public=True),
        }

    def _health(self, _: Request) -> Response:
        loaded = any(self._api.loaded_models())
        return json_response({"status": "ok", "models_loaded": loaded or self._api.is_ready()})

    def _models(self, _: Request) -> Response:
        return json_response({"models": [self._model(name) for name in self._api.served_models()]})

    def _model(self, name: str) -> dict[str, Any]:
        loaded = [each for each in self._api.loaded_models() if each.partition(":")[0] == name]
        return {
            "name": name,
            "type": model_type(name),
            "framework": "zmhook",
            "loaded": bool(loaded),
            "processor": _processor(loaded),
            "requested_processor": _processor(loaded),
        }

    def _begin_infer(self, request: Request) -> PendingResponse:
        return upload(request, self._api.max_upload, self._infer)

    async def _infer(self, request: Request, form: Form) -> Response:
        async with self._api.reserve(form.value("url")):
            name, problem = self._find_model(form.value("type"), form.value("name"))
            least = _min_confidence(form.value("min_confidence"))
            try:
                image = await self._image(form)
            except FrameUnavailable as error:
                return _failure(f"fetch failed: {error}")
            if problem:
                return _failure(problem)
            return await self._run(request.client, name, image, least)

    async def _run(
        self, client: str, name: str, image: InputImage, least: float | None
    ) -> Response:
        confidence = {name: self._api.default_confidence(name) if least is None else least}
        try:
            result = await self._api.infer(
                client, [name], [image], confidence, max_overlap=MAX_OVERLAP
            )
        except HttpError as error:
            if error.status == FAILED:
                return _failure(error.message)
            if error.status < FAILED:
                message = f"Could not decode image ({error.message})"
                raise HttpError(error.status, message) from None
            raise
        if result.errors:
            return _failure(result.errors[name])
        detections = [_as_json(detection) for detection in result.results[name][0]]
        return json_response({"detections": detections, "error": None})

    async def _image(self, form: Form) -> InputImage:
        """Return the image that was uploaded, or fetch it from the address that was sent."""
        url = form.value("url")
        if url:
            verify = form.fields.get("verify_ssl", "1") not in NO
            address = ImageUrl(url, form.value("zm_auth"), verify)
            return InputImage("url", await self._api.fetch(address, self._api.max_upload))
        file = form.file("image")
        if file is None:
            raise HttpError(400, "Empty file")
        return InputImage(file.name or "image", file.data)

    def _find_model(self, kind: str, name: str) -> tuple[str, str]:
        """Return the requested model, or what the problem is.

        Without a name it is the first of that type. Other servers give models other names
        (`listen_model_names`): the only model of a type answers to any of them. Where there are
        several, an unknown name is an error: the response would be another model's.
        """
        if not kind:
            raise HttpError(422, "the form's field 'type' is missing")
        models = of_type = self._api.models_of_type(kind)
        if name:
            models = [each for each in of_type if name.lower() in self._api.names_of(each)]
        if not models and len(of_type) == 1 and not self._is_of_other_type(name, kind):
            models = of_type
            self._log_once(name, models[0])
        if not models:
            served = ", ".join(self._api.served_models()) or "none"
            which = f"type={loggable(kind)} name={loggable(name)!r}"
            return "", f"no model loaded for {which}; this server has {served}"
        return models[0], self._api.refusal(models[0])

    def _is_of_other_type(self, name: str, kind: str) -> bool:
        """Return whether this is the name of a model of another type."""
        models = self._api.settings.general.models
        others = (each for each in models if model_type(each) != kind or each in NOT_SERVED)
        return any(name.lower() in self._api.names_of(other) for other in others)

    def _log_once(self, name: str, model: str) -> None:
        """Log once for each name that a model with another name answers to it."""
        alias = loggable(name)
        if (alias, model) in self._logged:
            return
        while len(self._logged) >= MOST_NAMES:
            self._logged.pop(next(iter(self._logged)))
        self._logged[alias, model] = None
        log.info(
            "a client asks for a model '%s': %s answers, the only one of its type"
            " ([service] listen_model_names)",
            alias,
            model,
        )


def _min_confidence(text: str) -> float | None:
    if not text:
        return None
    try:
        least = float(text)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        raise HttpError(422, "min_confidence: expected a number")
    return least


def _as_json(detection: Detection) -> dict[str, Any]:
    return {
        "label": detection.label,
        "confidence": detection.confidence,
        "box": detection.box,
        "type": detection_type(detection),
        "model_name": detection.model,
    }


def _failure(message: str) -> Response:
    return json_response({"detections": [], "error": message})


def _processor(loaded: Sequence[str]) -> str:
    return "gpu" if any("CUDA" in each or "GPU" in each for each in loaded) else "cpu"
