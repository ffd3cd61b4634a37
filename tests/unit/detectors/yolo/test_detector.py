"""Real networks on real photos, against figures that were computed another way.

The reference figures come from a plain program of its own: Pillow for the JPEG, OpenCV's DNN for
the ONNX files, and for Darknet the raw maps before the last layer; row by row in Python, then
OpenCV's NMSBoxes.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import cv2
import pytest

from zmhook.detection import Box
from zmhook.detectors.yolo.detector import YoloDetector
from zmhook.errors import DetectorError
from zmhook.frame import Frame
from zmhook.image.decode import checked, frame_of
from zmhook.settings import General, Settings, Yolo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zmhook.detection import Detection

V8, YOLOX, DARKNET = "yolov8n.onnx", "yolox_nano_416.onnx", "yolo-fastest-1.1-xl.weights"
FOUND = 0.3


class Seen(NamedTuple):
    label: str
    confidence: float
    box: Box


REFERENCE = {
    (V8, "dog.jpg"): [
        Seen("dog", 0.961, Box(132, 218, 307, 541)),
        Seen("bicycle", 0.843, Box(135, 140, 567, 420)),
        Seen("truck", 0.703, Box(469, 76, 692, 170)),
        Seen("car", 0.584, Box(467, 76, 692, 170)),
    ],
    (V8, "person.jpg"): [
        Seen("person", 0.951, Box(192, 100, 275, 375)),
        Seen("horse", 0.927, Box(407, 140, 600, 346)),
        Seen("dog", 0.919, Box(64, 267, 204, 345)),
    ],
    (YOLOX, "dog.jpg"): [
        Seen("dog", 0.855, Box(133, 207, 326, 543)),
        Seen("bicycle", 0.803, Box(52, 137, 572, 424)),
        Seen("car", 0.798, Box(466, 78, 692, 171)),
        Seen("truck", 0.306, Box(464, 78, 683, 173)),
    ],
    (YOLOX, "person.jpg"): [
        Seen("person", 0.881, Box(188, 97, 276, 372)),
        Seen("dog", 0.872, Box(62, 263, 200, 349)),
        Seen("horse", 0.871, Box(404, 138, 602, 344)),
    ],
    (DARKNET, "dog.jpg"): [
        Seen("dog", 0.958, Box(114, 188, 386, 536)),
        Seen("bicycle", 0.894, Box(113, 127, 573, 497)),
        Seen("car", 0.841, Box(450, 78, 685, 162)),
    ],
    (DARKNET, "person.jpg"): [
        Seen("person", 0.995, Box(188, 103, 271, 363)),
        Seen("dog", 0.981, Box(58, 252, 207, 354)),
        # The network's own mistake: Yolo-Fastest takes the horse for a cow.
        Seen("cow", 0.969, Box(389, 143, 609, 334)),
    ],
}


@pytest.fixture
def seen(
    yolo: Callable[..., YoloDetector],
    model: Callable[[str], Path],
    frame: Callable[[str], Frame],
) -> Callable[..., list[Detection]]:
    """What a network finds in a photo, down to the weakest candidate."""

    def see(weights: str, photo: str, **settings: object) -> list[Detection]:
        if weights == DARKNET:
            settings["config"] = model(DARKNET).with_suffix(".cfg")
        return yolo(model(weights), **settings).detect([frame(photo)])[0]

    return see


@pytest.mark.parametrize(("weights", "name"), REFERENCE)
def test_labels_boxes_and_confidences_are_the_networks_own(seen, weights, name):
    expected = REFERENCE[weights, name]
    found = [one for one in seen(weights, name) if one.confidence >= FOUND]
    assert [one.label for one in found] == [one.label for one in expected]
    for one, reference in zip(found, expected, strict=True):
        assert one.box.iou(reference.box) >= 0.98, one
        assert one.confidence == pytest.approx(reference.confidence, abs=0.01)
        assert one.model == "yolo"


@pytest.mark.parametrize(
    ("name", "label", "weights", "least"),
    [
        ("dog.jpg", "dog", YOLOX, 0.7),
        ("dog.jpg", "bicycle", YOLOX, 0.7),
        ("dog.jpg", "car", YOLOX, 0.9),
        ("person.jpg", "person", YOLOX, 0.9),
        ("person.jpg", "horse", YOLOX, 0.9),
        ("person.jpg", "dog", YOLOX, 0.85),
        # Yolo-Fastest's boxes are loose: 3.7 MB of weights and 320 pixels.
        ("dog.jpg", "dog", DARKNET, 0.5),
        ("dog.jpg", "bicycle", DARKNET, 0.65),
        ("dog.jpg", "car", DARKNET, 0.7),
        ("person.jpg", "person", DARKNET, 0.8),
        ("person.jpg", "dog", DARKNET, 0.6),
    ],
)
def test_networks_agree_with_yolov8(seen, name, label, weights, least):
    def box(network):
        return next(one.box for one in seen(network, name) if one.label == label)

    assert box(weights).iou(box(V8)) >= least


@pytest.mark.parametrize("weights", [V8, YOLOX, DARKNET])
def test_one_thread_and_two_give_the_same(seen, weights):
    one = seen(weights, "dog.jpg", yolo_threads=1)
    two = seen(weights, "dog.jpg", yolo_threads=2)
    assert [(a.label, a.box) for a in one] == [(b.label, b.box) for b in two]
    assert [a.confidence for a in one] == pytest.approx([b.confidence for b in two], abs=1e-4)


def test_candidates_below_the_minimum_are_there_for_the_gate_and_strongest_first(seen):
    figures = [one.confidence for one in seen(YOLOX, "dog.jpg", yolo_min_confidence=0.8)]
    assert figures == sorted(figures, reverse=True)
    assert 0.1 <= figures[-1] < 0.3


def test_a_minimum_below_the_usual_floor_lowers_it(seen):
    low = seen(YOLOX, "dog.jpg", yolo_min_confidence=0.02)
    assert len(low) > len(seen(YOLOX, "dog.jpg"))
    assert 0.02 <= low[-1].confidence < 0.1


def test_no_minimum_at_all_still_gives_a_bounded_list(seen):
    assert len(seen(V8, "dog.jpg", yolo_min_confidence=0.0)) == 300


def test_yolo_type_tiny_uses_the_tiny_files(yolo, model, frame, tmp_path):
    detector = yolo(
        tmp_path / "not there.onnx", yolo_type="tiny", tiny_weights=model("yolox_nano_416.onnx")
    )
    assert detector.detect([frame("dog.jpg")])[0][0].label == "dog"


def test_another_darknet_size_is_used(seen):
    found = seen(DARKNET, "person.jpg", yolo_input_size=416)
    assert {"person", "dog"} <= {one.label for one in found}
    assert found != seen(DARKNET, "person.jpg")


def test_frames_are_answered_in_their_order(yolo, model, frame):
    answer = yolo(model(YOLOX)).detect([frame("dog.jpg"), frame("person.jpg")])
    assert [found[0].label for found in answer] == ["dog", "person"]


def test_it_says_once_what_it_runs_on_and_each_time_how_long(yolo, model, frame, caplog):
    caplog.set_level("DEBUG")
    detector = yolo(model(YOLOX), yolo_threads=1)
    detector.detect([frame("dog.jpg"), frame("dog.jpg")])
    said = [record.message for record in caplog.records if record.levelname == "INFO"]
    assert len(said) == 1
    for part in ("yolox_nano_416.onnx", "YOLOX", "416x416", "80 labels", "ONNX Runtime", "CPU, 1"):
        assert part in said[0]
    assert sum("network" in r.message and r.levelname == "DEBUG" for r in caplog.records) == 2


def test_it_cannot_be_used_before_it_is_loaded_or_after_it_is_closed(yolo, model, frame):
    with pytest.raises(DetectorError, match="before it is loaded"):
        YoloDetector(Settings()).detect([])
    detector = yolo(model(YOLOX))
    detector.close()
    detector.close()
    with pytest.raises(DetectorError, match="before it is loaded"):
        detector.detect([frame("dog.jpg")])


def test_nothing_heavy_is_imported_before_load():
    program = (
        "import sys; from zmhook.detectors.base import find; from zmhook.settings import Settings\n"
        "find('yolo')(Settings()), find('hog')(Settings())\n"
        "print({'numpy', 'cv2', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "set()"


@pytest.fixture
def four_k(photo):
    """Photos as a camera of 3840x2160 would send them."""

    def read(name):
        image = cv2.imread(str(photo(name)))
        image = image[: round(image.shape[1] * 9 / 16)]
        image = cv2.resize(image, (3840, 2160), interpolation=cv2.INTER_CUBIC)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        return checked(data, "alarm", name, 50_000_000)

    return read


@pytest.mark.parametrize("name", ["dog.jpg", "busstop.jpg", "parking.jpg", "two_people.jpg"])
def test_a_reduced_picture_gives_the_same_objects(yolo, model, four_k, name):
    detector = yolo(model(V8), yolo_min_confidence=0.3)
    frame = frame_of(four_k(name), detector.least_size((3840, 2160)))
    assert frame.at_least((1920, 1080)).shape == (1080, 1920, 3)
    reduced, full = detector.detect([frame])[0], detector.detect([in_full(frame.image)])[0]
    for these, others in ((reduced, full), (full, reduced)):
        for one in (each for each in these if each.confidence >= 0.45):
            other = max(same(one, others), key=lambda other: other.box.iou(one.box))
            assert other.box.iou(one.box) >= 0.9
            assert other.confidence == pytest.approx(one.confidence, abs=0.05)


def same(one, others):
    return [other for other in others if other.label == one.label]


def in_full(image):
    return Frame(image=image, id="alarm", origin="made")


def test_how_much_of_a_picture_it_needs(yolo, model):
    detector = yolo(model(V8))
    assert detector.least_size((3840, 2160)) == (1920, 1080)
    assert detector.least_size((1920, 1080)) is None
    assert YoloDetector(Settings()).least_size((3840, 2160)) is None


def test_reduced_decoding_can_be_switched_off(model):
    general = General(reduced_decoding=False)
    detector = YoloDetector(Settings(general=general, yolo=Yolo(weights=str(model(V8)))))
    detector.load()
    assert detector.least_size((3840, 2160)) is None
