"""Whatever is done, in any order, with kills in between: nothing acknowledged is lost."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from zmhook.snapshots.snapshot import BestSnapshot
from zmhook.snapshots.store import files, records
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import IndexWriter, StoreLimits
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.store import Store

PER_FOLDER = 4
AT = 1_700_000_000.0


class Killed(BaseException):
    """What no handler catches."""


def kill(*_, **__):
    raise Killed


class Stored(RuleBasedStateMachine):
    """Beside the store, what it acknowledged: the picture of each number."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="zmhook-store-"))
        self.patch = pytest.MonkeyPatch()
        for module in ("layout", "index_writer"):
            self.patch.setattr(f"zmhook.snapshots.store.{module}.PER_FOLDER", PER_FOLDER)
        self.made = 0
        self.sent: list[BestSnapshot] = []
        self.kept: dict[int, BestSnapshot] = {}
        self.said: dict[int, str] = {}
        self.given: set[int] = set()

    @initialize()
    def begin(self):
        self.store = Store.open(self.folder, StoreLimits(max_count=5))

    def fresh(self, count):
        for _ in range(count):
            self.made += 1
            self.sent.append(
                BestSnapshot(
                    camera="c",
                    topic="t",
                    format="f",
                    track_id=str(self.made),
                    taken=AT + self.made,
                    received=AT + self.made,
                    picture=b"\xff\xd8%d\xff\xd9" % self.made,
                    monitor_id=1,
                )
            )
        return self.sent[-count:]

    def acknowledged(self, snapshots, rows):
        for snapshot, row in zip(snapshots, rows, strict=True):
            known = [n for n, kept in self.kept.items() if kept == snapshot]
            if known:
                assert row.number == known[0], "stored twice"
            else:
                assert row.number not in self.given, "a number given twice"
                self.given.add(row.number)
                self.kept[row.number] = snapshot

    @rule(count=st.integers(1, 6))
    def store_some(self, count):
        snapshots = self.fresh(count)
        self.acknowledged(snapshots, self.store.add(snapshots))

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def deliver_again(self, data):
        old = data.draw(st.sampled_from(sorted(self.kept.values(), key=lambda s: s.taken)))
        snapshots = [old, *self.fresh(1)]
        self.acknowledged(snapshots, self.store.add(snapshots))

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), words=st.text(max_size=5).filter(str.isprintable))
    def describe(self, data, words):
        number = data.draw(st.sampled_from(sorted(self.kept)))
        self.store.describe(number, {"words": words})
        self.said[number] = words

    @rule()
    def tidy(self):
        gone = self.store.tidy(AT)
        assert gone == max(0, len(self.kept) - 5)
        for number in sorted(self.kept, key=lambda n: self.kept[n].received)[:gone]:
            del self.kept[number]
            self.said.pop(number, None)

    @rule(
        stage=st.sampled_from(
            [
                (files, "_write"),
                (records.JsonLines, "append"),
                (files, "rename"),
                (IndexWriter, "put"),
            ]
        ),
        count=st.integers(1, 6),
    )
    def be_killed_and_try_again(self, stage, count):
        snapshots = self.fresh(count)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(*stage, kill)
            patch.setattr(files.PictureWriter, "undo", lambda _: None)
            with pytest.raises(Killed):
                self.store.add(snapshots)
        self.open_again()
        self.acknowledged(snapshots, self.store.add(snapshots))

    @rule()
    def open_again(self):
        self.store.close()
        self.store = Store.open(self.folder, StoreLimits(max_count=5))

    @rule()
    def lose_the_index(self):
        (self.folder / INDEX).unlink(missing_ok=True)

    @rule()
    def damage_the_index(self):
        self.store.close()
        (self.folder / INDEX).write_bytes(b"nonsense" * 2000)
        self.store = Store.open(self.folder, StoreLimits(max_count=5))

    @invariant()
    def the_pictures_are_those_that_were_acknowledged(self):
        found = {
            int(path.name.split("_")[1]): path.read_bytes() for path in self.folder.glob("*/*.jpg")
        }
        assert found == {number: kept.picture for number, kept in self.kept.items()}

    def teardown(self):
        # Whatever became of the index: after the next call it knows them all again.
        self.store.amend([])
        with Index.open(self.folder) as index:
            rows = {row.number: row for row in index.rows(limit=-1)}
        assert {n: row.track_id for n, row in rows.items()} == {
            n: kept.track_id for n, kept in self.kept.items()
        }
        said = {n: row.description["words"] for n, row in rows.items() if row.description}
        assert said == self.said
        self.store.close()
        self.patch.undo()
        shutil.rmtree(self.folder)


Stored.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestStored = Stored.TestCase
