"""One answer wherever the models are: in the process, in the service, on another machine.

The same settings on all of them, photo by photo; only what was when, and what took how long, may
differ. The gateway is the service itself, which listens.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest

from zmhook.deadline import Deadline
from zmhook.decide import decide_event
from zmhook.detectors.yolo.fitted_files import folder_of
from zmhook.detectors.yolo.fitting import fit
from zmhook.event import Event
from zmhook.settings import load

pytestmark = pytest.mark.integration

USER, PASSWORD = "ann", "pa55-of-ann"
PHOTOS = ("busstop.jpg", "two_people.jpg")
PLATES = ("plate_hyperlpr_test.jpg", "parking.jpg")


class Set(NamedTuple):
    """Settings under their names: `[general]`'s, and whole sections."""

    name: str
    general: str = ""
    rest: str = ""
    photos: tuple[str, ...] = PHOTOS


V8 = "[yolo]\nweights = {assets}/models/yolov8n.onnx\n"
SETTINGS = (
    Set("nothing set"),
    Set("resize", "resize = 400"),
    Set("a large resize", "resize = 1100"),
    Set("a resize that does nothing", "resize = 8000"),
    Set("several pictures", "frame_id = alarm,snapshot\nframe_strategy = most"),
    Set("the most labels, reduced", "frame_strategy = most_unique\nresize = 777"),
    Set("a zone", "", "[monitor-1]\nyard = 0,0 900,0 900,900 0,900\n"),
    Set("a zone, reduced", "resize = 500", "[monitor-1]\nyard = 0,0 900,0 900,900 0,900\n"),
    Set("a pattern", "detect_pattern = (person|car)"),
    Set("a network of another kind", "resize = 900", V8),
    Set("a graphics card that is not there", "", f"{V8}yolo_processor = gpu\n"),
    Set("least confidence", "", f"{V8}yolo_min_confidence = 0.03\nyolo_nms_threshold = 0.9\n"),
    Set("another engine", "resize = 700", f"{V8}yolo_engine = openvino\n"),
    Set("fitted networks", "", f"{V8}yolo_fit = yes\n"),
    Set("a fitted network, reduced", "resize = 700", "[yolo]\nyolo_fit = yes\n"),
    Set("hog", "models = hog", "[hog]\nstride = (8,8)\nhog_min_confidence = 0.2\n"),
    Set("hog, reduced", "models = hog\nresize = 640", "[hog]\nstride = (8,8)\nscale = 1.1\n"),
    Set(
        "hog in what yolo found",
        "models = yolo,hog\nresize = 600",
        "[hog]\nstride = (8,8)\nhog_crop_to = person\nhog_min_confidence = 0.1\n",
    ),
    Set("faces", "models = yolo,face", "[face]\nface_upsample_times = 0\n"),
    Set(
        "the first model that finds any", "models = hog,yolo\ndetection_mode = first\nresize = 640"
    ),
    Set(
        "faces in people",
        "models = yolo,face\nresize = 800",
        "[face]\nface_upsample_times = 0\nface_crop_to = person\n",
    ),
    Set("plates", "models = yolo,alpr\nresize = 800", photos=PLATES),
    Set(
        "plates in the whole picture",
        "models = yolo,alpr",
        "[alpr]\nalpr_input = frame\n",
        PLATES,
    ),
    Set(
        "plates of some forms, of known people",
        "models = yolo,alpr\nresize = 600",
        "[alpr]\nplate_formats = [A-Z0-9]+5\n[known-plates]\n*5 = Ann\n",
        PLATES,
    ),
)


