"""Plate Recognizer: its cloud, or its SDK on a machine of one's own.

`POST …/v1/plate-reader/` with the picture as the form field `upload` and, for the cloud,
`Authorization: Token …`, as https://guides.platerecognizer.com/docs/snapshot/api-reference has it.
Both forms of its answer are understood: the usual one, and that of the configuration
`{"detection_mode": "vehicle"}`.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zmhook.deadline import Deadline
from zmhook.detectors.alpr.services.account import Account, PlateRequest
from zmhook.detectors.alpr.services.base import (
    MOST_RESULTS,
    Attributes,
    Plate,
    PlateServiceError,
    Upload,
    are_results,
    first,
    floor,
    number,
    plate,
    records,
    share,
    surest,
    text,
    upload,
)
from zmhook.net.error_body import error_in
from zmhook.text.bounded_json import mapping

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.settings import Alpr, Settings

log = logging.getLogger(__name__)

CLOUD = "https://api.platerecognizer.com/v1"
MOST_BYTES = 2_400_000
"""The limit is said to be 3 MB; pictures of 2.6 MB have been refused."""
READER = "/plate-reader/"
_MOST_OTHERS = 5
_STATISTICS_SECONDS = 5.0


class PlateRecognizer:
    """Asks Plate Recognizer."""

    def __init__(self, settings: Settings) -> None:
        self._alpr = settings.alpr
        self._local = self._alpr.alpr_api_type == "local"
        self._url = reader_url(self._alpr)
        self._account = Account(settings, self._url or CLOUD, counted=not self._local)
        self._floor = floor(self._alpr.platerec_min_score)

    @property
    def description(self) -> str:
        where = "SDK" if self._local else "cloud"
        return f"plate_recognizer ({where}), {self._account.usage()}"

    def load(self) -> None:
        if self._alpr.platerec_stats and not self._local and self._account.key:
            self._log_statistics()

    def read(
        self, image: npt.NDArray[np.uint8], deadline: Deadline, *, of_vehicle: bool
    ) -> list[Plate]:
        """Return the plates that it reads in a BGR picture `(height, width, 3)`."""
        del of_vehicle  # it finds vehicles by itself
        if self._local and not self._url:
            raise PlateServiceError("no address", "set [alpr] alpr_url to the address of your SDK")
        if not self._local:
            self._account.needs_key()
        sent = upload(image, self._alpr.alpr_max_size, MOST_BYTES)
        answer = self._account.look_up(self._request(sent), deadline)
        self._note_usage(answer)
        return plates(answer, sent, self._floor)

    def close(self) -> None:
        self._account.close()

    def _request(self, sent: Upload) -> PlateRequest:
        more = {
            "data": _fields(self._alpr),
            "files": {"upload": ("frame.jpg", sent.data, "image/jpeg")},
        }
        return PlateRequest("POST", self._url, more, self._authorization(), fits)

    def _authorization(self) -> str:
        return f"Token {self._account.key}" if self._account.key else ""

    def _note_usage(self, answer: dict[str, Any]) -> None:
        """Believe the SDK, which says with each answer how much of its licence is used."""
        usage = mapping(answer.get("usage"))
        most, calls = number(usage.get("max_calls")), number(usage.get("calls"))
        if most and calls is not None:
            self._account.quota.report(int(most - calls))

    def _log_statistics(self) -> None:
        """Ask how much of the month is used; an answer that does not come is no trouble."""
        url = f"{self._url.removesuffix(READER)}/statistics/"
        request = PlateRequest("GET", url, {}, self._authorization(), _is_statistics)
        try:
            answer = self._account.ask(request, Deadline(_STATISTICS_SECONDS))
        except PlateServiceError as error:
            log.warning("alpr: it cannot be asked how many look-ups are left: %s", error.detail)
            return
        calls = number(mapping(answer.get("usage")).get("calls"))
        total = number(answer.get("total_calls"))
        if calls is None or total is None:
            log.warning("alpr: Plate Recognizer does not say how many look-ups are left")
            return
        self._account.quota.report(int(total - calls))
        log.info("alpr: Plate Recognizer counts %d of %d look-ups this month", calls, total)


def _is_statistics(answer: dict[str, Any]) -> bool:
    return error_in(answer) is None


def reader_url(alpr: Alpr) -> str:
    """Return the address that reads. An SDK's has no usual place, so it is empty when not set.

    An address with another path (`/alpr`, as older SDKs have it) is taken as it is.
    """
    address = alpr.alpr_url
    if not address:
        return f"{CLOUD}{READER}" if alpr.alpr_api_type == "cloud" else ""
    path = urlsplit(address).path.rstrip("/")
    if path.endswith(READER.rstrip("/")):
        return f"{address}/"
    if path in ("", "/v1"):
        return f"{address}{'' if path else '/v1'}{READER}"
    return address


def fits(answer: dict[str, Any]) -> bool:
    """Say whether this is an answer of Plate Recognizer's, and no error with nothing in it."""
    return are_results(answer, _is_result)


