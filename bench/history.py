"""Time the history at 100,000 decisions: record one more, list the newest (medians in ms)."""

from __future__ import annotations

import dataclasses
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

from msgspec import structs

from measure import arguments, show
from zmhook.cli.history_text import listing
from zmhook.cli.tables import plain
from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.event import Event
from zmhook.history.read import DecisionFilter, History
from zmhook.history.record import put, record
from zmhook.history.schema import SCHEMA
from zmhook.settings import General, Settings, Yolo
from zmhook.settings import History as HistorySettings
from zmhook.storage.shared_database import close_all
from zmhook.storage.sqlite import open_database, transaction

DECISIONS = 100_000
PATTERNS = 500
MONITORS = 10
PAGE = 50
MINUTE, DAY = 60, 86400
LABELS = ("person", "car", "dog", "cat", "truck", "bus", "bird")
RULES = {
    "confidence": "confidence 31% is below 50%",
    "zone": "in none of the zones drive, porch",
    "static": "IoU 0.93 with event 1021, 14 min ago",
}


@dataclasses.dataclass
class Maker:
    """Decisions of the usual size, the same in each run."""

    random: random.Random

    def decision(self, number: int) -> Decision:
        outcome = self.random.choices(("alarm", "nothing", "undecided"), (30, 69, 1))[0]
        kept = [self.detection() for _ in range(self.random.randint(1, 3))]
        dropped = [self.drop() for _ in range(self.random.randint(0, 6))]
        return Decision(
            event=self.event(number),
            outcome=outcome,
            detections=kept if outcome == "alarm" else [],
            dropped=dropped,
            frame=FrameInfo(id="snapshot", origin="the event's folder", width=1920, height=1080),
            timings={name: self.random.uniform(1, 90) for name in ("fetch", "yolo", "total")},
            errors=["the portal has no such frame"] if outcome == "undecided" else [],
            version="0.2.0",
        )

    def event(self, number: int) -> Event:
        return Event(
            id=number,
            monitor_id=1 + number % MONITORS,
            monitor_name="Front door",
            cause="Motion: All",
            path=f"/var/cache/zoneminder/events/{1 + number % MONITORS}/2026-03-20/{number}",
            asked=time.time() - (DECISIONS - number) * MINUTE,
        )

    def detection(self) -> Detection:
        x, y = self.random.randrange(1700), self.random.randrange(900)
        return Detection(
            label=self.random.choice(LABELS),
            confidence=self.random.random(),
            box=Box(x, y, x + self.random.randrange(20, 200), y + self.random.randrange(20, 170)),
            model="yolo",
        )

    def drop(self) -> Drop:
        rule = self.random.choice(list(RULES))
        return Drop(detection=self.detection(), rule=rule, reason=RULES[rule])


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    rounds = args.rounds or (200 if args.quick else 1000)
    maker = Maker(random.Random(1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.sqlite")
        settings = with_models(Path(folder), path)
        fill(path, maker)
        figures = {"history_mb": path.stat().st_size / 1e6}
        figures |= inserting(settings, maker, rounds)
        figures |= reading(path, max(5, rounds // 20))
        close_all()
    rows = [("figure", "value"), *((name, f"{value:.2f}") for name, value in figures.items())]
    show(figures, rows, as_json=args.json)


def with_models(folder: Path, path: Path) -> Settings:
    """A chain with a model file of the usual size, which must not be read for each event."""
    weights = folder / "yolo.onnx"
    weights.write_bytes(bytes(36_000_000))
    return Settings(
        general=General(models=("yolo",)),
        yolo=Yolo(weights=str(weights)),
        history=HistorySettings(history_path=str(path)),
    )


def fill(path: Path, maker: Maker) -> None:
    patterns = [maker.decision(number) for number in range(PATTERNS)]
    connection = open_database(path, SCHEMA)
    with transaction(connection):
        for number in range(1, DECISIONS + 1):
            pattern = patterns[number % PATTERNS]
            one = structs.replace(pattern, event=maker.event(number))
            put(connection, one, "[s] detected:person:97% car:88%", ("0.2.0", "0" * 64, "[]"))
    connection.close()


def inserting(settings: Settings, maker: Maker, rounds: int) -> dict[str, float]:
    """Time all of `record`, as the report calls it; the first call hashes the model."""
    decisions = [maker.decision(DECISIONS + number) for number in range(1, rounds + 2)]
    first, *took = [timed(lambda one=one: record(one, settings)) for one in decisions]
    return {
        "history_first_ms": first,
        "history_insert_ms": statistics.median(took),
        "history_insert_p99_ms": statistics.quantiles(took, n=100)[-1],
    }


def reading(path: Path, rounds: int) -> dict[str, float]:
    """Time the lists with their text; `history_list_ms` is the slowest."""
    week = time.time() - 7 * DAY
    wanted = {
        "all": DecisionFilter(limit=PAGE),
        "monitor": DecisionFilter(monitor_id=3, limit=PAGE),
        "label": DecisionFilter(label="person", limit=PAGE),
        "label_missing": DecisionFilter(label="giraffe", limit=PAGE),
        "outcome": DecisionFilter(outcome="undecided", limit=PAGE),
        "both": DecisionFilter(outcome="undecided", monitor_id=3, label="bird", limit=PAGE),
        "since": DecisionFilter(since=week, until=week + DAY, limit=PAGE),
    }
    history = History(path)
    figures = {
        f"list_{name}_ms": median(lambda one=one: page(history, one), rounds)
        for name, one in wanted.items()
    }
    return {
        "history_list_ms": max(figures.values()),
        **figures,
        "history_show_ms": median(lambda: history.of_event(DECISIONS // 2), rounds),
        "history_stats_week_ms": median(
            lambda: history.days(DecisionFilter(since=week)), min(rounds, 5)
        ),
    }


def page(history: History, wanted: DecisionFilter) -> list[str]:
    return plain(listing(history.decisions(wanted), str(history.path)))


def median(work: Callable[[], object], rounds: int) -> float:
    return statistics.median(timed(work) for _ in range(rounds))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
