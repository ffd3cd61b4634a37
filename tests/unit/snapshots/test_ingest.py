"""From messages to the store; nothing is acknowledged that is not stored."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from zmhook.errors import PayloadError, StoreError
from zmhook.settings import Mqtt, Snapshots
from zmhook.snapshots import filters, ingest
from zmhook.snapshots.ingest import Ingest
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.message_queue import MessageQueue, QueuedMessage
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, StoredSnapshot
from zmhook.snapshots.status import Counts, Messages
from zmhook.snapshots.topics import Topics

AMENDMENT = Amendment(camera="drive", channel=None, track_id="1", ended=True)


def message(payload: bytes, *, size: int | None = None) -> QueuedMessage:
    return QueuedMessage("t", payload, size or len(payload), 1, False, 5.0, 1, None)


def snapshot(track: str, received: float = 5.0) -> BestSnapshot:
    return BestSnapshot(
        camera="drive",
        topic="t",
        format="f",
        track_id=track,
        taken=1.0,
        received=received,
        picture=b"",
        label="Human",
        duration=9.0,
    )


class WordReader:
    """Reads a few words instead of JSON."""

    def read(self, topic, payload, *, retained=False, received):
        text = payload.decode()
        if text == "broken":
            raise PayloadError("json", "t: no JSON")
        if text == "bug":
            raise ZeroDivisionError
        if text == "amend":
            return [AMENDMENT]
        if text.startswith("is "):
            _, track, label = text.split()
            return [Amendment(camera="drive", channel=None, track_id=track, label=label)]
        if text.startswith("monitor2 "):
            return [replace(snapshot(text.split()[1], received), monitor_id=2)]
        if text.startswith("early "):
            return [replace(snapshot(text.split()[1], received), label="")]
        return [snapshot(text, received)]


class FailingStore:
    """Raises the errors in `fail`, and recognises what came again."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredSnapshot] = {}
        self.amended: list[Amendment] = []
        self.fail: list[Exception] = []
        self.poison = ""

    def add(self, snapshots: Sequence[BestSnapshot]) -> list[StoredSnapshot]:
        if self.fail:
            raise self.fail.pop()
        if self.poison in [one.track_id for one in snapshots]:
            raise KeyError(self.poison)
        return [self.rows.setdefault(one.track_id, self._row(one)) for one in snapshots]

    def amend(self, amendments: Sequence[Amendment]) -> list[StoredSnapshot]:
        if self.fail:
            raise self.fail.pop()
        self.amended += amendments
        for one in amendments:
            if one.track_id in self.rows and one.label:
                self.rows[one.track_id] = replace(self.rows[one.track_id], label=one.label)
        return [self.rows[one.track_id] for one in amendments if one.track_id in self.rows]

    def remove(self, numbers: Sequence[int]) -> int:
        if self.fail:
            raise self.fail.pop()
        gone = [track for track, row in self.rows.items() if row.number in numbers]
        for track in gone:
            del self.rows[track]
        return len(gone)

    def _row(self, one: BestSnapshot) -> StoredSnapshot:
        return StoredSnapshot(
            number=len(self.rows),
            file="f",
            size=0,
            sha256="",
            camera=one.camera,
            topic="t",
            format="f",
            track_id=one.track_id,
            taken=1.0,
            received=one.received,
            label=one.label,
        )