class Three:
    """The three ways, by one configuration."""

    def __init__(self, site: Any) -> None:
        self.site = site
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])

    def write(self, given: Set) -> None:
        assets, folder = self.site.assets, self.site.folder
        rest = {"yolo": "", "face": "", "alpr": "", "hog": ""}
        for part in re.split(
            r"^\[", given.rest.replace("{assets}", str(assets)), flags=re.MULTILINE
        ):
            name, _, keys = part.partition("]\n")
            rest[name] = rest.get(name, "") + keys
        if "weights" not in rest["yolo"]:
            rest["yolo"] += f"weights = {assets}/models/yolox_nano_416.onnx\n"
        rest["face"] += f"known_images_path = {folder}/known\nsave_unknown_faces = no\n"
        rest["alpr"] += f"plate_detector =\nplate_ocr = {assets}/models/cct_xs_v1_global.onnx\n"
        yolo = rest.pop("yolo")
        text = (
            f"[general]\nbase_data_path = {folder}/data\nbase_zm_conf_path = {folder}\n"
            f"max_attempts = 1\n{given.general}\n[yolo]\n{yolo}"
            f"[service]\nservice_workers = 1\nservice_idle_exit = 120\nlisten_user = {USER}\n"
            f"listen_password = {PASSWORD}\nlisten = 127.0.0.1:{self.port}\n"
            "listen_faces = yes\nlisten_plates = yes\n"
        ) + "".join(f"[{name}]\n{keys}" for name, keys in rest.items() if name)
        beside = self.site.config.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.site.config)
        remote = (
            f"[remote]\nml_gateway = http://127.0.0.1:{self.port}\nml_user = {USER}\n"
            f"ml_password = {PASSWORD}\n"
        )
        self.asking.write_text(text + remote, encoding="utf-8")
        self.fit()

    def fit(self) -> None:
        """Have fitted networks made where the settings want them."""
        settings = load(str(self.site.config)).general
        if settings.yolo.yolo_fit:
            pytest.importorskip("onnx")
            outcomes = list(fit(settings.yolo, folder_of(settings.general)))
            assert {outcome.state for outcome in outcomes} <= {"made", "there"}

    @property
    def asking(self) -> Path:
        """The configuration of the machine that asks another."""
        return Path(self.site.folder / "asking.ini")

    def cold(self, folder: Path, config: Path | None = None) -> dict[str, Any]:
        event = Event(id=5, monitor_id=1, path=str(folder))
        settings = load(str(config or self.site.config)).for_monitor(1)
        decided = decide_event(event, settings, deadline=Deadline(60), dry=True)
        return told(decided.decision.to_json())

    def warm(self, folder: Path) -> dict[str, Any]:
        return told(self.site.decide(Event(id=5, monitor_id=1, path=str(folder))))


def told(decision: bytes) -> dict[str, Any]:
    """Leave out when it was and how long it took."""
    rest: dict[str, Any] = json.loads(decision)
    del rest["timings"], rest["event"]["asked"]
    return rest


@pytest.fixture(scope="module")
def three(
    installed: Path, assets: Path, model: Callable[[str], Path], make_site: Callable[..., Any]
) -> Iterator[Three]:
    model("yolov8n.onnx")  # or these tests are skipped
    site = make_site(installed, assets)
    made = Three(site)
    made.write(SETTINGS[0])
    site.warm()
    yield made
    site.close()


@pytest.mark.parametrize("given", SETTINGS, ids=[one.name for one in SETTINGS])
def test_the_answer_is_the_same_wherever_the_models_are(three: Three, given: Set) -> None:
    three.write(given)
    for number, photo in enumerate(given.photos):
        other = given.photos[number - 1]
        folder = three.site.event(number=20 + number, alarm=photo, snapshot=other)
        cold = three.cold(folder)
        assert cold["errors"] == []
        assert three.warm(folder) == cold
        assert three.cold(folder, three.asking) == cold


@pytest.mark.parametrize(
    "rest", [V8, "", f"{V8}yolo_fit = yes\n"], ids=["reduced", "in full", "reduced, fitted"]
)
def test_the_answer_about_a_large_picture_is_the_same(
    three: Three, photo: Callable[[str], Path], rest: str
) -> None:
    """YOLOv8n gets half of 3840x2160, YOLOX-nano with its 416 pixels all of it; faces always do."""
    faces = "[face]\nface_upsample_times = 0\n"
    three.write(Set("4K", "models = yolo,face", rest + faces))
    folder = three.site.event(number=30)
    image = cv2.resize(cv2.imread(str(photo("two_people.jpg"))), (3840, 2160))
    for name in ("alarm", "snapshot"):
        cv2.imwrite(str(folder / f"{name}.jpg"), image)
    cold = three.cold(folder)
    assert cold["errors"] == []
    assert cold["frame"]["width"] == 3840
    assert {one["kind"] for one in cold["detections"]} == {"object", "face"}
    assert three.warm(folder) == cold
    assert three.cold(folder, three.asking) == cold


def test_a_fitted_network_is_what_runs(three: Three) -> None:
    folder = three.site.event(number=31, alarm=PHOTOS[0], snapshot=PHOTOS[1])
    answers = []
    for fits in ("yes", "no"):
        three.write(Set("", "", f"{V8}yolo_fit = {fits}\n"))
        answers.append(three.cold(folder))
        assert three.warm(folder) == answers[-1]
    assert answers[0] != answers[1]
