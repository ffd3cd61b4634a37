from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs

from zmhook.deadline import Deadline
from zmhook.detection import Box, Decision, Detection
from zmhook.errors import NotYet, PortalError
from zmhook.event import Event
from zmhook.jobs.spool import Spool
from zmhook.jobs.work import Work, pack, unpack
from zmhook.render.line import detection_line
from zmhook.report.notes import (
    LONGEST_REMARK,
    MAX_BYTES,
    MOST_REMARKS,
    merged,
    run_check,
    run_last_check,
    run_write,
    write_notes,
)
from zmhook.settings import General, Settings
from zmhook.zoneminder.api import Portal

FOUND = "[s] detected:person:97% car:88%"


class Database(Portal):
    """Holds one event's notes, in a column that stores what `encoding` can write."""

    def __init__(
        self, notes: str | None, encoding: str = "utf-8", basic_plane: bool = False
    ) -> None:
        super().__init__(General())
        self.notes = notes
        self.encoding = encoding
        self.largest = 0xFFFF if basic_plane else 0x10FFFF
        self.puts: list[str] = []
        self.status = 500

    def event(self, event_id: int, deadline: Deadline | None = None) -> dict[str, Any]:
        return {"Id": event_id, "Notes": self.notes}

    def set_notes(self, event_id: int, text: str, deadline: Deadline | None = None) -> None:
        self.puts.append(text)
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            raise PortalError("refused", status=self.status) from None
        if max(map(ord, text)) > self.largest:
            raise PortalError("refused", status=self.status)
        self.notes = text


def write(database: Database, text: str, event_id: int | None = 5) -> None:
    write_notes(Decision(event=Event(id=event_id), outcome="alarm"), text, database)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", FOUND),
        ("Motion: All", f"{FOUND} Motion: All"),
        ("detected:dog:50% Motion: All, Driveway", f"{FOUND} Motion: All, Driveway"),
        ("[a] detected:unknown face,dog Motion: All", f"{FOUND} Motion: All"),
        ("[x] detected:dog:50%", FOUND),
        ("Forced Web: ", f"{FOUND} Forced Web:"),
        ("detected:dog:5% Forced Web: ", f"{FOUND} Forced Web:"),
        ("Continuous", f"{FOUND} Continuous"),
        ("what somebody wrote", f"{FOUND} what somebody wrote"),
        (f"{FOUND} Motion: All", f"{FOUND} Motion: All"),
    ],
)
def test_old_detection_goes_and_zoneminders_part_stays(old: str, new: str) -> None:
    assert merged(FOUND, old) == new
    assert merged(FOUND, new) == new


REMARKED = "[m] detected:person:97% (gemini: a man: 50%, Motion) (gemini skipped: no network)"
BARE = "detected:person,unknown face (gemini: a man with a parcel)"


@pytest.mark.parametrize("new", [FOUND, REMARKED, BARE])
@pytest.mark.parametrize("old", [REMARKED, BARE, "[m] detected:dog (gemini skipped: no key)"])
@pytest.mark.parametrize(
    "theirs",
    [
        "",
        "Motion: All, Driveway",
        "Forced Web:",
        "what somebody wrote",
        "Motion: All (checked: yes)",
        "(checked) by somebody",
    ],
)
def test_old_remarks_go_with_the_old_detection(new: str, old: str, theirs: str) -> None:
    notes = f"{old} {theirs}".strip()
    assert merged(new, notes) == f"{new} {theirs}".strip()


def test_what_somebody_put_between_brackets_stays() -> None:
    """It stands behind ZoneMinder's own part, and so is none of our remarks."""
    assert merged(FOUND, "detected:dog Motion: All (a: b)") == f"{FOUND} Motion: All (a: b)"
    assert merged(FOUND, "detected:dog:5% mine (a: b)") == f"{FOUND} mine (a: b)"


def describe(database: Database, *said: Detection) -> None:
    decision = Decision(event=Event(id=5), outcome="alarm", detections=list(said))
    write_notes(decision, f"{FOUND} --SPLIT--{{}}", database)


