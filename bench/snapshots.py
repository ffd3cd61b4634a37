"""Measure the collector with a real Mosquitto and a real disk, and the hook's look-up.

`ingest`: the broker holds best snapshots of 100 kB (messages of 134 kB) for two sessions, the
collector's and that of a paho client that acknowledges and drops; each receives them all in turn.
The collector's time is from the first message until the last one is in the index. `killed`: kill -9
repeatedly while messages arrive (`kills`); compares the store with what was sent. `memory`:
messages as fast as they are stored. `lookup`: among 100,000 rows, with a new connection each time.
"""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lab.collector import SECONDS, Collector
from lab.mosquitto import Mosquitto
from lab.sent import Sent, pictures, sent
from measure import ROOT, arguments, show
from zmhook.frames.snapshots import best_tracks
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store import index_writer, schema
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.store import Store
from zmhook.storage.sqlite import transaction

TOPIC = "cameras/drive/track"
SIZE, SMALL = 100_000, 10_000
ROUNDS, QUICK_ROUNDS = 7, 3
EACH, QUICK_EACH = 1000, 250
"""Messages per round of `ingest`."""
KILLED, QUICK_KILLED = 5000, 500
KILLS = 5
DICE = random.Random(4)
LASTING, QUICK_LASTING = 20_000, 1000
"""Messages of `memory`."""
QUEUED = 400
"""Messages by which the broker is ahead of the collector in `memory`."""
SETTLED = 0.2
"""Share of the messages after which memory counts as stable."""

STORED = 100_000
MONITORS = 10
DAYS = 5
EVENT = 60.0
LOOKUPS, QUICK_LOOKUPS = 1000, 200
CLASSES = ("Human", "Car", "Bike", "Truck", "Head")

Figures = dict[str, float]


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    quick = args.quick
    disk = file_system(Path(tempfile.gettempdir()))
    if disk == "tmpfs":
        print("the store is in memory (tmpfs): set TMPDIR to a folder on a disk", file=sys.stderr)
    photos = args.assets / "photos"
    large, small = pictures(photos, SIZE), pictures(photos, SMALL)
    figures: Figures = {"load_start": os.getloadavg()[0]}
    each = QUICK_EACH if quick else EACH
    figures |= ingest(large, args.rounds or (QUICK_ROUNDS if quick else ROUNDS), each)
    figures |= killed(small, QUICK_KILLED if quick else KILLED)
    figures |= memory(large, QUICK_LASTING if quick else LASTING)
    figures |= lookup(QUICK_LOOKUPS if quick else LOOKUPS)
    figures["load_end"] = os.getloadavg()[0]
    show(figures, rows(figures, disk), as_json=args.json)


# -- ingest --------------------------------------------------------------------------------------


def ingest(some: list[bytes], rounds: int, each: int) -> Figures:
    """Return messages per second: medians of rounds in which both run, in alternating order."""
    with Mosquitto() as broker, Collector(broker.port, TOPIC, "ours") as collector:
        broker.subscribe("drop", TOPIC)
        broker.subscribe("ours", TOPIC)
        messages = sent(some, seed=1)
        kinds = {
            "drop_per_s": lambda: dropped(broker, each),
            "ingest_per_s": lambda: collected(collector, each),
        }
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(rounds):
            broker.publish(TOPIC, payloads(messages, each))
            for name in sorted(kinds, reverse=bool(number % 2)):
                rates[name].append(kinds[name]())
    ratios = (ours / drop for ours, drop in zip(*reversed(rates.values()), strict=True))
    figures = {name: statistics.median(some) for name, some in rates.items()}
    return figures | {"ingest_vs_drop": statistics.median(ratios)}


