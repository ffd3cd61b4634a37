"""Count the people that `hog` finds, and its false detections.

It uses the photographs of the assets, and those of scikit-image and matplotlib if they are
installed, each at three sizes. Detections by YOLOv8n with confidence 0.5 are the reference; people
of 96 pixels or more count. `--more FOLDER` adds your own photographs.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

import cv2
import numpy as np
import numpy.typing as npt

from measure import arguments, show
from zmhook.detection import Detection
from zmhook.detectors.hog import HogDetector
from zmhook.detectors.yolo.detector import YoloDetector
from zmhook.frame import Frame
from zmhook.settings import Settings, Yolo

Picture = npt.NDArray[np.uint8]

REFERENCE = "yolov8n.onnx"
SIDES = (640, 960, 1280)
TRUE, TOLD, SURE = 0.5, 0.6, 0.9
LEAST = 96
SAME = 0.3
PACKAGES = (("skimage", "data"), ("matplotlib", "mpl-data/sample_data"))
SUFFIXES = (".jpg", ".jpeg", ".png")


class Count(NamedTuple):
    """Counts for one photograph at one size: people, found people, and false detections."""

    name: str
    people: int
    found: int
    wrong: int
    sure: int
    sure_and_wrong: int
    clear: bool


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--more", type=Path, action="append", default=[], metavar="FOLDER")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    folders = [args.assets / "photos", *_of_packages(), *args.more]
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    most = args.rounds or (3 if args.quick else len(pictures))
    counts = list(counted(pictures[:most], args.assets / "models"))
    rows: list[Sequence[str]] = [("photograph", "people", "found", "wrong")]
    for name in dict.fromkeys(one.name for one in counts):
        some = [one for one in counts if one.name == name]
        rows.append((name, *(_three(some, field) for field in ("people", "found", "wrong"))))
    figures = summary(counts)
    rows += [(name, f"{value:.0f}", "", "") for name, value in figures.items()]
    show(figures, rows, as_json=args.json)


def counted(pictures: Sequence[Path], models: Path) -> Iterator[Count]:
    hog = HogDetector(Settings())
    yolo = YoloDetector(Settings(yolo=Yolo(weights=str(models / REFERENCE), labels="")))
    hog.load()
    yolo.load()
    for path in pictures:
        image = cv2.imread(str(path))
        if image is None or min(image.shape[:2]) < LEAST:
            continue
        for side in SIDES:
            scale = side / max(image.shape[:2])
            size = round(image.shape[1] * scale), round(image.shape[0] * scale)
            resized = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            frame = Frame(image=resized, id="file", origin=str(path))
            yield _count(path.name, yolo.detect([frame])[0], hog.detect([frame])[0])


def _count(name: str, said: Sequence[Detection], found: Sequence[Detection]) -> Count:
    """Compare with the reference; its weak or small people count neither as found nor as missed."""
    people = [one for one in said if one.label == "person"]
    clear = [one for one in people if one.confidence >= TRUE and one.box.height >= LEAST]
    told = [one for one in found if one.confidence >= TOLD]
    seen = sum(any(_is_same(one, other) for other in told) for one in clear)
    wrong = [one for one in told if not any(_is_same(one, other) for other in people)]
    sure, sure_and_wrong = (sum(one.confidence >= SURE for one in some) for some in (told, wrong))
    return Count(name, len(clear), seen, len(wrong), sure, sure_and_wrong, not people)


def _is_same(one: Detection, other: Detection) -> bool:
    return one.box.iou(other.box) >= SAME


def summary(counts: Sequence[Count]) -> dict[str, float]:
    people, empty = sum(one.people for one in counts), [one for one in counts if one.clear]
    peopled = [one for one in counts if one.people]
    return {
        "pictures": float(len(counts)),
        "people": float(people),
        "people_found": float(sum(one.found for one in counts)),
        "pictures_with_people": float(len(peopled)),
        "of_these_one_is_found": float(sum(one.found > 0 for one in peopled)),
        "pictures_without": float(len(empty)),
        "of_these_something_is_found": float(sum(one.wrong > 0 for one in empty)),
        "wrong": float(sum(one.wrong for one in counts)),
        "from_0.9": float(sum(one.sure for one in counts)),
        "from_0.9_and_wrong": float(sum(one.sure_and_wrong for one in counts)),
    }


def _three(counts: Sequence[Count], field: str) -> str:
    return " ".join(str(getattr(one, field)) for one in counts)


def _of_packages() -> Iterator[Path]:
    for package, folder in PACKAGES:
        found = importlib.util.find_spec(package)
        if found and found.origin:
            place = Path(found.origin).parent / folder
            if place.is_dir():
                yield place


if __name__ == "__main__":
    main()
