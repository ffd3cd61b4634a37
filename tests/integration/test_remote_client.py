"""Models on other machines: a zmhook of ours, the real pyzm.serve 2.5, and mlapi's words.

mlapi cannot be installed, so its exchanges are replayed from mlapi_exchanges.json.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from zmhook.cli.main import main
from zmhook.deadline import Deadline
from zmhook.decide import decide_event
from zmhook.detection import Decision, Detection
from zmhook.event import Event
from zmhook.settings import Alpr, Face, General, Remote, Secret, Settings, Yolo

pytestmark = pytest.mark.integration

SECONDS = 60
USER, PASSWORD = "ann", "pa55-of-ann"
LOGIN: dict[str, Any] = {"ml_user": USER, "ml_password": Secret(PASSWORD)}
PHOTOS = ("dog.jpg", "two_people.jpg", "busstop.jpg")

PYZM = f"""
import sys, uvicorn
from pyzm import DetectorConfig, ModelConfig
from pyzm.models.config import ServerConfig
from pyzm.serve.app import create_app

model = ModelConfig(name="yolo", weights=sys.argv[1], min_confidence=0.3)
config = ServerConfig(
    detector_config=DetectorConfig(models=[model]), auth_enabled=True, auth_username="{USER}",
    auth_password="{PASSWORD}", token_secret="{"s" * 40}",
)
uvicorn.run(create_app(config), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""

PYZM_LOCALLY = """
import json, sys
from pyzm import Detector, DetectorConfig, ModelConfig

model = ModelConfig(name="yolo", weights=sys.argv[1], min_confidence=0.3)
detector = Detector(config=DetectorConfig(models=[model]))
for photo in sys.argv[2:]:
    found = detector.detect(photo).detections
    print(json.dumps([(one.label, one.confidence, one.bbox.as_list()) for one in found]))
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def is_listened_on(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A server that runs until it is closed."""

    def __init__(self, command: list[Any], port: int, **more: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet, **more)
        try:
            until(lambda: is_listened_on(port) or self.process.poll() is not None)
            assert self.process.poll() is None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def weights(model) -> Path:
    return model("yolov8n.onnx")


@pytest.fixture(scope="module")
def start(root: Path, weights: Path, assets: Path) -> Iterator[Callable[..., Process]]:
    """Start zmhooks that listen; they run from a copy, since an edit ends a service."""
    folder = Path(tempfile.mkdtemp(prefix="zmr", dir="/tmp"))  # short: it has a socket in it
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "hook" / "zmhook", folder / "hook" / "zmhook", ignore=ignored)
    made: list[Process] = []

    def started(models: str = "yolo", service: str = "", name: str = "a") -> Process:
        port = free_port()
        config = folder / f"{name}.ini"
        config.write_text(
            f"[general]\nbase_data_path = {folder}/{name}\nbase_zm_conf_path = {folder}\n"
            f"models = {models}\n[yolo]\nweights = {weights}\n"
            f"[alpr]\nplate_detector =\nplate_ocr = {assets}/models/cct_xs_v1_global.onnx\n"
            f"[face]\nknown_images_path = {folder}/known\nsave_unknown_faces = no\n"
            f"[service]\nservice_workers = 1\nlisten_user = {USER}\nlisten_password = {PASSWORD}\n"
            f"listen = 127.0.0.1:{port}\n{service}\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "zmhook.cli.main", "serve", "--config", config]
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "ZMHOOK_RUN": str(folder),
            "PYTHONPATH": str(folder / "hook"),
        }
        made.append(Process(command, port, env=env))
        return made[-1]

    yield started
    for one in made:
        one.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ours(start: Callable[..., Process]) -> Process:
    return start("yolo,face,alpr", "listen_faces = yes\nlisten_plates = yes")


@pytest.fixture(scope="module")
def theirs(weights: Path) -> Iterator[Process]:
    port = free_port()
    made = Process([sys.executable, "-c", PYZM, weights, str(port)], port)
    yield made
    made.close()


