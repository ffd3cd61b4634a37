"""Compare zmhook as a remote server with pyzm.serve, over loopback TCP.

Both run the same YOLOv8n file on the same JPEG, and get the same requests (`POST /infer`, pyzm's
wire format) from the same lean clients, which keep their connections open. zmhook checks a token
with each request, pyzm.serve does not. 1, 4 and 8 clients at a time, in turns. Ratios without a
number are those of 8 clients. `native` is zmhook's own wire format. `health_ms_under_load` is the
slowest answer to `GET /health` while 8 clients kept zmhook busy.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

from lab.peer import PeerServer
from lab.service import Service
from measure import arguments, peer_python, show

CLIENTS = (1, 4, 8)
SPELLS, SPELL = 10, 2.0
QUICK_SPELLS, QUICK_SPELL = 1, 2.0
HEALTH_EVERY = 0.05
TIMEOUT = 60.0
PASSWORD = "of-the-bench"
BOUNDARY = "zmhook-bench"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

Figures = dict[str, float]
Times = list[float]


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    spells, seconds = (QUICK_SPELLS, QUICK_SPELL) if args.quick else (SPELLS, SPELL)
    model, photo = args.assets / "models" / "yolov8n.onnx", args.assets / "photos" / "dog.jpg"
    with ExitStack() as stack:
        peer = stack.enter_context(PeerServer(peer_python(), model))
        ours = stack.enter_context(Ours(model, photo))
        figures = measured(ours, peer, photo.read_bytes(), args.rounds or spells, seconds)
    figures |= ratios(figures) | {"load_average": os.getloadavg()[0]}
    show(figures, rows(figures), as_json=args.json)


class Ours(Service):
    """zmhook's service, listening on a local port."""

    def __init__(self, model: Path, photo: Path) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        listen = f"[service]\nlisten = 127.0.0.1:{self.port}\nlisten_password = {PASSWORD}\n"
        super().__init__(model, photo, rest=listen)

    def headers(self) -> dict[str, str]:
        """Log in."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        body = json.dumps({"username": "zmhook", "password": PASSWORD})
        connection.request("POST", "/login", body, {"Content-Type": "application/json"})
        token = json.loads(connection.getresponse().read())["access_token"]
        connection.close()
        return {"Authorization": f"Bearer {token}"}


class Client:
    """A client that repeats one request over one connection; raises when there is no dog."""

    def __init__(self, port: int, path: str, body: bytes, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self._what = "POST" if body else "GET", path, body or None, headers

    def __call__(self) -> float:
        """Send the request; return the seconds until the answer."""
        started = time.perf_counter()
        self._connection.request(*self._what)
        answer = self._connection.getresponse()
        found = answer.read()
        took = time.perf_counter() - started
        if answer.status != http.client.OK or (self._what[0] == "POST" and b"dog" not in found):
            raise SystemExit(f"{self._what[1]} answers {answer.status}: {found[:300]!r}")
        return took

    def close(self) -> None:
        self._connection.close()


def measured(ours: Ours, peer: PeerServer, jpeg: bytes, spells: int, seconds: float) -> Figures:
    login = ours.headers()
    words = {"type": b"object", "name": b"yolo"}
    infer = form(words, "image", jpeg)
    native = form({"request": b'{"models":["yolo"],"images":[{"id":"a"}]}'}, "image", jpeg)
    kinds: dict[str, Callable[[], Client]] = {
        "ours": lambda: Client(ours.port, "/infer", infer, {**MULTIPART, **login}),
        "pyzm_serve": lambda: Client(peer.port, "/infer", infer, MULTIPART),
        "native": lambda: Client(ours.port, "/zmhook/v1/infer", native, {**MULTIPART, **login}),
    }
    ports = {"ours": ours.port, "pyzm_serve": peer.port, "native": ours.port}
    for client in kinds.values():
        asked(client, CLIENTS[-1], 0.5)  # everything is loaded and warm
    figures: Figures = {}
    for count in CLIENTS:
        times: dict[str, Times] = {name: [] for name in kinds}
        rates: dict[str, Times] = {name: [] for name in kinds}
        health: dict[str, Times] = {name: [] for name in kinds}
        for _ in range(spells):
            for name, client in kinds.items():
                with Health(ports[name], health[name]):
                    took, rate = asked(client, count, seconds)
                times[name] += took
                rates[name].append(rate)
        for name in kinds:
            figures[f"{name}_{count}_per_s"] = statistics.median(rates[name])
            figures[f"{name}_{count}_p50_ms"] = share(times[name], 0.5)
            figures[f"{name}_{count}_p95_ms"] = share(times[name], 0.95)
            figures[f"{name}_{count}_health_p95_ms"] = share(health[name], 0.95)
            figures[f"{name}_{count}_health_max_ms"] = share(health[name], 1.0)
    return figures


def form(words: dict[str, bytes], field: str, jpeg: bytes) -> bytes:
    parts = [(f'name="{name}"', value) for name, value in words.items()]
    parts.append((f'name="{field}"; filename="a.jpg"', jpeg))
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode()


def asked(make: Callable[[], Client], count: int, seconds: float) -> tuple[Times, float]:
    """Run clients for some seconds; return each answer's seconds, and answers per second."""
    clients = [make() for _ in range(count)]
    started = time.perf_counter()
    end = started + seconds

    def again_and_again(client: Client) -> Times:
        times = []
        while time.perf_counter() < end:
            times.append(client())
        client.close()
        return times

    with ThreadPoolExecutor(count) as threads:
        times = [took for some in threads.map(again_and_again, clients) for took in some]
    return times, len(times) / (time.perf_counter() - started)


class Health:
    """Request a server's health continually while the context lasts."""

    def __init__(self, port: int, times: Times) -> None:
        self._client = Client(port, "/health", b"", {})
        self._times = times
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._client.close()

    def _ask(self) -> None:
        while not self._done.wait(HEALTH_EVERY):
            with suppress(http.client.HTTPException, OSError):  # it tries again
                self._times.append(self._client())


def share(times: Sequence[float], part: float) -> float:
    """Return a percentile in milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0


def ratios(figures: Figures) -> Figures:
    found: Figures = {}
    for count in CLIENTS:
        throughput = figures[f"ours_{count}_per_s"] / figures[f"pyzm_serve_{count}_per_s"]
        p95 = figures[f"ours_{count}_p95_ms"] / figures[f"pyzm_serve_{count}_p95_ms"]
        found |= {
            f"throughput_vs_pyzm_serve_{count}": throughput,
            f"p95_vs_pyzm_serve_{count}": p95,
        }
    most = CLIENTS[-1]
    return found | {
        "throughput_vs_pyzm_serve": found[f"throughput_vs_pyzm_serve_{most}"],
        "p95_vs_pyzm_serve": found[f"p95_vs_pyzm_serve_{most}"],
        "native_vs_infer": figures[f"native_{most}_per_s"] / figures[f"ours_{most}_per_s"],
        "health_ms_under_load": figures[f"ours_{most}_health_max_ms"],
        "health_p95_ms_under_load": figures[f"ours_{most}_health_p95_ms"],
    }


def rows(figures: Figures) -> list[list[str]]:
    return [["YOLOv8n over one JPEG, asked by TCP", ""]] + [
        [name, f"{value:.2f}"] for name, value in figures.items()
    ]


if __name__ == "__main__":
    main()
