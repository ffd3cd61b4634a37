"""Ask a pyzm.serve 2.5: one model and one image per request, raw detections.

Its models have a type, and a name of their own if somebody gave them one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import GatewayError
from zmhook.gateway.dialect import GatewayResult, GatewayStatus, ImageDetections
from zmhook.gateway.endpoint import OK, error_text, not_understood, refused
from zmhook.gateway.parse import are_detections, parse_detection, row_of, strongest
from zmhook.printable import one_line

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.dialect import GatewayRequest
    from zmhook.gateway.encode import EncodedImage
    from zmhook.gateway.endpoint import Endpoint

MODELS, INFER = "/models", "/infer"
OBJECT = "object"
TYPES = {"yolo": OBJECT, "hog": OBJECT, "face": "face", "alpr": "alpr"}
HOG = "hog"
"""Its framework of that name is our model; all others that detect objects are our `yolo`."""
FETCH_FAILED = "fetch failed"


class _ServedModel(NamedTuple):
    name: str
    type: str
    framework: str

    @property
    def our_name(self) -> str:
        """Return what we call such a model; "" where we have none."""
        if self.type == OBJECT:
            return "hog" if self.framework == HOG else "yolo"
        return self.type if self.type in TYPES else ""


class PyzmClient:
    """Asks a pyzm.serve."""

    def __init__(self) -> None:
        self._served: list[_ServedModel] = []

    def status(self, endpoint: Endpoint, deadline: Deadline) -> GatewayStatus | None:
        """Return the models; no other kind of server lists them like this."""
        response = endpoint.get(MODELS, deadline)
        content = response.json() if response.status == OK else None
        rows = content.get("models") if isinstance(content, dict) else None
        if not isinstance(rows, list):
            return None
        self._served = [_served(row) for row in rows if isinstance(row, dict)]
        names = [model.our_name for model in self._served if model.our_name]
        return GatewayStatus("pyzm.serve", list(dict.fromkeys(names)))

    def infer(self, endpoint: Endpoint, request: GatewayRequest) -> GatewayResult:
        """Send one request for each model and image; a model that fails gets no further ones."""
        results: dict[str, ImageDetections] = {}
        errors: dict[str, str] = {}
        for name in request.models:
            fields = self._fields(name, request)
            if fields is None:
                errors[name] = f"{endpoint.address}: serves no {name}: it has {self._names()}"
                continue
            outcome = _run(endpoint, request, name, fields)
            if isinstance(outcome, str):
                errors[name] = f"{endpoint.address}: {name}: {outcome}"
            else:
                results[name] = outcome
        return GatewayResult(results, errors)

    def _fields(self, name: str, request: GatewayRequest) -> dict[str, str] | None:
        """Return the form fields that select this model there, None when there is none.

        The first of a type needs no name, and may have none: it is listed by its framework then.
        """
        same_type = [model for model in self._served if model.type == TYPES.get(name)]
        fitting = [model for model in same_type if model.our_name == name]
        if not fitting:
            return None
        chosen = next((model for model in fitting if model.name.lower() == name), fitting[0])
        fields = {"type": chosen.type, "name": "" if chosen == same_type[0] else chosen.name}
        if chosen.type == OBJECT and name in request.min_confidence:
            fields["min_confidence"] = f"{request.min_confidence[name]:g}"
        return fields

    def _names(self) -> str:
        return ", ".join(f"{model.name} ({model.type})" for model in self._served) or "none"


def _run(
    endpoint: Endpoint, request: GatewayRequest, name: str, fields: dict[str, str]
) -> ImageDetections | str:
    """Return a model's detections in each image, or its error."""
    per_image: ImageDetections = []
    for image in request.images:
        endpoint.check_time(request.deadline)
        outcome = _infer(endpoint, request.deadline, name, fields, image)
        if isinstance(outcome, str):
            return outcome
        per_image.append(outcome)
    return per_image


def _infer(
    endpoint: Endpoint, deadline: Deadline, name: str, fields: dict[str, str], image: EncodedImage
) -> list[Detection] | str:
    response = endpoint.request("POST", INFER, deadline, **_content(fields, image))
    if response.status != OK:
        raise refused(response, *endpoint.secrets)
    content = response.json()
    rows = content.get("detections") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(rows, list):
        raise not_understood(response, *endpoint.secrets)
    if content.get("error"):
        message = error_text(response, *endpoint.secrets, image.secret)
        if image.url and message.startswith(FETCH_FAILED):
            raise GatewayError(f"{endpoint.address}: {message}", "image")
        return message
    if not are_detections(row_of(row) for row in rows):
        raise not_understood(response, *endpoint.secrets)
    return strongest(_detection(name, row, image) for row in rows if isinstance(row, dict))


def _content(fields: dict[str, str], image: EncodedImage) -> dict[str, Any]:
    """Return the form: an image, or where one is."""
    if image.url is None:
        return {
            "data": fields,
            "files": [("image", (image.file_name, image.data, image.media_type))],
        }
    url, query, verify = image.url
    more = {"url": url, "zm_auth": query, "verify_ssl": "1" if verify else "0"}
    return {"data": {**fields, **more}}


def _detection(name: str, row: dict[str, Any], image: EncodedImage) -> Detection | None:
    box = image.frame_box(row.get("box"))
    return parse_detection(name, row.get("label"), row.get("confidence"), box)


def _served(row: dict[str, Any]) -> _ServedModel:
    return _ServedModel(*(one_line(str(row.get(key, ""))) for key in ("name", "type", "framework")))
