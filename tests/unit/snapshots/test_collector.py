"""What the collector does from time to time, and at its end. The rest is tried with a broker."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec import structs

from zmhook.errors import SnapshotError, StoreError
from zmhook.settings import Config, Mqtt, Settings, Snapshots
from zmhook.snapshots import collector as module
from zmhook.snapshots import status
from zmhook.snapshots.collector import Collector
from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot
from zmhook.snapshots.store.store import Store

SECONDS = 10


class Signals:
    """Says what it is told to say, then stop; looks around each time."""

    def __init__(self, *numbers: int | None, look=lambda: None) -> None:
        self.numbers = [*numbers, signal.SIGTERM]
        self.look = look

    def wait(self, seconds: float) -> int | None:
        self.look()
        return self.numbers.pop(0)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector whose broker is not there."""
    monkeypatch.setattr("zmhook.snapshots.broker.FIRST_WAIT", 0.01)
    settings = structs.replace(
        Settings(),
        mqtt=Mqtt(mqtt_port=1),
        snapshots=Snapshots(snapshot_path=str(tmp_path), snapshot_disk_reserve=1),
    )
    collector = Collector(Config("", settings, {}, []))
    yield collector
    collector._store.close()


def test_signals_are_obeyed(made: Collector, caplog) -> None:
    with caplog.at_level(logging.INFO):
        made.run(Signals(signal.SIGUSR1, signal.SIGHUP))
    text = caplog.text
    assert "0 messages, 0 snapshots stored" in text
    assert "restart the collector" in text
    assert "ended: " in text


class Late:
    """A handler that catches up, and one that does not."""

    catches_up = True
    seen: ClassVar[list[int]] = []

    def __init__(self, settings: Settings) -> None:
        pass

    def on_snapshot(self, snapshot: StoredSnapshot, picture: bytes) -> None:
        self.seen.append(snapshot.number)

    def close(self) -> None:
        pass


class Prompt(Late):
    catches_up = False
    seen: ClassVar[list[int]] = []


def test_a_handler_may_catch_up_with_what_was_stored_before(tmp_path: Path, monkeypatch) -> None:
    with Store.open(tmp_path) as store:
        store.add([snapshot(age) for age in (2 * module.DAY, 60.0, 30.0)])
    monkeypatch.setattr(module.base, "find", {"late": Late, "prompt": Prompt}.__getitem__)
    snapshots = Snapshots(
        snapshot_path=str(tmp_path), snapshot_disk_reserve=1, snapshot_handlers=("late", "prompt")
    )
    settings = structs.replace(Settings(), mqtt=Mqtt(mqtt_port=1), snapshots=snapshots)
    end = time.monotonic() + SECONDS

    def look() -> None:
        while len(Late.seen) < 2 and time.monotonic() < end:
            time.sleep(0.01)

    Collector(Config("", settings, {}, [])).run(Signals(look=look))
    assert (Late.seen, Prompt.seen) == ([1, 2], [])


def snapshot(age: float) -> BestSnapshot:
    moment = time.time() - age
    return BestSnapshot(
        camera="drive",
        topic="t",
        format="f",
        track_id=str(age),
        taken=moment,
        received=moment,
        picture=b"",
    )


def test_its_state_is_there_from_the_start(made: Collector, tmp_path: Path) -> None:
    seen: list[status.Status | None] = []
    made.run(Signals(look=lambda: seen.append(status.read(tmp_path))))
    assert seen[0] is not None
    assert (seen[0].connected, seen[0].ended, seen[0].topics) == (False, False, ("track_topic",))
    assert status.read(tmp_path).ended


def test_its_state_is_written_when_there_is_news(made: Collector, monkeypatch) -> None:
    written: list[status.Status] = []
    monkeypatch.setattr(status, "write", lambda _, one: written.append(one))
    made._write_status()
    made._write_status()
    assert len(written) == 1
    made._counts.add("received")
    made._write_status()
    monkeypatch.setattr(module, "STATUS_AGE", -1.0)
    made._write_status()
    assert len(written) == 3


def test_it_tidies_until_nothing_is_left_to_do(made: Collector, monkeypatch) -> None:
    gone = [200, 200, 3, 0]
    monkeypatch.setattr(made._store, "tidy", lambda now: gone.pop(0))
    made._tidy()
    assert gone == []


def test_what_cannot_be_tidied_is_told_once(made: Collector, monkeypatch, caplog) -> None:
    def fail(now: float) -> int:
        raise StoreError("read-only")

    monkeypatch.setattr(made._store, "tidy", fail)
    made._tidy()
    made._tidy()
    assert [record.getMessage() for record in caplog.records] == [
        "old snapshots cannot be deleted: read-only"
    ]


def test_a_thread_that_died_ends_it(made: Collector, monkeypatch) -> None:
    monkeypatch.setattr(made._storing, "run", lambda: None)
    made._thread._target = made._storing.run
    with pytest.raises(SnapshotError, match="threads has ended"):
        made.run(Signals(*[None] * 1000, look=lambda: made._thread.join(SECONDS)))


def test_former_topics_are_known_from_the_state(made: Collector, tmp_path: Path) -> None:
    made.run(Signals())
    again = structs.replace(
        Settings(),
        mqtt=Mqtt(mqtt_port=1, mqtt_topic=("other",)),
        snapshots=Snapshots(snapshot_path=str(tmp_path)),
    )
    collector = Collector(Config("", again, {}, []))
    assert collector._broker._former == ("track_topic",)
    collector._store.close()
