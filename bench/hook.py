"""Compare the whole hook with a warm service to pyzm's process and pyzm's server.

All run the same YOLOv8n file on the same photo, in turns; the figures are medians. zmhook runs the
real zm_event_start.sh from start to exit, with frames in the event's folder and the report. Two
kinds of clients use pyzm's server: pyzm's own client, a process for each event like the hook; and
lean HTTP clients in the bench itself, which post the JPEG and cost almost nothing. The latter, the
harder rival, is the one in `throughput_vs_pyzm_serve`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from lab.bare import Bare, Setup, tight_loop
from lab.large import SIZES, answers
from lab.load import rate
from lab.peer import PeerServer
from lab.service import ROOT, Service
from measure import arguments, peer_python, run, show

CALLERS = 8
ROUNDS, QUICK_ROUNDS = 40, 7
EACH = 3
"""Hooks per round: `service_ms` is the service's own median, of these and few others."""
LONGEST_ALONE = 12.0
"""Seconds after which a quick run begins no further round, on a slow machine too."""
LARGE, QUICK_LARGE = 20, 3
QUICK_SIZES = ("4k",)
SPELLS, SPELL = 4, 5.0
QUICK_SPELLS, QUICK_SPELL = 1, 2.0
QUIET = 10
"""Monitors above this number write no picture, or use bf16 with OpenVINO."""

PRECISIONS = {"openvino_f32": 1, "openvino_bf16": QUIET + 1}
Figures = dict[str, float]


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    python = peer_python()
    with ExitStack() as stack:
        bench = Bench(stack, args.assets, python)
        figures = bench.alone(args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS))
        spells, seconds = (QUICK_SPELLS, QUICK_SPELL) if args.quick else (SPELLS, SPELL)
        figures |= bench.together(args.rounds or spells, seconds)
        changed = bench.changed_labels(sorted((args.assets / "photos").glob("*.jpg")))
        figures |= {f"{name}_photos_changed": len(some) for name, some in changed.items()}
        bench.only_ours()
        figures["service_pss_mb"] = bench.ours.pss_mb()
    rounds = args.rounds or (QUICK_LARGE if args.quick else LARGE)
    sizes = QUICK_SIZES if args.rounds or args.quick else SIZES
    figures |= answers(bench.model, bench.photo, rounds, sizes)
    figures |= ratios(figures)
    show(figures, [*rows(figures), *label_rows(changed)], as_json=args.json)


class Bench:
    """The running programs. `alone` comes first, because the service counts its events."""

    def __init__(self, stack: ExitStack, assets: Path, python: Path) -> None:
        self.model = assets / "models" / "yolov8n.onnx"
        self.photo = assets / "photos" / "dog.jpg"
        self.python = python
        self.ours = stack.enter_context(self._service("", "write_image_to_zm = no"))
        self._others = stack.enter_context(ExitStack())
        enter = self._others.enter_context
        self.openvino = enter(
            self._service("yolo_engine = openvino", "yolo_precision = bf16"),
        )
        self.server = enter(PeerServer(python, self.model))
        self.alone_engine = enter(self._bare(self.ours.threads()))
        self.engines = [enter(self._bare(1)) for _ in range(os.cpu_count() or 1)]

    def alone(self, rounds: int) -> Figures:
        """Return the milliseconds of one event at a time, all kinds in turns."""
        kinds: dict[str, Callable[[], object]] = {
            "hook_ms": lambda: self.ours.run(1),
            "pyzm_process_ms": lambda: self._peer("peer_detect.py"),
            "pyzm_client_ms": lambda: self._peer("peer_client.py", self.server.url),
        } | {
            f"{name}_ms": lambda monitor=monitor: self.openvino.run(monitor)
            for name, monitor in PRECISIONS.items()
        }
        for work in kinds.values():
            work()  # once for the file cache, and for models that load on first use
        times: dict[str, list[float]] = {name: [] for name in kinds}
        bare: list[float] = []
        end = time.monotonic() + LONGEST_ALONE
        for number in range(rounds):
            if number and rounds <= QUICK_ROUNDS and time.monotonic() > end:
                break
            for name, work in kinds.items():
                times[name] += [milliseconds(work) for _ in range(EACH if name == "hook_ms" else 1)]
            bare += self.alone_engine.times(6)[1:]
        figures = {name: statistics.median(some) for name, some in times.items()}
        stages = self.ours.status()["stages_ms"]
        return figures | {
            "bare_ms": statistics.median(bare),
            "service_ms": stages["total"]["p50"],
            "overhead_ms": figures["hook_ms"] - stages["whole"]["p50"],
        }

    def together(self, spells: int, seconds: float) -> Figures:
        """Return the events per second with many callers, as medians of several periods."""
        jpeg = self.photo.read_bytes()
        ours, openvino = self.ours, self.openvino
        kinds: dict[str, Callable[[], float]] = {
            "hooks_per_s": lambda: rate(hooks(ours, 1), seconds),
            "hooks_without_picture_per_s": lambda: rate(hooks(ours, QUIET + 1), seconds),
            "pyzm_serve_per_s": lambda: rate([lambda: self.server.infer(jpeg)] * CALLERS, seconds),
            "bare_per_s": lambda: tight_loop(self.engines, seconds),
        } | {
            f"{name}_per_s": lambda monitor=monitor: rate(hooks(openvino, monitor), seconds)
            for name, monitor in PRECISIONS.items()
        }
        if seconds > QUICK_SPELL:  # eight at a time take several seconds
            ask = [lambda: self._peer("peer_client.py", self.server.url)] * CALLERS
            kinds["pyzm_client_per_s"] = lambda: rate(ask, seconds)
        self._warm_up()
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(spells):
            for name, work in kinds.items():
                rates[name].append(work())
        return {name: statistics.median(some) for name, some in rates.items()}

    def changed_labels(self, photos: Sequence[Path]) -> dict[str, dict[str, str]]:
        """Return the photos whose labels differ from ONNX Runtime's, by precision of OpenVINO."""
        changed: dict[str, dict[str, str]] = {name: {} for name in PRECISIONS}
        for photo in photos:
            expected = labels(self.ours.decide(1, photo))
            for name, monitor in PRECISIONS.items():
                found = labels(self.openvino.decide(monitor, photo))
                if found != expected:
                    changed[name][photo.name] = difference(expected, found)
        return changed

    def only_ours(self) -> None:
        """End all other programs, because memory shared by processes is divided between them."""
        self._others.close()

    def _peer(self, script: str, *more: str) -> None:
        """Run a process of the peer's; raise when it does not detect the dog."""
        command = [f"{self.python}", f"{ROOT}/bench/{script}", f"{self.model}", f"{self.photo}"]
        run([*command, *more], says=b"dog")

    def _service(self, yolo: str, quiet: str) -> Service:
        sections = "".join(f"[monitor-{QUIET + 1 + i}]\n{quiet}\n" for i in range(CALLERS))
        return Service(self.model, self.photo, yolo=yolo, rest=sections)

    def _bare(self, threads: int) -> Bare:
        return Bare(Setup(self.model, self.photo, threads=threads))

    def _warm_up(self) -> None:
        """Let every worker load every model; only simultaneous events reach all workers."""
        for service in (self.ours, self.openvino):
            for monitor in (1, QUIET + 1):
                rate(hooks(service, monitor), 0.3)


