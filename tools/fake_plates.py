"""Imitate Plate Recognizer and OpenALPR, without an account and without cost.

By hand:

    python tools/fake_plates.py --port 8080                  # then, with your own picture:
    zm_detect.py -f car.jpg -O general.models=yolo,alpr -O alpr.alpr_service=plate_recognizer \
        -O alpr.alpr_url=http://127.0.0.1:8080 -O alpr.alpr_key=key

The plate is always AB 123 CD, in the middle of the picture's lower half. `--answer` (repeatable,
one for each request; the last one for all others) names an answer, from a refused key to a
connection that hangs; `--list` shows all names. In tests `FakePlates.running()` is a context
manager, whose value has the requests that arrived.
"""

from __future__ import annotations

import argparse
import base64
import json
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "key"
SHARES = (0.25, 0.5, 0.75, 0.75)
"""Box of the plate, as shares of the picture's width and height."""
HANG = 30.0
"""Maximum number of seconds that an answer is delayed."""
MAX_BODY = 8 << 20


class Asked(NamedTuple):
    """One request: the fields of its form or query, and its JPEG."""

    method: str
    path: str
    headers: dict[str, str]
    fields: list[tuple[str, str]]
    picture: bytes


class Reply(NamedTuple):
    """A response: status, body, and additional headers."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class FakePlates:
    """The server, on 127.0.0.1. `will(…)` sets its answers from now on."""

    def __init__(self, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.plate = "ab123cd"
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._answers: deque[str] = deque(["ok"])
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @classmethod
    @contextmanager
    def running(cls, port: int = 0) -> Iterator[FakePlates]:
        """Run the server while the context lasts."""
        fake = cls(port)
        fake._thread.start()
        try:
            yield fake
        finally:
            fake.stop()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def will(self, *answers: str) -> None:
        """Give these answers in turn, and repeat the last one."""
        unknown = set(answers) - set(ANSWERS) - set(WAYS) - {"ok"}
        if unknown or not answers:
            raise ValueError(f"no such answer: {unknown or 'none at all'}")
        with self._lock:
            self._answers = deque(answers)

    def next(self, asked: Asked) -> str:
        with self._lock:
            self.asked.append(asked)
            return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def reply(self, asked: Asked) -> Reply:
        """Answer like the service whose path was requested."""
        path = urlsplit(asked.path).path
        if path == "/v2/recognize_bytes":
            return self._openalpr(asked)
        if path == "/v1/statistics/":
            return _json(
                200, {"usage": {"month": 11, "calls": 128, "year": 2026}, "total_calls": 2500}
            )
        if path in ("/v1/plate-reader/", "/alpr"):
            return self._plate_recognizer(asked)
        return _json(404, {"detail": "Not found."})

    def _plate_recognizer(self, asked: Asked) -> Reply:
        token = asked.headers.get("authorization")
        if token not in (None, f"Token {KEY}"):
            return _json(403, {"detail": "Invalid token."})
        fields = dict(asked.fields)
        by_vehicle = "vehicle" in fields.get("config", "")
        result = (_by_vehicle if by_vehicle else _usual)(self.plate, size_of(asked.picture))
        answer: dict[str, Any] = {
            "processing_time": 84.5,
            "results": [result],
            "filename": "1617_7M83K_frame.jpg",
            "version": 1,
            "camera_id": fields.get("camera_id"),
            "timestamp": "2026-11-21T12:00:00.000000Z",
        }
        if token is None:  # the SDK, which needs no token
            answer["usage"] = {"max_calls": 1000, "calls": 44}
            return _json(200, answer)
        return _json(201, answer)

    def _openalpr(self, asked: Asked) -> Reply:
        fields = dict(asked.fields)
        if fields.get("secret_key") != KEY:
            return _json(401, {"error": "Invalid secret_key"})
        if not fields.get("country"):
            return _json(400, {"error": "country is missing"})
        vehicle = fields.get("recognize_vehicle") == "1"
        return _json(
            200,
            {
                "uuid": "",
                "data_type": "alpr_results",
                "epoch_time": 1_795_262_400_000,
                "processing_time": {"total": 92.1, "plates": 80.2, "vehicles": 0.0},
                "img_width": size_of(asked.picture)[0],
                "img_height": size_of(asked.picture)[1],
                "results": [openalpr_result(self.plate, size_of(asked.picture), vehicle=vehicle)],
                "credits_monthly_used": 1990,
                "version": 2,
                "credits_monthly_total": 2000,
                "error": False,
                "regions_of_interest": [],
                "credit_cost": 2 if vehicle else 1,
            },
        )


# -- what is answered ------------------------------------------------------------------------------


def _box(size: tuple[int, int]) -> dict[str, int]:
    names = ("xmin", "ymin", "xmax", "ymax")
    sides = (*size, *size)
    return {
        name: round(share * side) for name, share, side in zip(names, SHARES, sides, strict=True)
    }


def _usual(plate: str, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "box": _box(size),
        "plate": plate,
        "region": {"code": "fr", "score": 0.9},
        "score": 0.904,
        "candidates": [{"score": 0.904, "plate": plate}, {"score": 0.61, "plate": "a8123cd"}],
        "dscore": 0.99,
        "vehicle": {"score": 0.798, "type": "Sedan", "box": _box(size)},
        "model_make": [{"make": "Riley", "model": "RMF", "score": 0.306}],
        "color": [{"color": "black", "score": 0.937}],
        "orientation": [{"orientation": "Front", "score": 0.937}],
        "direction": 210,
    }


def _by_vehicle(plate: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return a result for the configuration `{"detection_mode": "vehicle"}`."""
    values = [{"value": plate, "score": 0.838}]
    return {
        "plate": {
            "type": "Plate",
            "score": 0.925,
            "box": _box(size),
            "props": {"plate": values, "region": [{"value": "gb", "score": 0.931}]},
        },
        "vehicle": {
            "type": "Sedan",
            "score": 0.834,
            "box": _box(size),
            "props": {
                "make_model": [{"make": "Riley", "model": "RMF", "score": 0.339}],
                "orientation": [{"value": "Front", "score": 0.939}],
                "color": [{"value": "black", "score": 0.846}],
            },
        },
        "direction": None,
    }


