"""Compare networks that are fitted to pictures with the same networks as they are.

Each photograph of the assets is cropped to 16:9, 4:3 and 9:16. What the network detects with its
own square input is the reference: the table shows how many of its detections (confidence 0.3 or
more) the fitted one has too, misses, and has in addition, by how much the confidence of the same
ones differs on average, and their smallest overlap (IoU). `time` is the fitted network's time of
the square one's, one thread, in turns.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
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
from zmhook.detectors.yolo.fitting import fit
from zmhook.detectors.yolo.model import YoloModel
from zmhook.settings import Yolo

Picture = npt.NDArray[np.uint8]

NETWORKS = ("yolov8n.onnx", "yolox_nano_416.onnx")
ASPECTS = ((16, 9), (4, 3), (9, 16))
SURE = 0.3
NEAR = 0.1
"""Below that, a detection of the other counts as the same one, and not as missing."""
SAME = 0.5
LEAST = 96


class Comparison(NamedTuple):
    """Of one picture: the same detections (confidence before and after, IoU), missing, more."""

    same: list[tuple[float, float, float]]
    missing: list[Detection]
    more: list[Detection]


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    cv2.setNumThreads(1)
    photos = sorted((args.assets / "photos").iterdir())[: 4 if args.quick else None]
    rounds = args.rounds or (5 if args.quick else 30)
    head = ("network", "aspect", "input", "same", "missing", "more", "confidence", "IoU", "time")
    rows: list[Sequence[str]] = [head]
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            settings = Yolo(weights=str(args.assets / "models" / name), yolo_threads=1)
            for aspect in ASPECTS:
                row, measured = compared(settings, aspect, photos, rounds, Path(folder))
                rows.append((name.removesuffix(".onnx"), *row))
                key = f"{name.split('_')[0].removesuffix('.onnx')}_{aspect[0]}_{aspect[1]}"
                figures |= {f"{key}_{figure}": value for figure, value in measured.items()}
    figures["load_average"] = os.getloadavg()[0]
    rows.append((f"load average {os.getloadavg()[0]:.1f}", *[""] * (len(head) - 1)))
    show(figures, rows, as_json=args.json)


def compared(
    settings: Yolo, aspect: tuple[int, int], photos: Sequence[Path], rounds: int, folder: Path
) -> tuple[Sequence[str], dict[str, float]]:
    """Return the cells of the table, and the figures."""
    pictures = list(cropped(photos, aspect))
    size = (pictures[0].shape[1], pictures[0].shape[0])
    for outcome in fit(settings, folder, [size]):
        if outcome.state not in ("made", "there"):
            raise SystemExit(f"{settings.weights}: {outcome}")
    square = YoloModel(settings)
    fitted = YoloModel(Yolo(weights=settings.weights, yolo_threads=1, yolo_fit=True), folder)
    some = [comparison(square.detect(picture), fitted.detect(picture)) for picture in pictures]
    ratio = time_ratio(square, fitted, pictures[0], rounds)
    same = [pair for one in some for pair in one.same]
    figures = {
        "same": float(len(same)),
        "missing": float(sum(len(one.missing) for one in some)),
        "more": float(sum(len(one.more) for one in some)),
        "confidence_change": statistics.fmean(abs(a - b) for a, b, _ in same),
        "least_iou": min(iou for _, _, iou in same),
        "median_iou": statistics.median(iou for _, _, iou in same),
        "time_vs_square": ratio,
    }
    laid_out = fitted.description.split("(")[1].split(",")[0].rsplit(" ", 1)[1]
    square.close()
    fitted.close()
    counts = [f"{figures[name]:.0f}" for name in ("same", "missing", "more")]
    rest = [f"{figures[name]:.3f}" for name in ("confidence_change", "least_iou")]
    return (":".join(map(str, aspect)), laid_out, *counts, *rest, f"{ratio:.2f}"), figures


def cropped(photos: Sequence[Path], aspect: tuple[int, int]) -> Iterator[Picture]:
    """Yield the middle of each photograph in this aspect."""
    for path in photos:
        image = cv2.imread(str(path))
        if image is None or min(image.shape[:2]) < LEAST:
            continue
        height, width = image.shape[:2]
        across = min(width, height * aspect[0] // aspect[1])
        down = min(height, across * aspect[1] // aspect[0])
        left, top = (width - across) // 2, (height - down) // 2
        yield np.ascontiguousarray(image[top : top + down, left : left + across], np.uint8)


def comparison(square: Sequence[Detection], fitted: Sequence[Detection]) -> Comparison:
    """Match each sure detection of the square network with the fitted one's best, and back."""
    pairs, missing = [], []
    for one in (one for one in square if one.confidence >= SURE):
        other = best(one, fitted)
        if other is None or other.confidence < SURE - NEAR:
            missing.append(one)
        else:
            pairs.append((one.confidence, other.confidence, one.box.iou(other.box)))
    more = []
    for one in (one for one in fitted if one.confidence >= SURE):
        other = best(one, square)
        if other is None or other.confidence < SURE - NEAR:
            more.append(one)
    return Comparison(pairs, missing, more)


def best(one: Detection, others: Sequence[Detection]) -> Detection | None:
    same = [other for other in others if other.label == one.label]
    found = max(same, key=lambda other: one.box.iou(other.box), default=None)
    return found if found is not None and one.box.iou(found.box) >= SAME else None


def time_ratio(square: YoloModel, fitted: YoloModel, picture: Picture, rounds: int) -> float:
    times: dict[YoloModel, list[float]] = {square: [], fitted: []}
    for _ in range(rounds):
        for network, some in times.items():
            began = time.perf_counter()
            network.detect(picture)
            some.append(time.perf_counter() - began)
    return statistics.median(times[fitted]) / statistics.median(times[square])


if __name__ == "__main__":
    main()
