from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from msgspec import json, structs

from zmhook.errors import NotYet, PortalError
from zmhook.jobs.spool import Spool
from zmhook.jobs.work import Work, pack, unpack
from zmhook.report.notes_again import run, run_first, run_last
from zmhook.settings import General, Settings

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
    run_first(work())
    assert zoneminder.written == [f"{OURS} Motion: All"]
    assert jobs(spool) == (["notes-again"] if ended else ["notes-again"] * 2)


def test_names_are_written_again_as_they_are(zoneminder, work) -> None:
    zoneminder.ended, zoneminder.row["Notes"] = True, "Motion: All"
    run(work("Zoë"))
    assert zoneminder.written == ["[s] detected:Zoë:97% Motion: All"]


def test_while_all_is_well_it_looks_again_later(zoneminder, work, spool) -> None:
    with pytest.raises(NotYet):
        run(work())
    assert (zoneminder.written, jobs(spool)) == ([], ["notes-again"])


def test_overwritten_while_it_records_they_are_written_at_once(zoneminder, work, spool) -> None:
    zoneminder.row["Notes"] = "Motion: All, Drive"
    run(work())
    assert zoneminder.written == [f"{OURS} Motion: All, Drive"]
    assert jobs(spool) == ["notes-again", "notes-last"]


def test_overwritten_again_they_are_written_when_it_has_ended(zoneminder, work) -> None:
    made = work()
    zoneminder.row["Notes"] = "Motion: All"
    with pytest.raises(NotYet):
        run_last(made)
    assert zoneminder.written == []
    zoneminder.ended = True
    run_last(made)
    assert zoneminder.written == [f"{OURS} Motion: All"]


@pytest.mark.parametrize("last", [run, run_last])
def test_at_the_end_all_is_well(last, zoneminder, work, spool) -> None:
    zoneminder.ended = True
    last(work())
    assert (zoneminder.written, jobs(spool)) == ([], ["notes-again"])


def test_lost_when_it_has_ended(zoneminder, work, spool) -> None:
    zoneminder.ended, zoneminder.row["Notes"] = True, None
    run(work())
    assert zoneminder.written == [OURS]
    assert jobs(spool) == ["notes-again"]


def test_characters_that_were_replaced_are_not_taken_for_lost(zoneminder, work) -> None:
    zoneminder.ended = True
    zoneminder.row["Notes"] = "[s] detected:Zo? ?:97% Motion: All"
    run(work("Zoë 🙂"))
    assert zoneminder.written == []


def test_a_portal_that_is_down(zoneminder, work, endpoint, monkeypatch) -> None:
    monkeypatch.setattr(endpoint, "answer", lambda _: (503, {}, b""))
    with pytest.raises(PortalError) as caught:
        run(work())
    assert caught.value.retry