def dropped(broker: Mosquitto, count: int) -> float:
    command = [sys.executable, ROOT / "bench/lab/drop.py", str(broker.port), "drop", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    return (count - 1) / float(done.stdout)


def collected(collector: Collector, count: int) -> float:
    before = collector.count()
    collector.start()
    end = collector.wait(before + count)
    collector.stop()
    with Index.open(collector.store) as index:
        began = min(row.received for row in index.rows(limit=-1) if row.number >= before)
    return (count - 1) / (end - began)


def payloads(messages: Iterator[Sent], count: int) -> Iterator[bytes]:
    return (message.payload for message in islice(messages, count))


# -- killed --------------------------------------------------------------------------------------


def killed(some: list[bytes], count: int) -> Figures:
    """Kill the collector while messages arrive; compare the store with what was sent."""
    with Mosquitto() as broker, Collector(broker.port, TOPIC, "ours") as collector:
        broker.subscribe("ours", TOPIC)
        *most, last = islice(sent(some, seed=2), count + 1)
        publishing = threading.Thread(
            target=lambda: broker.publish(TOPIC, (one.payload for one in most))
        )
        publishing.start()
        kills = [kill(collector, count * part // (KILLS + 1)) for part in range(1, KILLS + 1)]
        collector.start()
        publishing.join()
        collector.wait(count)
        # Repeated messages arrive before new ones.
        broker.publish(TOPIC, [last.payload])
        collector.wait(count + 1)
        collector.stop()
        in_the_middle = sum(stored < count for stored in kills)
        return {"kills": in_the_middle} | compared(
            collector.store, {one.sha256 for one in (*most, last)}
        )


def kill(collector: Collector, count: int) -> int:
    """Kill it soon after this many are stored, at a random moment; return the number stored."""
    collector.start()
    collector.wait(count)
    time.sleep(DICE.uniform(0, 0.02))
    collector.kill()
    return collector.count()


def compared(store: Path, wanted: set[str]) -> Figures:
    """Check files and rows: each picture must be there once."""
    files = sorted(store.glob("*/*image_*"))
    found = Counter(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    with Index.open(store) as index:
        stored = index.rows(limit=-1)
    named = Counter(row.sha256 for row in stored)
    numbers = [row.number for row in stored]
    return {
        "sent": len(wanted),
        "lost": len(wanted - (found.keys() & named.keys())),
        "duplicated": max(sum(one.values()) - len(one.keys() & wanted) for one in (found, named)),
        "numbers_left_out": max(numbers) + 1 - len(set(numbers)),
        "numbers_twice": len(numbers) - len(set(numbers)),
    }


# -- memory --------------------------------------------------------------------------------------


def memory(some: list[bytes], count: int) -> Figures:
    """Return the collector's resident memory while messages arrive as fast as it stores them."""
    samples: list[tuple[float, float]] = []

    def preparation(stored: int) -> None:
        if stored > (samples[-1][0] if samples else 0):
            samples.append((stored, collector.rss_mb()))

    with Mosquitto() as broker, Collector(broker.port, TOPIC, "ours") as collector:
        broker.subscribe("ours", TOPIC)
        messages = sent(some, seed=5)
        broker.publish(TOPIC, payloads(messages, QUEUED))
        collector.start()
        for start in range(QUEUED, count, QUEUED // 2):
            broker.publish(TOPIC, payloads(messages, min(QUEUED // 2, count - start)))
            collector.wait(start - QUEUED // 2, preparation)
        collector.wait(count, preparation)
        collector.stop()
    settled = [sample for sample in samples if sample[0] >= count * SETTLED]
    stored, megabytes = zip(*settled, strict=True)
    part = max(1, len(settled) // 10)
    return {
        "memory_messages": count,
        "memory_mb_start": statistics.median(megabytes[:part]),
        "memory_mb_end": statistics.median(megabytes[-part:]),
        "memory_mb_max": max(megabyte for _, megabyte in samples),
        "memory_slope_mb_per_1000": statistics.linear_regression(stored, megabytes).slope * 1000,
    }


# -- lookup --------------------------------------------------------------------------------------


def lookup(count: int) -> Figures:
    """Return the milliseconds of the hook's query, while a writer's connection is open."""
    with tempfile.TemporaryDirectory(prefix="zmb-index") as name:
        folder, now, dice = Path(name), time.time(), random.Random(6)
        Store.open(folder).close()
        connection = index_writer.connect(folder)
        with transaction(connection):
            values = (schema.to_values(row(number, now, dice)) for number in range(STORED))
            connection.executemany(schema.PUT, values)
        windows = [now - dice.uniform(EVENT, DAYS * 86400) for _ in range(count)]
        looked = [look_up(folder, 1 + n % MONITORS, begin) for n, begin in enumerate(windows)]
        connection.close()
    times, found = zip(*looked, strict=True)
    return {
        "lookup_rows": STORED,
        "lookup_ms": statistics.median(times),
        "lookup_p99_ms": statistics.quantiles(times, n=100)[-1],
        "lookup_found": statistics.fmean(found),
    }


def look_up(folder: Path, monitor: int, begin: float) -> tuple[float, int]:
    """Query as the hook does; return the time, and the number of tracks."""
    started = time.perf_counter()
    with Index.open(folder) as index:
        index.version()
        found = best_tracks(index.overlapping(monitor, begin, begin + EVENT), "(person|car)")
    return (time.perf_counter() - started) * 1000, len(found)


def row(number: int, now: float, dice: random.Random) -> StoredSnapshot:
    """Return a row of the usual size; some tracks last for hours."""
    start = now - DAYS * 86400 * (1 - number / STORED)
    lasted = dice.uniform(600, 20_000) if dice.random() < 0.01 else dice.uniform(2, 20)
    label = dice.choice(CLASSES)
    monitor = 1 + number % MONITORS
    return StoredSnapshot(
        number=number,
        file=f"{number // 1024:04d}/image_{number:05d}_{label}.jpg",
        size=SIZE,
        sha256=dice.randbytes(32).hex(),
        camera=f"camera{monitor}",
        topic=f"cameras/camera{monitor}/track",
        format="axis.object_track.v1",
        track_id=dice.randbytes(16).hex(),
        taken=start + lasted / 2,
        received=start + lasted + 1,
        monitor_id=monitor,
        channel=1,
        start=start,
        end=start + lasted,
        duration=lasted,
        ended=True,
        label=label,
        score=dice.random(),
        width=400,
        height=600,
    )


# -- the table -----------------------------------------------------------------------------------


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    command = ["df", "--output=fstype", folder]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


def rows(figures: Figures, disk: str) -> list[list[str]]:
    return [[f"snapshots of {SIZE // 1000} kB, store on {disk}", ""]] + [
        [name, f"{value:.2f}".removesuffix(".00")] for name, value in figures.items()
    ]


if __name__ == "__main__":
    main()