def test_what_was_described(described) -> None:
    database = Database("Motion: All")
    describe(database, described("A man (in red)\nwith a parcel."))
    assert database.notes == f"{FOUND} (gemini: A man [in red]) Motion: All"
    describe(database, described("A dog."), described("", label="a cat"))
    assert database.notes == f"{FOUND} (gemini: A dog.) (gemini: a cat) Motion: All"
    describe(database)
    assert database.notes == f"{FOUND} Motion: All"


def test_a_long_description_is_cut(described) -> None:
    database = Database("Motion: All")
    describe(database, *[described("word " * 1000)] * 9)
    assert database.notes is not None
    assert database.notes.count("(gemini: word") == MOST_REMARKS
    assert "wor..) (gemini: " in database.notes
    assert len(database.notes) < MOST_REMARKS * (LONGEST_REMARK + 20) + len(FOUND) + 20
    describe(database)
    assert database.notes == f"{FOUND} Motion: All"


texts = st.text(st.characters(), min_size=1, max_size=300)


@given(texts, st.lists(texts, max_size=3), st.booleans())
def test_whatever_is_said_can_be_replaced(label: str, said: list[str], percent: bool) -> None:
    box = Box(0, 0, 9, 9)
    person = Detection(label="person", confidence=0.97, box=box, model="yolo")
    about = [
        Detection(
            label=label,
            confidence=0.5,
            box=box,
            model="gemini",
            kind="description",
            attributes={"description": text, "about": "0,0,9,9"},
        )
        for text in said
    ]
    decision = Decision(event=Event(id=5), outcome="alarm", detections=[person, *about])
    text = detection_line(decision, Settings(general=General(show_percent=percent)))
    database = Database("Motion: All")
    write_notes(decision, text, database)
    write(database, FOUND)
    assert database.notes == f"{FOUND} Motion: All"


def test_only_the_text_of_the_line_is_written() -> None:
    database = Database("Motion: All")
    write(database, f'{FOUND} --SPLIT--{{"labels":[]}}')
    assert database.notes == f"{FOUND} Motion: All"
    assert len(database.puts) == 1


def test_event_without_notes() -> None:
    database = Database(None)
    write(database, FOUND)
    assert database.notes == FOUND


@pytest.mark.parametrize(("text", "event_id"), [("", 5), (FOUND, None)])
def test_nothing_to_write(text: str, event_id: int | None) -> None:
    database = Database("Motion: All")
    write(database, text, event_id)
    assert database.puts == []


def test_emoji_that_the_database_refuses() -> None:
    database = Database("Motion: All", basic_plane=True)
    write(database, "detected:Zoë 🙂 Łukasz")
    assert database.notes == "detected:Zoë ? Łukasz Motion: All"
    assert len(database.puts) == 2


def test_latin_1_database() -> None:
    database = Database("Motion: All", "latin-1")
    write(database, "detected:Zoë 🙂 Łukasz")
    assert database.notes == "detected:Zoë ? ?ukasz Motion: All"
    assert len(database.puts) == 3


def test_refusal_of_plain_text_is_told() -> None:
    database = Database("", basic_plane=True)
    database.largest = 0
    with pytest.raises(PortalError, match="refused"):
        write(database, FOUND)
    assert database.puts == [FOUND]


def test_other_errors_are_not_tried_again() -> None:
    database = Database("", "latin-1")
    database.status = 403
    with pytest.raises(PortalError):
        write(database, "detected:Ł 🙂")
    assert len(database.puts) == 1


def test_more_than_the_column_holds_is_cut_between_characters() -> None:
    notes = merged(FOUND, "Motion: " + "é" * 70_000)
    assert notes.startswith(f"{FOUND} Motion: éé")
    assert MAX_BYTES - 2 < len(notes.encode()) <= MAX_BYTES


# -- notes that ZoneMinder overwrites --------------------------------------------------------------


OURS = "[s] detected:person:97%"


class ZoneMinder:
    """One event's row, and what was written into its notes."""

    def __init__(self) -> None:
        self.row: dict[str, str | None] = {"Id": "7", "Notes": f"{OURS} Motion: All"}
        self.written: list[str] = []
        self.ended = False
        self.end_time: str | None = None
        """What `EndTime` says while it records: since 1.38.3 it is never null."""

    def answer(self, posted):
        if posted.method == "PUT":
            (notes,) = parse_qs(posted.body.decode())["Event[Notes]"]
            self.written.append(notes)
            self.row["Notes"] = notes
            return 200, {}, json.encode({"message": "Saved"})
        end = "2025-01-01 00:00:00" if self.ended else None
        row = {**self.row, "EndDateTime": end, "EndTime": end or self.end_time}
        return 200, {}, json.encode({"event": {"Event": row}})


