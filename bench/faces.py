"""Time faces: loading, finding, encoding, and comparing with known people (medians in ms)."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# One thread, as in the scripts, so that the figures are those of an event's process.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

import cv2
import numpy as np

from measure import arguments, show
from zmhook.detectors.face.encoding import SIZE, Encoder, KnownFaces
from zmhook.detectors.face.finders import Finder, make_finder
from zmhook.settings import Face

WIDTH, HEIGHT = 1280, 720
PHOTO = "two_people.jpg"
KNOWN = (10, 1_000, 10_000)


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    rounds = args.rounds or (5 if args.quick else 21)
    cv2.setNumThreads(1)
    face = Face(face_yunet_model=str(args.assets / "models" / "face_detection_yunet_2023mar.onnx"))
    picture = cv2.resize(cv2.imread(str(args.assets / "photos" / PHOTO)), (WIDTH, HEIGHT))
    with tempfile.TemporaryDirectory() as cache:
        figures = loading(face, cache, rounds)
        figures |= finding(face, cache, picture, rounds)
        figures |= encoding(face, cache, picture, rounds)
    figures |= matching(rounds)
    rows = [("stage", "ms"), *((name, f"{value:.2f}") for name, value in figures.items())]
    show(figures, rows, as_json=args.json)


def median(work: Callable[[], object], rounds: int) -> float:
    """Return the median in milliseconds, without the first run, which fills caches."""
    work()
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def loading(face: Face, cache: str, rounds: int) -> dict[str, float]:
    """Time the loading; `load_ms` is that of an event with a face: finder and encoder."""
    figures = {
        "load_hog_first_ms": median(lambda: make_finder("hog", face), min(rounds, 5)),
        "load_hog_ms": median(lambda: make_finder("hog", face, cache), rounds),
        "load_yunet_ms": median(lambda: make_finder("yunet", face), rounds),
        "load_cnn_ms": median(lambda: make_finder("cnn", face), rounds),
        "load_encoder_ms": median(Encoder, min(rounds, 9)),
    }
    return figures | {"load_ms": figures["load_hog_ms"] + figures["load_encoder_ms"]}


def finding(face: Face, cache: str, picture: np.ndarray, rounds: int) -> dict[str, float]:
    """Use the default settings: hog and cnn upsample once, cnn within its limit of pixels."""
    finders: dict[str, Finder] = {
        name: make_finder(name, face, cache) for name in ("hog", "yunet", "cnn")
    }
    figures = {}
    for name, finder in finders.items():
        if len(finder.find(picture)) != 2:
            raise SystemExit(f"{name} does not find the two faces of {PHOTO}")
        few = 1 if rounds < 10 else 3
        figures[f"find_{name}_ms"] = median(
            lambda finder=finder: finder.find(picture), few if name == "cnn" else rounds
        )
    return figures


def encoding(face: Face, cache: str, picture: np.ndarray, rounds: int) -> dict[str, float]:
    found = make_finder("hog", face, cache).find(picture)[0]
    encoder = Encoder()
    return {"encode_ms": median(lambda: encoder.encode(picture, found), rounds)}


def matching(rounds: int) -> dict[str, float]:
    """Compare with random encodings; real ones have the same length and number."""
    random = np.random.default_rng(1)
    query = random.normal(0, 0.12, SIZE)
    figures = {}
    for count in KNOWN:
        names = [str(i) for i in range(count)]
        known = KnownFaces(names, names, random.normal(0, 0.12, (count, SIZE)))
        figures[f"match_{count}_ms"] = median(lambda known=known: known.nearest(query), rounds * 20)
    return figures


if __name__ == "__main__":
    main()
