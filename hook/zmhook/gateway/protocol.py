"""The protocol between two zmhooks: models only, no zones, no history, no decision.

`POST {base}/zmhook/v1/infer`
    multipart/form-data. The part `request` comes first (application/json: `InferRequest`), then one
    file part `image` for each image of it without a `url`, in order: image/jpeg, image/png or what
    else ZoneMinder's portal gave. 200 with `InferResponse`. Else JSON with the reason as `detail`,
    and 400 (not understood), 401 (log in), 403 (forbidden), 413 (too many bytes or pixels) or 503
    (too busy; Retry-After).
`GET {base}/zmhook/v1/status`
    200 with `ServerStatus`. Asked every few seconds, so it is cheap. It needs the login as well.
`POST {base}/login`
    JSON with `username` and `password`; 200 with `LoginResponse`, or 401. The token goes with
    every other request, as `Authorization: Bearer <token>`.

`{base}` may have a path, such as mlapi's `/api/v1`. Unknown fields are ignored, and a server leaves
out fields that an older client does not know: either side may be the newer one.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from zmhook.detection import Detection

INFER = "/zmhook/v1/infer"
STATUS = "/zmhook/v1/status"
LOGIN = "/login"

REQUEST_PART = "request"
IMAGE_PART = "image"

MOST_IMAGES = 64
"""Frames, or crops of them, in one request."""
MOST_DETECTIONS = 1000
"""Detections that one model may give for one frame; the strongest are kept."""


class ImageUrl(NamedTuple):
    """Where an image can be fetched. `query` grants access, and is secret.

    `verify` says whether the certificate of an https address is checked.
    """

    url: str
    query: str = ""
    verify: bool = True


class RequestImage(Struct, frozen=True, omit_defaults=True):
    """One image of a request: a frame, or a crop of one.

    `id` is the frame's, for the log. With `url` the server fetches it (only from hosts that it
    allows), and no file part stands for it. `crop_label` is the label of what was cut out.
    `verify` says whether the certificate of an https address is checked.
    """

    id: str
    url: str = ""
    crop_label: str = ""
    verify: bool = True


class InferRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which models to run on which images.

    `min_confidence` maps a model to the least confidence that counts for the client. The server
    gives what its own model does, somewhat weaker candidates included (the client's gate drops
    them and can say so), and may leave out what is below both. `seconds` is how long the client
    waits: work that nobody waits for any more need not be done.
    """

    models: list[str]
    images: list[RequestImage]
    min_confidence: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class InferResponse(Struct, frozen=True, kw_only=True):
    """What the models detected.

    `results` maps each model that ran to one list per image, strongest first; boxes are in the
    pixels of the picture as it was sent (or fetched), turned upright. `sizes` are the width and
    height of each image as it was decoded. `errors` maps a model that failed to one line.
    `timings` are milliseconds per model; `busy` as in `ServerStatus`.
    """

    results: dict[str, list[list[Detection]]]
    sizes: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    busy: float = 0.0
    version: str = ""


class ServerStatus(Struct, frozen=True, kw_only=True):
    """What a server offers: `models` are those that clients may use.

    `busy` is what waits and runs there, per worker (0: idle, 1: all workers run).
    """

    version: str
    models: list[str]
    busy: float = 0.0


class LoginResponse(Struct, frozen=True):
    """A token and the seconds that it lasts."""

    access_token: str
    expires: float

    def __repr__(self) -> str:
        return f"LoginResponse(expires={self.expires!r})"
