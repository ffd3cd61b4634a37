"""The benches run, and print what the Makefile's readers look for. The figures are not judged.

Fewer rounds than even `--quick` makes: what is tried here is the bench, not the machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

TIMEOUT = 120

HOOK = {
    "warm_vs_pyzm_process",
    "warm_vs_pyzm_serve",
    "overhead_ms",
    "service_vs_inference",
    "throughput_vs_bare",
    "throughput_vs_pyzm_serve",
    "service_pss_mb",
    "answer_4k_ms",
    "answer_4k_full_ms",
    "answer_4k_vs_full",
    "decode_share_4k",
    "decode_share_4k_full",
}
STORM = {
    "asked",
    "answered",
    "late",
    "lost",
    "refused",
    "max_processes",
    "max_pss_mb",
    "in_order",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "memory_slope_mb_per_min",
    "open_files_start",
    "open_files_end",
}
SNAPSHOTS = {
    "ingest_per_s",
    "ingest_vs_drop",
    "lookup_ms",
    "lost",
    "duplicated",
    "memory_mb_start",
    "memory_mb_end",
    "memory_slope_mb_per_1000",
}
PLATES = {
    "given_told_wrong",
    "search_ms",
    "searched_read",
    "searched_told_right",
    "searched_told_wrong",
    "searched_stated_minus_right",
}
PEOPLE = {"pictures", "people", "people_found", "pictures_without", "wrong", "from_0.9_and_wrong"}
REMOTE = {
    "throughput_vs_pyzm_serve",
    "p95_vs_pyzm_serve",
    "health_ms_under_load",
    "native_vs_infer",
}


@pytest.fixture
def figures(root: Path, assets: Path):
    """Run a bench; return the one flat object that it prints."""

    def run(name: str, *options: str) -> dict[str, float]:
        script = root / "bench" / f"{name}.py"
        done = subprocess.run(
            [sys.executable, script, "--quick", "--json", "--assets", assets, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)

    return run


@pytest.fixture
def peer(root: Path) -> None:
    """The peer's environment is a large download, so only who measures makes it."""
    if not (root / ".cache" / "peer-pyzm-2.5.6" / "ready").exists():
        pytest.skip("optional: the peer's environment is made by 'make bench'")


@pytest.mark.usefixtures("peer")
def test_hook(figures) -> None:
    found = figures("hook", "--rounds=1")

    assert set(found) >= HOOK
    assert all(isinstance(value, int | float) for value in found.values())
    assert all(found[key] > 0 for key in HOOK - {"overhead_ms"})


@pytest.mark.usefixtures("peer")
def test_cold(figures) -> None:
    assert set(figures("cold", "--rounds=1")) >= {"wall_ratio", "cpu_ratio", "rss_ratio"}


@pytest.mark.usefixtures("peer")
def test_remote(figures) -> None:
    found = figures("remote", "--rounds=1")

    assert set(found) >= REMOTE
    assert all(found[key] > 0 for key in REMOTE)


def test_faces(figures) -> None:
    pytest.importorskip("dlib")
    assert set(figures("faces", "--rounds=1")) >= {"load_ms", "encode_ms", "find_hog_ms"}


def test_history(figures) -> None:
    assert set(figures("history", "--rounds=5")) >= {"history_insert_ms", "history_list_ms"}


def test_storm(figures) -> None:
    found = figures("storm", "--hooks=40", "--minutes=0.03")

    assert set(found) >= STORM
    assert (found["asked"], found["answered"]) == (40, 40)
    assert found["late"] == found["lost"] == found["refused"] == 0
    assert found["max_pss_mb"] > 50
    assert found["open_files_start"] > 0


def test_snapshots(figures) -> None:
    if not shutil.which("mosquitto"):
        pytest.skip("mosquitto is not installed")
    found = figures("snapshots", "--rounds=1")

    assert set(found) >= SNAPSHOTS
    assert all(found[key] > 0 for key in ("ingest_per_s", "ingest_vs_drop", "lookup_ms", "kills"))
    assert found["lost"] == found["duplicated"] == 0
    assert found["numbers_left_out"] == found["numbers_twice"] == 0


def test_plates(figures) -> None:
    found = figures("plates", "--rounds=1")

    assert set(found) >= PLATES
    assert found["plates"] == 1


def test_people(figures) -> None:
    found = figures("people", "--rounds=1")

    assert set(found) >= PEOPLE
    assert found["pictures"] == 3