class IngestHarness:
    def __init__(
        self,
        own: dict[int | None, Snapshots] | None = None,
        *,
        queue: MessageQueue | None = None,
        reader: Interpreter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue = MessageQueue(1000, 10**9) if queue is None else queue
        self.store = FailingStore()
        self.counts = Counts()
        self.acked: list[QueuedMessage] = []
        self.new: list[str] = []
        self.stored_when_acked: list[int] = []
        self.ingest = Ingest(
            self.queue,
            reader or WordReader(),
            self.store,
            self.counts,
            settings_of=lambda monitor: (own or {}).get(monitor, Snapshots()),
            mqtt=Mqtt(mqtt_max_message=1),
            ack=self._ack,
            stored=lambda rows: self.new.extend(row.track_id for row in rows),
            clock=clock,
        )

    def run(self, *payloads: str) -> None:
        for payload in payloads:
            self.queue.put(message(payload.encode()))
        self.queue.close()
        self.ingest.run()

    def _ack(self, messages: Sequence[QueuedMessage]) -> None:
        self.acked += messages
        self.stored_when_acked.append(len(self.store.rows))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> IngestHarness:
    monkeypatch.setattr(ingest, "FIRST_WAIT", 0.01)
    return IngestHarness()


def test_what_is_stored_is_acknowledged_afterwards(site: IngestHarness) -> None:
    site.run("1", "2", "amend")
    assert site.new == ["1", "2"]
    assert site.store.amended == [AMENDMENT]
    assert len(site.acked) == 3
    assert site.stored_when_acked == [2]
    totals = site.counts.totals()
    assert (totals.received, totals.stored, totals.amended) == (3, 2, 1)


@pytest.mark.parametrize(
    ("label", "told", "stored"), [("Human", ["1"], ["1"]), ("Car", [], []), ("Head", [], [])]
)
def test_what_came_before_its_class_is_judged_by_it(label: str, told, stored, monkeypatch) -> None:
    site = IngestHarness({None: Snapshots(snapshot_classes=("human",))})
    site.run("early 1", f"is 1 {label}")
    assert site.new == told
    assert list(site.store.rows) == stored
    assert site.counts.totals().filtered == ({} if stored else {"snapshot_classes": 1})
    assert len(site.acked) == 2


def test_each_monitor_keeps_what_it_wants() -> None:
    site = IngestHarness({2: Snapshots(snapshot_classes=("car",))})
    site.run("1", "monitor2 2")
    assert site.new == ["1"]
    assert site.counts.totals().filtered == {"snapshot_classes": 1}


def test_handlers_are_told_when_the_class_is_known(site: IngestHarness, monkeypatch) -> None:
    monkeypatch.setattr(ingest, "MOST_AT_ONCE", 1)
    site.run("early 1", "2", "is 1 Human")
    assert site.new == ["2", "1"]


def test_a_class_that_never_comes_is_not_waited_for_without_end(
    site: IngestHarness, monkeypatch
) -> None:
    monkeypatch.setattr(ingest, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(filters, "CLASS_SECONDS", 0.05)
    site.queue.put(message(b"early 1"))
    thread = Thread(target=site.ingest.run)
    thread.start()
    until = time.monotonic() + 10
    while not site.new and time.monotonic() < until:
        time.sleep(0.01)
    site.queue.close()
    thread.join(10)
    assert site.new == ["1"]
    assert not thread.is_alive()


def test_one_that_is_not_wanted_is_removed_when_the_store_works_again(monkeypatch) -> None:
    monkeypatch.setattr(ingest, "FIRST_WAIT", 0.01)
    site = IngestHarness()
    remove = site.store.remove
    fails = [StoreError("full"), StoreError("full")]

    def removing(numbers: Sequence[int]) -> int:
        if fails:
            raise fails.pop()
        return remove(numbers)

    site.store.remove = removing
    site.run("early 1", "is 1 Head")
    assert site.store.rows == {}


def test_batches_are_bounded(site: IngestHarness) -> None:
    site.run(*map(str, range(ingest.MOST_AT_ONCE + 1)))
    assert site.stored_when_acked == [ingest.MOST_AT_ONCE, ingest.MOST_AT_ONCE + 1]


def test_what_came_again_is_not_new(site: IngestHarness) -> None:
    site.run("1", "1")
    assert site.new == ["1"]
    later = IngestHarness()
    later.store.rows = site.store.rows
    later.queue.put(message(b"1")._replace(received=6.0))
    later.queue.close()
    later.ingest.run()
    assert later.new == []
    assert later.counts.totals().repeated == 1
    assert len(later.acked) == 1


def test_broken_ones_are_acknowledged_and_told_once(site: IngestHarness, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        site.run("broken", "1", "broken", "bug", "bug")
    assert len(site.acked) == 5
    assert site.new == ["1"]
    assert site.counts.totals().unusable == {"json": 2, "internal error": 2}
    assert len(caplog.records) == 2


def test_one_that_is_too_large_is_acknowledged(site: IngestHarness, caplog) -> None:
    site.queue.put(message(b"", size=2_000_000))
    site.run()
    assert len(site.acked) == 1
    assert site.counts.totals().unusable == {"too large": 1}
    assert "2000000 bytes are more than [mqtt] mqtt_max_message (1 MB) allows" in caplog.text


@pytest.mark.parametrize("error", [StoreError("the disk is full"), OSError(28, "No space left")])
def test_a_store_that_fails_is_waited_for(site: IngestHarness, caplog, error: Exception) -> None:
    site.store.fail = [error] * 3
    with caplog.at_level(logging.INFO):
        site.run("1", "amend")
    assert site.new == ["1"]
    assert site.store.amended == [AMENDMENT]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert site.ingest.problem == ""


def test_given_up_nothing_is_acknowledged(site: IngestHarness) -> None:
    site.store.fail = [StoreError("the disk is full")] * 10_000
    site.queue.put(message(b"1"))
    thread = Thread(target=site.ingest.run)
    thread.start()
    while not site.ingest.problem:
        pass
    site.ingest.give_up()
    thread.join(10)
    assert not thread.is_alive()
    assert site.acked == []


def test_a_snapshot_that_no_store_takes_keeps_no_other_out(site: IngestHarness) -> None:
    site.store.poison = "2"
    site.run("1", "2", "3")
    assert site.new == ["1", "3"]
    assert len(site.acked) == 3
    assert site.counts.totals().unusable == {"internal error": 1}


def test_what_is_not_wanted_is_counted() -> None:
    site = IngestHarness({None: Snapshots(snapshot_classes=("car",))})
    site.run("1")
    assert site.counts.totals().filtered == {"snapshot_classes": 1}
    assert len(site.acked) == 1


def test_refused_messages_are_counted(caplog) -> None:
    site = IngestHarness(queue=MessageQueue(1, 10**9))
    full: Callable[[], bool] = lambda: site.queue.put(message(b"1")._replace(qos=0))  # noqa: E731
    assert [full(), full()] == [True, False]
    site.run()
    assert site.counts.totals().dropped == 1
    assert "QoS 0" in caplog.text


def test_each_topic_and_reason_is_logged_once_an_hour(caplog) -> None:
    hours = iter([0, 0, 0.9, 0.9, 1.1, 1.2])  # when it is made, and at each message
    site = IngestHarness(clock=lambda: next(hours) * 3600)
    for topic in "aabaa":
        site.queue.put(message(b"broken")._replace(topic=topic))
    site.run()
    assert len(caplog.records) == 3
    totals = site.counts.totals()
    assert {(one.topic, one.number) for one in totals.unused} == {("a", 4), ("b", 1)}


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcp"
    "LDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/"
    "2gAIAQEAAD8AKp//2Q=="
)
VALUES = st.recursive(
    st.none() | st.floats() | st.text(max_size=5) | st.just(base64.b64encode(JPEG).decode()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("image", "data", "id", "classes", "tracks", "type", "after", "camera"),
                    *("label", "detections", "object_track_id", "observations", "frame", "crop"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
PAYLOADS = st.one_of(
    st.binary(max_size=20),
    VALUES.map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps({"image": value, "id": "1"}).encode() + b"\0"),
    st.just(JPEG),
)
TOPICS = ["axis/front/track", "frigate/events", "frigate/a/car/snapshot", "frigate/stats", "x"]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TOPICS), PAYLOADS, st.booleans()), max_size=12))
def test_no_message_vanishes(sent: list[tuple[str, bytes, bool]]) -> None:
    """Whatever comes, what was received is what became of it, in all and by topic."""
    site = IngestHarness(queue=MessageQueue(10, 10**9), reader=Interpreter(Topics(TOPICS, ())))
    for number, (topic, payload, retained) in enumerate(sent):
        site.queue.put(
            QueuedMessage(topic, payload, len(payload), 0, retained, float(number), number, None)
        )
    site.run()
    totals = site.counts.totals()
    assert totals.received == len(sent)
    for counted in (totals.messages, *totals.topics.values()):
        assert counted.received == sum(_outcomes(counted))
    assert {topic: one.received for topic, one in totals.topics.items()} == Counter(
        topic for topic, _, _ in sent
    )
    reasoned = totals.messages.unusable + totals.messages.filtered
    assert sum(one.number for one in totals.unused) == reasoned


def _outcomes(counted: Messages) -> list[int]:
    names = Messages.__struct_fields__
    return [getattr(counted, name) for name in names if name != "received"]
