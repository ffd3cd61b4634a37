"""Count how many number plates are read, and how many readings are right, by stated confidence.

The bench draws plates, sets them into photographs of vehicles without a readable one, and degrades
them as cameras do: at an angle, small, out of focus, with noise, as a JPEG. It reads them at their
known position (as after a `plate_detector`), and where the search without a detector finds them. It
also reads the photographs of real plates.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from measure import arguments, show
from zmhook.detection import Box
from zmhook.detectors.alpr.ocr import PlateOcr, Reading
from zmhook.detectors.alpr.search import search
from zmhook.detectors.alpr.services.local import MARGINS
from zmhook.detectors.model_files import ModelFile

Picture = npt.NDArray[np.uint8]

MODEL = "cct_xs_v1_global.onnx"
VEHICLES = (
    ("dog.jpg", (445, 67, 714, 179)),
    ("parking.jpg", (165, 439, 607, 591)),
    ("parking.jpg", (0, 430, 180, 560)),
    ("busstop.jpg", (1116, 0, 1324, 106)),
    ("coco_000000277005.jpg", (401, 262, 564, 337)),
)
REAL = (
    ("plate_hyperlpr_test.jpg", (460, 273, 1920, 1044), True, "ED51712"),
    ("fpo_test_plate_1.png", None, False, "AD799KB"),
)
FORMS = ("AAADDDD", "AADDDAA", "AAADDD", "AADDAAA", "DDDDAAA", "AADDDD", "AAADDAA", "AADDAA")
# Characters that people confuse in this lettering are left out: 0 and O, 1 and I, V and W.
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVXYZ", "23456789"
STEPS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)


class Scene(NamedTuple):
    """A vehicle with a plate: its text and box."""

    picture: Picture
    text: str
    box: Box


class Result(NamedTuple):
    """A reading, its stated confidence, and whether it is right."""

    text: str
    confidence: float
    right: bool


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the drawn plates")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    ocr = PlateOcr(ModelFile("plate_ocr", args.assets / "models" / MODEL, "alpr"), 2)
    many = args.rounds or (10 if args.quick else 300)
    scenes = list(drawn(args.assets / "photos", many, np.random.default_rng(args.seed)))

    figures: dict[str, float] = {"plates": len(scenes)}
    rows: list[Sequence[str]] = [("stated", "where it is", "", "searched", "")]
    given = [there(scene, ocr) for scene in scenes]
    started = time.perf_counter()
    found = [searched(scene.picture, scene.text, ocr.read) for scene in scenes]
    figures["search_ms"] = (time.perf_counter() - started) / len(scenes) * 1000
    for low, high in itertools.pairwise(STEPS):
        cells = [bucket(one, low, high) for one in (given, found)]
        rows.append((f"{low:.2f} to {min(high, 1):.2f}", *cells[0], *cells[1]))
    for name, results in (("given", given), ("searched", found)):
        figures |= summary(name, results)
    rows += [(name, f"{value:.3f}", "", "", "") for name, value in figures.items()]
    rows += [real(args.assets / "photos", ocr, *one) for one in REAL]
    show(figures, rows, as_json=args.json)


def there(scene: Scene, ocr: PlateOcr) -> Result:
    """Read a plate at its known box, with the margins of a detected plate."""
    height, width = scene.picture.shape[:2]
    cuts = []
    for share in MARGINS:
        x, y = share * scene.box.width, share * scene.box.height
        corners = scene.box.x1 - x, scene.box.y1 - y, scene.box.x2 + x, scene.box.y2 + y
        box = Box.clipped(*corners, width, height)
        cuts.append(scene.picture[box.y1 : box.y2, box.x1 : box.x2])
    best = max(ocr.read(cuts), key=lambda one: one.confidence)
    return Result(best.text, best.confidence, best.text == scene.text)


def searched(
    picture: Picture,
    text: str,
    read: Callable[[Sequence[Picture]], list[Reading]],
    *,
    of_vehicle: bool = True,
) -> Result:
    place = search(picture, read, of_vehicle=of_vehicle)
    if place is None:
        return Result("", 0.0, right=False)
    return Result(place.reading.text, place.reading.confidence, place.reading.text == text)


def real(
    photos: Path,
    ocr: PlateOcr,
    name: str,
    box: tuple[int, int, int, int] | None,
    of_vehicle: bool,
    text: str,
) -> tuple[str, ...]:
    picture = np.asarray(cv2.imread(str(photos / name)), np.uint8)
    if box:
        picture = picture[box[1] : box[3], box[0] : box[2]]
    found = searched(picture, text, ocr.read, of_vehicle=of_vehicle)
    return name, text, "", found.text, f"{found.confidence:.2f}"


def bucket(results: Sequence[Result], low: float, high: float) -> tuple[str, str]:
    """Return the number of readings in this range of confidence, and the share of right ones."""
    some = [one for one in results if one.text and low <= one.confidence < high]
    right = sum(one.right for one in some)
    return str(len(some)), f"{right / len(some):.2f}" if some else "-"


def summary(name: str, results: Sequence[Result]) -> dict[str, float]:
    """Return shares of right readings: of all plates, and of those reported (0.6 or more)."""
    told = [one for one in results if one.text and one.confidence >= 0.6]
    right = sum(one.right for one in told)
    stated = sum(one.confidence for one in told)
    return {
        f"{name}_read": sum(one.right for one in results) / len(results),
        f"{name}_told_right": right / len(results),
        f"{name}_told_wrong": (len(told) - right) / len(results),
        f"{name}_stated_minus_right": (stated - right) / max(1, len(told)),
    }


# -- drawing ---------------------------------------------------------------------------------------


def drawn(photos: Path, many: int, random: np.random.Generator) -> Iterator[Scene]:
    vehicles = [_cut(photos / name, box) for name, box in VEHICLES]
    for i in range(many):
        text = _text(random)
        vehicle = vehicles[i % len(vehicles)]
        width = int(random.integers(320, 1000))
        height = round(width * vehicle.shape[0] / vehicle.shape[1] * random.uniform(1.0, 1.4))
        picture = cv2.resize(vehicle, (width, max(height, 200)), interpolation=cv2.INTER_CUBIC)
        yield _with_plate(np.asarray(picture, np.uint8), text, random)


def _cut(path: Path, box: tuple[int, int, int, int]) -> Picture:
    x1, y1, x2, y2 = box
    return np.asarray(cv2.imread(str(path))[y1:y2, x1:x2], np.uint8)


def _text(random: np.random.Generator) -> str:
    form = str(random.choice(FORMS))
    return "".join(str(random.choice(list(LETTERS if one == "A" else DIGITS))) for one in form)


def _plate(text: str, random: np.random.Generator) -> Picture:
    """Draw a plate as wide as its text, dark on light, with or without a band at its left."""
    font = ImageFont.load_default(size=96)
    band = 44 if random.random() < 0.5 else 0
    left, top, right, bottom = font.getbbox(text, stroke_width=2)
    gap = int(random.integers(14, 40))
    width, height = int(right - left) + 2 * gap + band, int(bottom - top) + 2 * gap // 2 + 16
    ground = (235, 200, 60) if random.random() < 0.25 else (235, 235, 228)
    plate = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(plate)
    draw.rectangle((1, 1, width - 2, height - 2), outline=(25, 25, 25), width=4)
    if band:
        draw.rectangle((4, 4, band - 6, height - 5), fill=(20, 50, 160))
    place = (band + gap - left, (height - (bottom - top)) / 2 - top)
    ink = (18, 18, 24)
    draw.text(place, text, fill=ink, font=font, stroke_width=2, stroke_fill=ink)
    return np.asarray(plate, np.uint8)[:, :, ::-1].copy()


def _with_plate(picture: Picture, text: str, random: np.random.Generator) -> Scene:
    """Set a plate into the lower part of a vehicle, at an angle, and degrade the picture."""
    plate = _plate(text, random)
    high, wide = picture.shape[:2]
    across = max(50.0, wide * random.uniform(0.1, 0.3))
    down = across * plate.shape[0] / plate.shape[1]
    x = random.uniform(0.02 * wide, 0.98 * wide - across)
    y = random.uniform(0.5 * high, max(0.51 * high, 0.95 * high - down))
    lean, turn = random.normal(0, 0.05) * across, random.normal(0, 0.06) * across
    corners = np.array(
        [
            (x, y),
            (x + across, y + turn),
            (x + across + lean, y + down + turn),
            (x + lean, y + down),
        ],
        np.float32,
    )
    corners += random.normal(0, 0.01 * across, (4, 2)).astype(np.float32)
    flat_h, flat_w = plate.shape[:2]
    flat = np.array([(0, 0), (flat_w, 0), (flat_w, flat_h), (0, flat_h)], np.float32)
    way = cv2.getPerspectiveTransform(flat, corners)
    # Without this a much smaller plate would be jagged.
    soft = cv2.GaussianBlur(plate, (0, 0), max(0.3, 0.3 * flat_w / across))
    laid = cv2.warpPerspective(soft, way, (wide, high), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full((flat_h, flat_w), 255, np.uint8), way, (wide, high))
    share = (mask.astype(np.float32) / 255)[:, :, None]
    light = random.uniform(0.55, 1.0)
    mixed = picture * (1 - share) + laid.astype(np.float32) * light * share
    worse = cv2.GaussianBlur(mixed, (0, 0), random.uniform(0.3, 1.1))
    noisy = worse + random.normal(0, random.uniform(1, 8), worse.shape)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(55, 95))]
    data = cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8), quality)[1]
    x1, y1 = corners.min(axis=0)
    x2, y2 = corners.max(axis=0)
    box = Box.clipped(float(x1), float(y1), float(x2), float(y2), wide, high)
    return Scene(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), text, box)


if __name__ == "__main__":
    main()
