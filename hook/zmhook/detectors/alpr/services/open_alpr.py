"""OpenALPR's cloud: `POST …/v2/recognize_bytes`, the picture in base64, the rest in the query.

As https://github.com/openalpr/cloudapi (cloudapi.yaml) has it. The key is part of the address
there, so addresses are never shown.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from zmhook.detectors.alpr.services.account import TOO_MANY, Account, PlateRequest
from zmhook.detectors.alpr.services.base import (
    MOST_RESULTS,
    Attributes,
    Plate,
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
from zmhook.text.bounded_json import mapping

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.detectors.alpr.services.base import Upload
    from zmhook.settings import Alpr, Settings

CLOUD = "https://api.openalpr.com/v2"
MOST_BYTES = 2_400_000
"""No limit is told; this makes 3.2 MB of base64."""
_MEANINGS = {403: TOO_MANY}
"""Others say 429."""
PERCENT = 100.0
_MOST_OTHERS = 5
_CORNERS = 8
_PATHS = ("/recognize", "/recognize_bytes", "/recognize_url")


class OpenAlpr:
    """Asks OpenALPR's cloud."""

    def __init__(self, settings: Settings) -> None:
        self._alpr = settings.alpr
        self._url = recognise_url(self._alpr)
        self._account = Account(settings, self._url, meanings=_MEANINGS)
        self._floor = floor(self._alpr.openalpr_min_confidence)

    @property
    def description(self) -> str:
        return f"open_alpr, {self._account.usage()}"

    def load(self) -> None:
        """Do nothing: the first request connects."""

    def read(
        self, image: npt.NDArray[np.uint8], deadline: Deadline, *, of_vehicle: bool
    ) -> list[Plate]:
        """Return the plates that it reads in a BGR picture `(height, width, 3)`."""
        del of_vehicle  # it takes any picture
        self._account.needs_key()
        sent = upload(image, self._alpr.alpr_max_size, MOST_BYTES)
        answer = self._account.look_up(self._request(sent), deadline)
        self._note_usage(answer)
        return plates(answer, sent, self._floor)

    def close(self) -> None:
        self._account.close()

    def _request(self, sent: Upload) -> PlateRequest:
        query = {
            "secret_key": self._account.key,
            "recognize_vehicle": int(self._alpr.openalpr_recognize_vehicle),
            "country": self._alpr.openalpr_country,
            "state": self._alpr.openalpr_state,
            "return_image": 0,
            "topn": 5,
        }
        more = {"params": query, "data": base64.b64encode(sent.data)}
        return PlateRequest("POST", self._url, more, fits=fits)

    def _note_usage(self, answer: dict[str, Any]) -> None:
        """Believe it about the credits; a look-up with the vehicle costs two."""
        used = number(answer.get("credits_monthly_used"))
        total = number(answer.get("credits_monthly_total"))
        cost = number(answer.get("credit_cost")) or 1.0
        if used is not None and total:
            self._account.quota.report(int((total - used) / max(1.0, cost)))


def recognise_url(alpr: Alpr) -> str:
    """Return the address that takes bytes, whichever of the three `alpr_url` names."""
    base = alpr.alpr_url or CLOUD
    for path in _PATHS:
        base = base.removesuffix(path)
    return f"{base}/recognize_bytes"


def fits(answer: dict[str, Any]) -> bool:
    """Say whether this is an answer of OpenALPR's, and no error with nothing in it."""
    return are_results(answer, _is_result)


def _is_result(row: dict[str, Any]) -> bool:
    is_read = isinstance(row.get("plate"), str) and number(row.get("confidence")) is not None
    return is_read and isinstance(row.get("coordinates"), list)


def plates(answer: dict[str, Any], sent: Upload, least: float) -> list[Plate]:
    """Return the plates of an answer, the surest first; what is no plate in it is left out."""
    return surest(
        (_plate(item, sent) for item in records(answer.get("results"), MOST_RESULTS)), least
    )


def _plate(result: dict[str, Any], sent: Upload) -> Plate | None:
    vehicle = mapping(result.get("vehicle"))
    make = text(first(vehicle.get("make")).get("name"))
    attributes: Attributes = {
        "region": text(result.get("region")),
        "vehicle": text(first(vehicle.get("body_type")).get("name")),
        "make": make,
        "model": text(first(vehicle.get("make_model")).get("name")).removeprefix(f"{make}_"),
        "colour": text(first(vehicle.get("color")).get("name")),
        "year": text(first(vehicle.get("year")).get("name")),
        "orientation": text(first(vehicle.get("orientation")).get("name")),
    }
    others = [
        (text(item.get("plate")), share(item.get("confidence"), PERCENT))
        for item in records(result.get("candidates"), _MOST_OTHERS)
    ]
    box = sent.around(records(result.get("coordinates"), _CORNERS))
    confidence = share(result.get("confidence"), PERCENT)
    return plate(text(result.get("plate")), confidence, box, attributes, others)