def hooks(service: Service, first: int) -> list[Callable[[], object]]:
    monitors = range(first, first + CALLERS)
    return [lambda monitor=monitor: service.run(monitor) for monitor in monitors]


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def labels(decision: Mapping) -> list[str]:
    return sorted(one["label"] for one in decision["detections"])


def difference(expected: Sequence[str], found: Sequence[str]) -> str:
    gone, new = list(expected), []
    for label in found:
        if label in gone:
            gone.remove(label)
        else:
            new.append(label)
    return " ".join([*(f"-{label}" for label in gone), *(f"+{label}" for label in new)])


def ratios(figures: Figures) -> Figures:
    return {
        "warm_vs_pyzm_process": figures["hook_ms"] / figures["pyzm_process_ms"],
        "warm_vs_pyzm_serve": figures["hook_ms"] / figures["pyzm_client_ms"],
        "service_vs_inference": figures["service_ms"] / figures["bare_ms"],
        "throughput_vs_bare": figures["hooks_per_s"] / figures["bare_per_s"],
        "throughput_vs_pyzm_serve": figures["hooks_per_s"] / figures["pyzm_serve_per_s"],
    }


def rows(figures: Figures) -> list[list[str]]:
    def row(name: str, key: str, per_s: str = "") -> list[str]:
        ms = f"{figures[f'{key}_ms']:.1f}" if key else ""
        events = figures.get(f"{per_s}_per_s")
        return [name, ms, f"{events:.1f}" if events is not None else ""]

    table = [
        ["", "one event, ms", f"events/s, {CALLERS} callers"],
        row("zm_event_start.sh, warm", "hook", "hooks"),
        row("  the service's own time in it", "service"),
        row("  the rest: process, socket, waiting", "overhead"),
        row("  with write_image_to_zm = no", "", "hooks_without_picture"),
        row("  with OpenVINO f32", "openvino_f32", "openvino_f32"),
        row("  with OpenVINO bf16", "openvino_bf16", "openvino_bf16"),
        row("bare engine, tight loop (a process a core)", "bare", "bare"),
        row("pyzm, a process for each event", "pyzm_process"),
        row("pyzm.serve, pyzm's client as a process", "pyzm_client", "pyzm_client"),
        row("pyzm.serve, lean HTTP clients in one process", "", "pyzm_serve"),
    ]
    table += [[f"{key}", f"{figures[key]:.2f}", ""] for key in ratios(figures)]
    for name in (name for name in SIZES if f"answer_{name}_ms" in figures):
        table.append(row(f"hook, picture of {name}", f"answer_{name}"))
        table.append(row("  decoded in full, not fitted", f"answer_{name}_full"))
        shares = (f"answer_{name}_vs_full", f"decode_share_{name}", f"decode_share_{name}_full")
        table += [[f"  {key}", f"{figures[key]:.2f}", ""] for key in shares]
    return [*table, ["memory of the service, MB PSS", f"{figures['service_pss_mb']:.0f}", ""]]


def label_rows(changed: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Return rows of labels that OpenVINO adds (+) and loses (-) against ONNX Runtime."""
    return [
        [f"{name}: labels of {photo}", what, ""]
        for name, photos in changed.items()
        for photo, what in (photos or {"no photo": "the same in all"}).items()
    ]


if __name__ == "__main__":
    main()