class Mlapi:
    """Replays exchanges: the first whose `ask` is part of the request."""

    def __init__(self, *, legacy: bool) -> None:
        recorded = Path(__file__).with_name("mlapi_exchanges.json").read_text(encoding="utf-8")
        self.exchanges = json.loads(recorded)
        self.legacy = legacy
        self.asked: list[str] = []
        mlapi = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place = urlsplit(self.path)
                mlapi.asked.append(place.path)
                answer = mlapi.answer(
                    {
                        "method": self.command,
                        "path": place.path,
                        "query": {key: value[0] for key, value in parse_qs(place.query).items()},
                        "token": self.headers.get("Authorization", "").removeprefix("Bearer "),
                        "json": json.loads(body) if body[:1] == b"{" else None,
                        "has_picture": b'name="file"' in body and b"\xff\xd8" in body,
                    }
                )
                data = json.dumps(answer["json"]) if "json" in answer else answer["body"]
                self.send_response(answer["status"])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data.encode())

            do_GET = do_POST = _answer  # noqa: N815 - names that http.server asks for

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        for exchange in self.exchanges:
            if all(request[key] == value for key, value in exchange["ask"].items()):
                assert not request["path"].endswith("object") or request["has_picture"]
                return exchange["legacy" if self.legacy and "legacy" in exchange else "answer"]
        return {"status": 404, "json": {"message": "The requested URL was not found"}}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=["zm_detect", "legacy"])
def mlapi(request: pytest.FixtureRequest) -> Iterator[Mlapi]:
    made = Mlapi(legacy=request.param == "legacy")
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path, weights: Path, assets: Path) -> Callable[..., Settings]:
    """The same for looking here and for having others look (`gateways`)."""

    def make(*gateways: str, general: dict[str, Any] | None = None, **remote: Any) -> Settings:
        own = {"base_data_path": str(tmp_path), "models": ("yolo",), **(general or {})}
        ocr = str(assets / "models" / "cct_xs_v1_global.onnx")
        return Settings(
            general=General(**own),
            yolo=Yolo(weights=str(weights)),
            face=Face(known_images_path=str(tmp_path / "known"), save_unknown_faces=False),
            alpr=Alpr(plate_detector="", plate_ocr=ocr),
            remote=Remote(ml_gateway=gateways, **{**LOGIN, **remote}),
        )

    return make


@pytest.fixture
def look(photo: Callable[[str], Path]) -> Callable[..., Decision]:
    def looked(given: Settings, name: str = "dog.jpg", seconds: float = 30) -> Decision:
        file, deadline = str(photo(name)), Deadline(seconds)
        return decide_event(Event(id=5), given, deadline=deadline, file=file).decision

    return looked


def labels(decision: Decision) -> list[str]:
    assert decision.errors == []
    return sorted(one.label for one in decision.detections)


def far(one: Detection, other: Detection) -> int:
    a, b = one.box, other.box
    return max(abs(a.x1 - b.x1), abs(a.y1 - b.y1), abs(a.x2 - b.x2), abs(a.y2 - b.y2))


def same(one: Decision, other: Decision, *, within: float = 0.01, pixels: int = 3) -> None:
    assert one.outcome == other.outcome
    assert one.errors == other.errors == []
    assert one.frame == other.frame
    assert len(one.detections) == len(other.detections)
    for a, b in zip(one.detections, other.detections, strict=True):
        assert (a.label, a.model, a.kind) == (b.label, b.model, b.kind)
        assert far(a, b) <= pixels
        assert abs(a.confidence - b.confidence) <= within


@pytest.mark.parametrize("name", PHOTOS)
def test_another_zmhook_makes_no_difference(ours, settings, look, name: str) -> None:
    here, there = look(settings(), name), look(settings(ours.url), name)
    assert here.detections
    same(there, here, within=0, pixels=0)
    assert [drop.reason for drop in there.dropped] == [drop.reason for drop in here.dropped]


def test_what_is_reduced_here_is_sent_reduced(ours, settings, look) -> None:
    reduced = {"resize": 400}
    here, there = look(settings(general=reduced)), look(settings(ours.url, general=reduced))
    same(there, here, within=0, pixels=0)


def test_faces_and_plates_come_with_their_kinds(ours, settings, look) -> None:
    everything = {"models": ("yolo", "face", "alpr")}
    for name in ("obama.jpg", "plate_hyperlpr_test.jpg"):
        here = look(settings(general=everything), name)
        there = look(settings(ours.url, general=everything), name)
        same(there, here)
        kinds = {one.kind for one in there.detections}
        assert kinds >= {"object", "face" if name == "obama.jpg" else "licenseplate"}