@pytest.fixture(params=[None, "2025-01-01 00:00:00"], ids=["1.36", "1.38.3"])
def zoneminder(endpoint, monkeypatch, request) -> ZoneMinder:
    made = ZoneMinder()
    made.end_time = request.param
    monkeypatch.setattr(endpoint, "answer", made.answer)
    return made


@pytest.fixture
def spool(tmp_path) -> Spool:
    return Spool.of(str(tmp_path))


@pytest.fixture
def work(endpoint, spool, tmp_path, decided, found) -> Callable[..., Work]:
    def make(label: str = "person") -> Work:
        given = decided()
        decision = structs.replace(given.decision, detections=[found(label)])
        general = General(portal=endpoint.url, base_data_path=str(tmp_path))
        spool.add(
            *pack(given._replace(decision=decision), Settings(general=general)), ["notes-again"], 2
        )
        return unpack(spool, spool.units()[0])

    return make


def jobs(spool: Spool) -> list[str]:
    return sorted(unit.job for unit in spool.units())


@pytest.mark.parametrize("ended", [False, True])
def test_written_for_the_first_time(ended: bool, zoneminder, work, spool) -> None:
    zoneminder.ended, zoneminder.row["Notes"] = ended, "Motion: All"
    run_write(work())
    assert zoneminder.written == [f"{OURS} Motion: All"]
    assert jobs(spool) == (["notes-again"] if ended else ["notes-again"] * 2)


def test_names_are_written_again_as_they_are(zoneminder, work) -> None:
    zoneminder.ended, zoneminder.row["Notes"] = True, "Motion: All"
    run_check(work("Zoë"))
    assert zoneminder.written == ["[s] detected:Zoë:97% Motion: All"]


def test_while_all_is_well_it_looks_again_later(zoneminder, work, spool) -> None:
    with pytest.raises(NotYet):
        run_check(work())
    assert (zoneminder.written, jobs(spool)) == ([], ["notes-again"])


def test_overwritten_while_it_records_they_are_written_at_once(zoneminder, work, spool) -> None:
    zoneminder.row["Notes"] = "Motion: All, Drive"
    run_check(work())
    assert zoneminder.written == [f"{OURS} Motion: All, Drive"]
    assert jobs(spool) == ["notes-again", "notes-last"]


def test_overwritten_again_they_are_written_when_it_has_ended(zoneminder, work) -> None:
    made = work()
    zoneminder.row["Notes"] = "Motion: All"
    with pytest.raises(NotYet):
        run_last_check(made)
    assert zoneminder.written == []
    zoneminder.ended = True
    run_last_check(made)
    assert zoneminder.written == [f"{OURS} Motion: All"]


@pytest.mark.parametrize("last", [run_check, run_last_check])
def test_at_the_end_all_is_well(last, zoneminder, work, spool) -> None:
    zoneminder.ended = True
    last(work())
    assert (zoneminder.written, jobs(spool)) == ([], ["notes-again"])


def test_lost_when_it_has_ended(zoneminder, work, spool) -> None:
    zoneminder.ended, zoneminder.row["Notes"] = True, None
    run_check(work())
    assert zoneminder.written == [OURS]
    assert jobs(spool) == ["notes-again"]


def test_characters_that_were_replaced_are_not_taken_for_lost(zoneminder, work) -> None:
    zoneminder.ended = True
    zoneminder.row["Notes"] = "[s] detected:Zo? ?:97% Motion: All"
    run_check(work("Zoë 🙂"))
    assert zoneminder.written == []


def test_a_portal_that_is_down(zoneminder, work, endpoint, monkeypatch) -> None:
    monkeypatch.setattr(endpoint, "answer", lambda _: (503, {}, b""))
    with pytest.raises(PortalError) as caught:
        run_check(work())
    assert caught.value.retry
