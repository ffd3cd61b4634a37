"""Compare one cold process of zmhook and of pyzm on the same YOLOv8n file and photo.

zmhook runs `zm_detect.py --file` with `models = yolo`. pyzm 2.5.6 loads the same file with OpenCV.
Both run in turns; the figures are medians from process start to exit.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from measure import ROOT, Cost, arguments, interleaved, peer_python, show

ROUNDS, QUICK_ROUNDS = 40, 12


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    model = args.assets / "models" / "yolov8n.onnx"
    photo = args.assets / "photos" / "dog.jpg"
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder), model)
        commands = {
            "zmhook": [
                sys.executable,
                f"{ROOT}/bin/zm_detect.py",
                "-c",
                config,
                "--file",
                f"{photo}",
            ],
            "pyzm": [f"{peer_python()}", f"{ROOT}/bench/peer_detect.py", f"{model}", f"{photo}"],
        }
        os.chdir(folder)
        costs = interleaved(commands, args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS))
    show(_figures(costs), _rows(costs), as_json=args.json)


def _config(folder: Path, model: Path) -> str:
    path = folder / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {folder}\nbase_zm_conf_path = {folder}\nmodels = yolo\n"
        f"[yolo]\nweights = {model}\n",
        encoding="utf-8",
    )
    return str(path)


def _figures(costs: Mapping[str, Cost]) -> dict[str, float]:
    ours, peer = costs["zmhook"], costs["pyzm"]
    return {
        "wall_ratio": ours.wall / peer.wall,
        "cpu_ratio": ours.cpu / peer.cpu,
        "rss_ratio": ours.rss / peer.rss,
        "wall_ms": ours.wall * 1000,
        "cpu_ms": ours.cpu * 1000,
        "rss_mb": ours.rss,
        "peer_wall_ms": peer.wall * 1000,
        "peer_cpu_ms": peer.cpu * 1000,
        "peer_rss_mb": peer.rss,
    }


def _rows(costs: Mapping[str, Cost]) -> list[list[str]]:
    rows = [["", "wall ms", "CPU ms", "memory MB"]]
    for name, cost in costs.items():
        rows.append([name, f"{cost.wall * 1000:.0f}", f"{cost.cpu * 1000:.0f}", f"{cost.rss:.0f}"])
    figures = _figures(costs)
    ratios = [f"{figures[key]:.2f}" for key in ("wall_ratio", "cpu_ratio", "rss_ratio")]
    return [*rows, ["zmhook / pyzm", *ratios]]


if __name__ == "__main__":
    main()
