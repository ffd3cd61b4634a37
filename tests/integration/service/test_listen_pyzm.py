"""The real pyzm 2.5: its client asks our server, and its own; all look with the same YOLOv8n."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.integration

SECONDS = 60
PASSWORD = "of-the-test"
PHOTOS = ("dog.jpg", "person.jpg", "horses.jpg", "busstop.jpg")

CLIENT = """
import json, sys
from pyzm import Detector, DetectorConfig, ModelConfig

order = json.loads(sys.argv[1])
model = ModelConfig(name="yolo", weights=order["weights"], min_confidence=order["least"])
detector = Detector(
    config=DetectorConfig(models=[model]), gateway_mode="image", **order["gateway"]
)
for photo in order["photos"]:
    found = detector.detect(photo).detections
    print(json.dumps([(one.label, one.confidence, one.bbox.as_list()) for one in found]))
"""

FETCHER = """
import json, sys
from pyzm.ml.remote import GatewayClient, GatewayModelError

url, user, password, picture, auth = sys.argv[1:]
client = GatewayClient(url, user, password, timeout=30)
client.current_frame = {"url": picture, "zm_auth": auth, "verify_ssl": True}
try:
    print(json.dumps([one.label for one in client.infer(None, "object", "yolo", 0.3)]))
except GatewayModelError as error:
    print(json.dumps(str(error)))
"""


class Found(NamedTuple):
    label: str
    confidence: float
    box: list[int]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def said(script: str, *args: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", script, *args], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def weights(model) -> Path:
    return model("yolov8n.onnx")


@pytest.fixture(scope="module")
def ours(installed: Path, weights: Path, assets: Path, shared) -> Iterator[Any]:
    site = type(shared)(installed, assets)
    site.port = free_port()
    try:
        service = f"listen = 127.0.0.1:{site.port}\nlisten_password = {PASSWORD}"
        site.write(service=service)
        config = site.config.read_text().replace(
            str(assets / "models/yolox_nano_416.onnx"), str(weights)
        )
        site.config.write_text(config)
        site.warm()
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def theirs(root: Path, weights: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, root / "bench" / "peer_serve.py", weights, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + SECONDS
        while not _listens(port):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def seen(weights: Path, assets: Path, least: float = 0.3, **gateway: str) -> dict[str, list[Found]]:
    photos = [str(assets / "photos" / name) for name in PHOTOS]
    order = {"weights": str(weights), "least": least, "gateway": gateway, "photos": photos}
    answers = said(CLIENT, json.dumps(order))
    return {
        name: [Found(*one) for one in found] for name, found in zip(PHOTOS, answers, strict=True)
    }


def same(found: list[Found], expected: list[Found]) -> None:
    """The same labels, and for each box one of the same label that lies within 3 pixels."""
    assert sorted(one.label for one in found) == sorted(one.label for one in expected)
    left = list(expected)
    for one in found:
        alike = [other for other in left if other.label == one.label]
        nearest = min(alike, key=lambda other: far(one, other))
        assert far(one, nearest) <= 3
        assert abs(one.confidence - nearest.confidence) < 0.02
        left.remove(nearest)


def far(one: Found, other: Found) -> int:
    return max(abs(a - b) for a, b in zip(one.box, other.box, strict=True))


def test_pyzms_client_sees_by_us_what_it_sees_by_itself_and_by_its_own_server(
    ours, theirs: int, weights: Path, assets: Path
) -> None:
    local = seen(weights, assets)
    by_theirs = seen(weights, assets, gateway=f"http://127.0.0.1:{theirs}")
    by_ours = seen(
        weights,
        assets,
        gateway=f"http://127.0.0.1:{ours.port}",
        gateway_username="zmhook",
        gateway_password=PASSWORD,
    )

    for name in PHOTOS:
        assert local[name]
        same(by_theirs[name], local[name])
        same(by_ours[name], local[name])


def test_its_least_confidence_counts(ours, weights: Path, assets: Path) -> None:
    gateway = {
        "gateway": f"http://127.0.0.1:{ours.port}",
        "gateway_username": "zmhook",
        "gateway_password": PASSWORD,
    }
    for least in (0.15, 0.75):
        local, by_ours = seen(weights, assets, least), seen(weights, assets, least, **gateway)
        same(by_ours["dog.jpg"], local["dog.jpg"])


@pytest.mark.parametrize("base", ["", "/api/v1"])
def test_its_client_has_us_fetch_the_picture(ours, assets: Path, endpoint, base: str) -> None:
    picture = (assets / "photos" / "dog.jpg").read_bytes()
    endpoint.answers = [(200, {"Content-Type": "image/jpeg"}, picture)]
    call = (f"http://127.0.0.1:{ours.port}{base}", "zmhook", PASSWORD)
    url = f"{endpoint.url}/zm/index.php?view=image&fid=snapshot"

    (refused,) = said(FETCHER, *call, url, "token=secret")
    assert "allowed_portals" in refused
    assert endpoint.got == []

    text = ours.config.read_text()
    ours.config.write_text(
        text.replace("[service]", f"[service]\nallowed_portals = {endpoint.place}")
    )
    try:
        (found,) = said(FETCHER, *call, url, "token=secret")
    finally:
        ours.config.write_text(text)
    assert "dog" in found
    assert endpoint.got[0].path.endswith("&fid=snapshot&token=secret")
    assert "secret" not in ours.log()
