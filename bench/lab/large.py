"""Measure the answers about large pictures, and about the same without what makes them faster.

Both kinds in turns, by the real hook with a warm service. A pause after each lets the service write
its picture first.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import cv2

from lab.service import ROOT, Service

SIZES = {"4k": (3840, 2160), "1080": (1920, 1080)}
QUALITY = 90
REDUCED, FULL = 1, 2
"""Monitors: with reduced decoding and a fitted network, and with neither."""
OFF = "reduced_decoding = no\nyolo_fit = no\n"
WARM_UP = 2
PAUSE = 0.25
FIT_TIMEOUT = 120.0


def answers(
    model: Path, photo: Path, rounds: int, names: Iterable[str] = SIZES
) -> dict[str, float]:
    """Return the milliseconds of the answers, their ratios, and the decoder's share of them."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            enlarged = _enlarged(photo, SIZES[name], Path(folder, f"{name}.jpg"))
            service = Service(
                model, enlarged, yolo="yolo_fit = yes", rest=f"[monitor-{FULL}]\n{OFF}"
            )
            _fit(service)
            with service:
                figures |= _answers(service, enlarged, name, rounds)
    return figures


def _answers(service: Service, photo: Path, name: str, rounds: int) -> dict[str, float]:
    kinds = {f"answer_{name}": REDUCED, f"answer_{name}_full": FULL}
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    shares: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(-WARM_UP, rounds):
        for kind, monitor in kinds.items():
            took = _milliseconds(service, monitor)
            time.sleep(PAUSE)
            stages = service.decide(monitor, photo)["timings"]
            time.sleep(PAUSE)
            if number >= 0:
                times[kind].append(took)
                shares[kind].append(stages["decode"] / stages["total"])
    medians = {kind: statistics.median(some) for kind, some in times.items()}
    return {f"{kind}_ms": median for kind, median in medians.items()} | {
        f"answer_{name}_vs_full": medians[f"answer_{name}"] / medians[f"answer_{name}_full"],
        f"decode_share_{name}": statistics.median(shares[f"answer_{name}"]),
        f"decode_share_{name}_full": statistics.median(shares[f"answer_{name}_full"]),
    }


def _milliseconds(service: Service, monitor: int) -> float:
    started = time.perf_counter()
    service.run(monitor)
    return (time.perf_counter() - started) * 1000


def _enlarged(photo: Path, size: tuple[int, int], path: Path) -> Path:
    """Write the middle of a photo, as wide as it is and of the size's aspect, in that size."""
    image = cv2.imread(str(photo))
    height, width = image.shape[:2]
    high = round(width * size[1] / size[0])
    top = (height - high) // 2
    large = cv2.resize(image[top : top + high], size, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), large, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return path


def _fit(service: Service) -> None:
    """Fit the network, which the service would do within a minute."""
    command = [sys.executable, str(ROOT / "bin" / "zmhook"), "models", "fit"]
    subprocess.run(
        [*command, "-c", str(service.config)],
        env=service.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=FIT_TIMEOUT,
        check=True,
    )