def openalpr_result(plate: str, size: tuple[int, int], *, vehicle: bool) -> dict[str, Any]:
    """Return a result of OpenALPR's cloud, or (without a vehicle) of its program."""
    box = _box(size)
    across, down = (box["xmin"], box["xmax"]), (box["ymin"], box["ymax"])
    corners = [
        (across[0], down[0]),
        (across[1], down[0]),
        (across[1], down[1]),
        (across[0], down[1]),
    ]
    result: dict[str, Any] = {
        "plate": plate.upper(),
        "confidence": 94.25,
        "matches_template": 1,
        "region": "fr",
        "region_confidence": 80,
        "requested_topn": 5,
        "processing_time_ms": 21.5,
        "coordinates": [{"x": x, "y": y} for x, y in corners],
        "candidates": [
            {"plate": plate.upper(), "confidence": 94.25, "matches_template": 1},
            {"plate": "A8123CD", "confidence": 81.5, "matches_template": 0},
        ],
    }
    if vehicle:
        result["vehicle"] = {
            "color": [{"name": "black", "confidence": 91.2}],
            "make": [{"name": "riley", "confidence": 70.1}],
            "make_model": [{"name": "riley_rmf", "confidence": 60.4}],
            "body_type": [{"name": "sedan-standard", "confidence": 66.6}],
            "year": [{"name": "1950-1954", "confidence": 40.0}],
            "orientation": [{"name": "180", "confidence": 50.0}],
        }
    return result


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Read the width and height of a JPEG from its frame header (ISO 10918-1, B.2.2)."""
    place = 2
    while place + 9 < len(jpeg):
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if marker in (0xC0, 0xC1, 0xC2):
            down = int.from_bytes(jpeg[place + 5 : place + 7], "big")
            return int.from_bytes(jpeg[place + 7 : place + 9], "big"), down
        place += 2 + length
    return 0, 0


def _json(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    return Reply(status, json.dumps(body).encode(), headers=headers)


def _results(*results: Any) -> Reply:
    return _json(200, {"results": list(results)})


_CPAI = {"plate": "DLA232", "confidence": 0.91, "x_min": 5, "y_min": 1, "x_max": 11, "y_max": 3}
_ODD = {"plate": "AB1", "score": 0.9, "dscore": 0.9, "box": {"xmin": 1, "ymin": 1, "xmax": 9}}
_FAR = {**_ODD, "box": {"xmin": -1e9, "ymin": -5, "xmax": 1e9, "ymax": 1e300}}
_MANY = {**_ODD, "box": {"xmin": 1, "ymin": 1, "xmax": 9, "ymax": 9}}

# Other answers, in the services' own words where these are known.
ANSWERS: dict[str, Reply] = {
    "401": _json(401, {"error": "Invalid secret_key"}),
    "402": _json(402, {"error": "Monthly usage limit exceeded"}),
    "403": _json(403, {"detail": "Invalid token."}),
    "403-credits": _json(403, {"detail": "You do not have enough credits."}),
    "404": _json(404, {"detail": "Not found."}),
    "413": _json(413, {"error": "Invalid file. See https://app.platerecognizer.com/upload-limit/"}),
    "429": _json(429, {"detail": "Request was throttled. Expected available in 1 second."}),
    "429-long": _json(429, {"detail": "Too many."}, ("Retry-After", "3600")),
    "500": Reply(500, b"<h1>Server Error (500)</h1>", "text/html"),
    "503": Reply(503, b"", "text/plain", (("Retry-After", "1"),)),
    "redirect": Reply(301, b"", "text/html", (("Location", "https://elsewhere.example/"),)),
    "none": _results(),
    # CodeProject.AI and DeepStack, which answer other requests at other paths.
    "cpai": _json(200, {"success": True, "predictions": [_CPAI], "code": 200, "moduleId": "ALPR"}),
    "cpai-error": _json(200, {"success": False, "error": "No plate reader", "code": 500}),
    "200-403": _json(200, {"error": "License expired", "status_code": 403}),
    "200-429": _json(200, {"results": [], "error": {"code": 429, "message": "Retry in 600 s"}}),
    "200-402": _json(200, {"error": "Out of credits", "error_code": 402}),
    "200-month": _json(200, {"results": [], "detail": "Monthly quota exceeded", "version": 1}),
    "200-licence": _json(200, {"results": [], "errors": ["license expired"]}),
    "200-code": _json(200, {"results": [], "message": "License expired", "code": 7}),
    "200-detail-wait": _json(200, {"results": [], "detail": "Rate limit. Retry in 600,0 s"}),
    "200-failed": _json(200, {"status": "error", "results": []}),
    "other-rows": _results({"label": "car", "confidence": 0.9, "box": [1, 2, 3, 4]}),
    "no-list": _json(200, {"results": None}),
    "escapes": Reply(200, b'{"note": "\x1b[2J\xff' + b"x" * 5000 + b'"}'),
    "html": Reply(200, b"<html>Log in to the hotel's network</html>", "text/html"),
    "list": _json(200, [1, 2]),
    "deep": Reply(200, b"[" * 100_000),
    "huge": Reply(200, b'{"results": [' + b" " * (2 << 20) + b"]}"),
    "numbers": Reply(200, b'{"results": [{"plate": "AB1", "score": NaN, "box": {}}, 7, null]}'),
    "no-box": _results(_ODD, {"plate": None, "box": _MANY["box"]}, {"plate": {"props": 3}}),
    "far-box": _results(_FAR),
    "many": _results(*[_MANY] * 10_000),
    "echo-key": _json(400, {"detail": f"the key {KEY} is odd\n\x1b[31m" + "x" * 900}),
}


# -- ways of not answering -------------------------------------------------------------------------


def _hang(handler: _Handler) -> None:
    handler.server.fake.stopping.wait(HANG)


def _cut(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "4000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [')
    handler.wfile.flush()
    handler.close_connection = True


def _drip(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "4000")
    handler.end_headers()
    end = time.monotonic() + HANG
    with suppress(OSError):
        while time.monotonic() < end and not handler.server.fake.stopping.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    handler.close_connection = True


def _close(handler: _Handler) -> None:
    handler.close_connection = True


WAYS: dict[str, Callable[[_Handler], None]] = {
    "hang": _hang,
    "cut": _cut,
    "drip": _drip,
    "close": _close,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakePlates

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect, which some tests do."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.fake.connections += 1

    def _answer(self) -> None:
        fake = self.server.fake
        length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY)
        asked = _asked(self.command, self.path, self.headers, self.rfile.read(length))
        name = fake.next(asked)
        if name in WAYS:
            WAYS[name](self)
            return
        reply = fake.reply(asked) if name == "ok" else ANSWERS[name]
        self.send_response(reply.status)
        for header, value in (("Content-Type", reply.kind), *reply.headers):
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _answer  # noqa: N815 - names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Print nothing: the requests are in `asked`."""


def _asked(method: str, path: str, headers: Any, body: bytes) -> Asked:
    lower = {name.lower(): value for name, value in headers.items()}
    fields = parse_qsl(urlsplit(path).query, keep_blank_values=True)
    kind = lower.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        with suppress(ValueError):
            return Asked(method, path, lower, fields, base64.b64decode(body, validate=True))
        return Asked(method, path, lower, fields, b"")
    picture = b""
    for part in message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body).walk():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True) or b""
        if name == "upload":
            picture = data
        elif name:
            fields.append((name, data.decode()))
    return Asked(method, path, lower, fields, picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--answer", nargs="+", default=["ok"], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the names for --answer")
    args = parser.parse_args()
    if args.list:
        print("\n".join(["ok", *ANSWERS, *WAYS]))
        return
    with FakePlates.running(args.port) as fake:
        fake.will(*args.answer)
        print(f"answers at {fake.url}; its key is '{KEY}'; end it with Ctrl-C")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
