"""Time the gate: its worst case, and its share of a usual event (medians in ms).

The worst case is one decision over 1,000 detections, 50 zones and 500 past objects.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

from measure import arguments, show
from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gate.gate import Gate
from zmhook.settings import Gate as GateSettings
from zmhook.settings import Settings, Zone

WIDTH, HEIGHT = 3840, 2160
DETECTIONS, ZONES, OBJECTS, CORNERS = 1_000, 50, 500, 12
NORMAL = 4
LABELS = ("person", "car", "truck", "dog", "bicycle")


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    rounds = args.rounds or (5 if args.quick else 31)
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(chance, Path(folder))
        _remember(settings, [_detection(chance, 0.9) for _ in range(OBJECTS)])
        worst = median(settings, [_detection(chance, 0.5) for _ in range(DETECTIONS)], rounds)
        share = median(settings, [_detection(chance, 0.5) for _ in range(NORMAL)], rounds)
    figures = {"worst_case_ms": worst, "share_ms": share}
    rows = [
        ("case", "ms"),
        (f"{DETECTIONS} detections, {ZONES} zones, {OBJECTS} past objects", f"{worst:.1f}"),
        (f"{NORMAL} detections, the same otherwise", f"{share:.1f}"),
    ]
    show(figures, rows, as_json=args.json)


def median(settings: Settings, found: list[Detection], rounds: int) -> float:
    """Return the milliseconds of one decision, past detections included; skip the first."""
    took = []
    for i in range(rounds + 1):
        gate = _gate(settings, 1_000 + i)
        started = time.perf_counter()
        kept, _ = gate.filter(found, _scene())
        gate.finish(kept, _scene())
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[1:])


def _remember(settings: Settings, objects: list[Detection]) -> None:
    gate = _gate(settings, 1)
    gate.finish(objects, _scene())
    gate.record()


def _gate(settings: Settings, number: int) -> Gate:
    return Gate(Event(id=number, monitor_id=1), settings, Deadline(60))


def _scene() -> Crop:
    return Crop(box=Box(0, 0, WIDTH, HEIGHT), width=WIDTH, height=HEIGHT)


def _settings(chance: random.Random, folder: Path) -> Settings:
    gate = GateSettings(match_past_detections=True, state_path=str(folder))
    return Settings(gate=gate, zones=tuple(_zone(chance, i) for i in range(ZONES)))


def _zone(chance: random.Random, number: int) -> Zone:
    x, y = chance.randrange(WIDTH), chance.randrange(HEIGHT)
    points = tuple(
        (x + chance.randrange(-300, 300), y + chance.randrange(-300, 300)) for _ in range(CORNERS)
    )
    return Zone(f"zone{number}", points)


def _detection(chance: random.Random, confidence: float) -> Detection:
    x, y = chance.randrange(WIDTH - 200), chance.randrange(HEIGHT - 200)
    box = Box(x, y, x + chance.randrange(20, 200), y + chance.randrange(20, 200))
    return Detection(label=chance.choice(LABELS), confidence=confidence, box=box, model="yolo")


if __name__ == "__main__":
    main()