def test_pyzm_serve_sees_what_pyzm_sees(theirs, settings, look, weights, photo) -> None:
    command = [sys.executable, "-c", PYZM_LOCALLY, weights, *map(photo, PHOTOS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    for name, line in zip(PHOTOS, done.stdout.splitlines(), strict=True):
        expected = json.loads(line)
        there = look(settings(theirs.url), name)
        assert there.errors == []
        assert sorted(one.label for one in there.detections) == sorted(one[0] for one in expected)
        for label, confidence, box in expected:
            alike = [one for one in there.detections if one.label == label]
            assert any(
                max(abs(a - b) for a, b in zip(_corners(one), box, strict=True)) <= 3
                and abs(one.confidence - confidence) <= 0.01
                for one in alike
            ), (label, box, alike)


def _corners(one: Detection) -> list[int]:
    return [one.box.x1, one.box.y1, one.box.x2, one.box.y2]


def test_mlapi_in_both_of_its_formats(mlapi, settings, look) -> None:
    there = look(settings(mlapi.url))
    assert [(one.label, round(one.confidence, 3)) for one in there.detections] == [
        ("dog", 0.961),
        ("bicycle", 0.843),
    ]
    assert [_corners(one) for one in there.detections] == [
        [132, 218, 306 if not mlapi.legacy else 307, 540 if not mlapi.legacy else 541],
        [136, 140, 566 if not mlapi.legacy else 567, 420],
    ]
    assert mlapi.asked.count("/api/v1/login") == 1


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_a_wrong_password(request, settings, look, kind: str, caplog) -> None:
    url = request.getfixturevalue(kind).url
    there = look(settings(url, ml_password=Secret("wr0ng-one")))
    assert there.outcome == "undecided"
    (error,) = there.errors
    assert error.startswith(f"{url}/login: refused to log in user 'ann'")
    assert error.endswith("check [remote] ml_user and ml_password")
    assert "wr0ng-one" not in error + caplog.text


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_a_token_that_does_not_hold_any_more(request, settings, look, tmp_path, kind) -> None:
    url = request.getfixturevalue(kind).url
    look(settings(url))
    kept = tmp_path / "cache" / "remote_tokens.json"
    entries = json.loads(kept.read_text())
    old = {key: {**entry, "credentials": "e30.e30.x"} for key, entry in entries.items()}
    kept.write_text(json.dumps(old))
    assert "dog" in labels(look(settings(url)))
    assert "e30.e30.x" not in kept.read_text()


def test_the_next_one_when_one_is_gone(ours, theirs, settings, look) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    for url in (ours.url, theirs.url):
        assert "dog" in labels(look(settings(nobody, url)))


def test_here_when_all_are_gone(start, settings, look) -> None:
    gone = start(name="gone")
    chain_settings = settings(gone.url, ml_fallback_local=True)
    there = look(chain_settings)
    gone.close()
    same(look(chain_settings), there)


@pytest.fixture
def bad() -> Iterator[Callable[..., str]]:
    """An address at which every connection is taken and told the same."""
    listening: list[socket.socket] = []

    def make(said: bytes, *, closes: bool = True) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def serve() -> None:
            with ExitStack() as kept:
                while True:
                    try:
                        connection = kept.enter_context(server.accept()[0])
                        connection.recv(65536)
                        connection.sendall(said)
                    except OSError:
                        return
                    if closes:
                        connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield make
    for one in listening:
        one.shutdown(socket.SHUT_RDWR)
        one.close()


HTML = b"HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n<html><title>Router</title></html>"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"
BAD = [
    (HTML, True, "neither as zmhook nor as pyzm.serve or mlapi do"),
    (CUT, True, "closed the connection before its response was complete"),
    (b"", False, "no complete response within"),
]


@pytest.mark.parametrize(("said", "closes", "why"), BAD)
def test_the_event_has_its_answer_whatever_the_server_does(
    bad, settings, look, said: bytes, closes: bool, why: str, caplog
) -> None:
    url = bad(said, closes=closes)
    undecided = look(settings(url, ml_timeout=1.0))
    assert undecided.outcome == "undecided"
    assert why in undecided.errors[0]
    assert undecided.errors[0].startswith(url)
    here = look(settings(url, ml_timeout=1.0, ml_fallback_local=True))
    assert "dog" in labels(here)
    assert f"{url}" in caplog.text


class Portal:
    """Gives pictures to whoever has the token, and keeps who asked."""

    def __init__(self, picture: bytes) -> None:
        self.asked: list[str] = []
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.asked.append(self.headers.get("User-Agent", ""))
                is_right = "token=s3cret" in self.path and "view=image" in self.path
                self.send_response(200 if is_right else 401)
                self.send_header("Content-Type", "image/jpeg")
                self.end_headers()
                if is_right:
                    self.wfile.write(picture)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def portal(photo) -> Iterator[Portal]:
    made = Portal(photo("dog.jpg").read_bytes())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kind", "fetches"), [("allowed", True), ("ours", False), ("theirs", True)]
)
def test_by_the_address_of_the_portal(
    request, start, settings, portal, tmp_path, caplog, kind: str, fetches: bool
) -> None:
    from zmhook.net.tokens import TokenStore

    if kind == "allowed":
        server = start(service=f"allowed_portals = {portal.place}", name="allowed")
    else:
        server = request.getfixturevalue(kind)
    general = {"portal": f"http://{portal.place}/zm", "user": "ann", "frame_id": ("alarm",)}
    TokenStore(str(tmp_path), f"http://{portal.place}/zm/api", "ann").write("token=s3cret", 9e9)
    given = settings(server.url, general=general, ml_gateway_mode="url")
    found = decide_event(Event(id=5), given, deadline=Deadline(30)).decision
    assert "dog" in labels(found)
    assert len(portal.asked) == (2 if fetches else 1)
    assert ("the images are sent instead of their URLs" in caplog.text) is not fetches
    assert "s3cret" not in caplog.text + found.to_json().decode()


def test_the_hook_itself(ours, hook, config, event_folder) -> None:
    remote = f"[remote]\nml_gateway = {ours.url}\nml_user = {USER}\nml_password = {PASSWORD}"
    said = hook(config(rest=remote), "17", "3", "Door", "Motion", event_folder())
    assert said.code == 0
    assert "dog:96%" in said.text
    said = hook(
        config(rest=f"[remote]\nml_gateway = http://127.0.0.1:{free_port()}"),
        *("17", "3", "Door", "Motion", event_folder()),
    )
    assert (said.code, said.text) == (2, "")


def test_nothing_secret_is_logged(ours, detect, config, photo, tmp_path) -> None:
    remote = f"[remote]\nml_gateway = {ours.url}\nml_user = {USER}\nml_password = {PASSWORD}"
    said = detect("--config", config(rest=remote), "--file", photo("dog.jpg"), "--debug")
    assert said.code == 0
    logs = "".join(path.read_text() for path in (tmp_path / "data" / "logs").glob("*.log"))
    assert f"{ours.url} speaks zmhook" in logs + said.err
    (token,) = json.loads((tmp_path / "data/cache/remote_tokens.json").read_text()).values()
    for secret in (PASSWORD, token["credentials"]):
        assert secret not in logs + said.err + said.out


def test_how_they_are_is_told(ours, theirs, tmp_path, capsys) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    path = tmp_path / "o.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\n[remote]\nml_user = {USER}\n"
        f"ml_password = {PASSWORD}\nml_gateway = {ours.url}, {theirs.url}\n"
    )
    assert main(["remote", "status", "--config", str(path)]) == 0
    told = capsys.readouterr().out
    assert PASSWORD not in told
    rows = {line.split()[0]: line for line in told.splitlines() if "http" in line}
    assert "yolo, face, alpr" in rows[ours.url]
    assert "pyzm.serve" in rows[theirs.url]
    path.write_text(path.read_text().replace(theirs.url, f"{theirs.url}, {nobody}"))
    assert main(["remote", "status", "--config", str(path), "--json"]) == 1
    rows = {row["address"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[ours.url]["load"] == 0
    assert rows[ours.url]["round_trip_ms"] > 0
    assert "refused the connection" in rows[nobody]["error"]
    assert rows[nobody]["protocol"] is None