def _is_result(row: dict[str, Any]) -> bool:
    """Tell a plate that was read from something else; of a vehicle there may be none."""
    reading = row.get("plate")
    if isinstance(reading, dict) or (reading is None and "vehicle" in row):
        return True
    is_box = isinstance(row.get("box"), dict)
    return isinstance(reading, str) and number(row.get("score")) is not None and is_box


def plates(answer: dict[str, Any], sent: Upload, least: float) -> list[Plate]:
    """Return what an answer says, the surest first; what is no plate in it is left out."""
    reading = (_plate(item, sent) for item in records(answer.get("results"), MOST_RESULTS))
    return surest(reading, least)


def _plate(result: dict[str, Any], sent: Upload) -> Plate | None:
    inner = result.get("plate")
    return _of_vehicle(result, inner, sent) if isinstance(inner, dict) else _usual(result, sent)


def _usual(result: dict[str, Any], sent: Upload) -> Plate | None:
    attributes: Attributes = {
        "dscore": share(result.get("dscore")),
        "region": text(mapping(result.get("region")).get("code")),
        "vehicle": text(mapping(result.get("vehicle")).get("type")),
        "make": text(first(result.get("model_make")).get("make")),
        "model": text(first(result.get("model_make")).get("model")),
        "colour": text(first(result.get("color")).get("color")),
        "orientation": text(first(result.get("orientation")).get("orientation")),
    }
    attributes |= _direction(result)
    others = [
        (text(item.get("plate")), share(item.get("score")))
        for item in records(result.get("candidates"), _MOST_OTHERS)
    ]
    box = sent.corners(mapping(result.get("box")))
    return plate(text(result.get("plate")), share(result.get("score")), box, attributes, others)


def _of_vehicle(result: dict[str, Any], reading: dict[str, Any], sent: Upload) -> Plate | None:
    """Read a result of `detection_mode` vehicle."""
    properties, vehicle = mapping(reading.get("props")), mapping(result.get("vehicle"))
    of_vehicle = mapping(vehicle.get("props"))
    readings = [
        (text(item.get("value")), share(item.get("score")))
        for item in records(properties.get("plate"), _MOST_OTHERS)
    ]
    attributes: Attributes = {
        "dscore": share(reading.get("score")),
        "region": text(first(properties.get("region")).get("value")),
        "vehicle": text(vehicle.get("type")),
        "make": text(first(of_vehicle.get("make_model")).get("make")),
        "model": text(first(of_vehicle.get("make_model")).get("model")),
        "colour": text(first(of_vehicle.get("color")).get("value")),
        "orientation": text(first(of_vehicle.get("orientation")).get("value")),
    }
    attributes |= _direction(result)
    best, confidence = readings[0] if readings else ("", 0.0)
    return plate(best, confidence, sent.corners(mapping(reading.get("box"))), attributes, readings)


def _direction(result: dict[str, Any]) -> Attributes:
    degrees = number(result.get("direction"))
    return {} if degrees is None else {"direction": degrees}


def _fields(alpr: Alpr) -> dict[str, Any]:
    """Return the form's fields: `platerec_payload`'s replace those of the same name."""
    fields: dict[str, Any] = {"regions": list(alpr.platerec_regions)}
    fields |= json.loads(alpr.platerec_payload or "{}")
    if alpr.platerec_config:
        fields["config"] = json.loads(alpr.platerec_config)
    return {name: _field(value) for name, value in fields.items() if value not in ([], None)}


def _field(value: Any) -> str | list[str]:
    """Return a value as a form has it; a list is the field several times."""
    if isinstance(value, list):
        return [str(_field(item)) for item in value]
    return value if isinstance(value, str) else json.dumps(value)
