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
from zmhook.snapshots.broker import Broker
from zmhook.snapshots.collector import Collector
from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot
from zmhook.snapshots.store.store import Store

SECONDS = 10


class Signals:
    """Sends these signals, then SIGTERM; each turn of the collector calls `turn` first."""

    def __init__(self, *numbers: int | None, turn=lambda: None) -> None:
        self.numbers = [*numbers, signal.SIGTERM]
        self.turn = turn

    def wait(self, seconds: float) -> int | None:
        self.turn()
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
    collector.close()


def test_signals_are_handled(made: Collector, caplog) -> None:
    with caplog.at_level(logging.INFO):
        made.run(Signals(signal.SIGUSR1, signal.SIGHUP))
    text = caplog.text
    assert "0 messages: 0 stored" in text
    assert "restart the collector" in text
    assert "ended: " in text


class Late:
    """A handler that catches up, and one that does not."""

    catches_up = True
    numbers: ClassVar[list[int]] = []

    def __init__(self, settings: Settings) -> None:
        pass

    def on_snapshot(self, snapshot: StoredSnapshot, picture: bytes) -> None:
        self.numbers.append(snapshot.number)

    def close(self) -> None:
        pass


class Prompt(Late):
    catches_up = False
    numbers: ClassVar[list[int]] = []


def test_a_handler_may_catch_up_with_what_was_stored_before(tmp_path: Path, monkeypatch) -> None:
    with Store.open(tmp_path) as store:
        store.add([snapshot(age) for age in (2 * module.DAY, 60.0, 30.0)])
    monkeypatch.setattr(module.handler, "find", {"late": Late, "prompt": Prompt}.__getitem__)
    snapshots = Snapshots(
        snapshot_path=str(tmp_path), snapshot_disk_reserve=1, snapshot_handlers=("late", "prompt")
    )
    settings = structs.replace(Settings(), mqtt=Mqtt(mqtt_port=1), snapshots=snapshots)
    end = time.monotonic() + SECONDS

    def turn() -> None:
        while len(Late.numbers) < 2 and time.monotonic() < end:
            time.sleep(0.01)

    Collector(Config("", settings, {}, [])).run(Signals(turn=turn))
    assert (Late.numbers, Prompt.numbers) == ([1, 2], [])


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


def test_its_status_is_written_from_the_start(made: Collector, tmp_path: Path) -> None:
    written: list[status.CollectorStatus | None] = []
    made.run(Signals(turn=lambda: written.append(status.read(tmp_path))))
    first = written[0]
    assert first is not None
    assert (first.connected, first.ended, first.topics) == (False, False, ("track_topic",))
    assert status.read(tmp_path).ended


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every task due at each turn."""
    for name in ("STATUS_SECONDS", "TIDY_SECONDS"):
        monkeypatch.setattr(module, name, 0.0)


@pytest.mark.usefixtures("always_due")
def test_its_status_is_written_when_it_has_changed(made: Collector, monkeypatch) -> None:
    monkeypatch.setattr("zmhook.snapshots.broker.Broker.start", lambda _: None)
    monkeypatch.setattr("zmhook.snapshots.broker.Broker.is_alive", lambda _: True)
    written: list[status.CollectorStatus] = []
    monkeypatch.setattr(status, "write", lambda _, one: written.append(one))
    made.run(Signals(None, None, None))
    assert [one.ended for one in written] == [False, True]


@pytest.mark.usefixtures("always_due")
def test_its_status_is_written_when_it_is_old(made: Collector, monkeypatch) -> None:
    monkeypatch.setattr(module, "STATUS_AGE", -1.0)
    written: list[status.CollectorStatus] = []
    monkeypatch.setattr(status, "write", lambda _, one: written.append(one))
    made.run(Signals(None, None, None))
    assert len(written) == 5


def test_it_tidies_until_nothing_is_left_to_do(made: Collector, monkeypatch) -> None:
    deleted = [200, 200, 3, 0]
    monkeypatch.setattr(Store, "tidy", lambda _, now: deleted.pop(0))
    made.run(Signals())
    assert deleted == []


@pytest.mark.usefixtures("always_due")
def test_what_cannot_be_tidied_is_logged_once(made: Collector, monkeypatch, caplog) -> None:
    def fail(_: Store, now: float) -> int:
        raise StoreError("read-only")

    monkeypatch.setattr(Store, "tidy", fail)
    made.run(Signals(None, None))
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("old best snapshots cannot be deleted: read-only") == 1


def test_a_thread_that_died_ends_it(made: Collector, monkeypatch) -> None:
    monkeypatch.setattr("zmhook.snapshots.broker.Broker.is_alive", lambda _: False)
    with pytest.raises(SnapshotError, match="threads has ended"):
        made.run(Signals())


def test_former_topics_are_known_from_the_status(
    made: Collector, tmp_path: Path, monkeypatch
) -> None:
    made.run(Signals())
    again = structs.replace(
        Settings(),
        mqtt=Mqtt(mqtt_port=1, mqtt_topic=("other",)),
        snapshots=Snapshots(snapshot_path=str(tmp_path)),
    )
    former: list[tuple[str, ...]] = []

    class RecordingBroker(Broker):
        def __init__(self, *args: object, **options: object) -> None:
            former.append(options["former"])
            super().__init__(*args, **options)

    monkeypatch.setattr(module, "Broker", RecordingBroker)
    Collector(Config("", again, {}, [])).close()
    assert former == [("track_topic",)]
