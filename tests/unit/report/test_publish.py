"""What is left behind, and that nothing of it can do harm."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.decide import Decided
from zmhook.errors import PortalError
from zmhook.report import publish
from zmhook.settings import General, Settings
from zmhook.zoneminder import api


class FakePortal:
    """Knows one event's folder."""

    folder = ""

    def __init__(self, general: General) -> None:
        pass

    def event_folder(self, event_id: int) -> str:
        if not self.folder:
            raise PortalError(f"does not know event {event_id}")
        return self.folder

    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch) -> type[FakePortal]:
    monkeypatch.setattr(api, "Portal", FakePortal)
    monkeypatch.setattr(FakePortal, "folder", "")
    return FakePortal


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path_factory) -> None:
    """Settings that were read from no file name paths below the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


WITH_PORTAL = Settings(general=General(portal="http://zm"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_that_the_caller_named(decided, tmp_path: Path) -> None:
    given = decided()
    event = structs.replace(given.decision.event, path=str(tmp_path))
    publish(given._replace(decision=structs.replace(given.decision, event=event)), Settings())

    assert names(tmp_path) == ["objdetect.jpg", "objects.json"]


def test_the_folder_that_the_api_tells(decided, asked, tmp_path: Path) -> None:
    asked.folder = str(tmp_path)
    publish(decided(), WITH_PORTAL)

    assert names(tmp_path) == ["objdetect.jpg", "objects.json"]


def test_a_folder_on_another_machine(decided, asked, tmp_path: Path, caplog) -> None:
    asked.folder = str(tmp_path / "not here")
    with caplog.at_level(logging.DEBUG):
        publish(decided(), WITH_PORTAL)

    assert names(tmp_path) == []
    assert "is not on this machine" in caplog.text


@pytest.mark.parametrize("stuck", ["event_folder", "event"])
def test_what_waits_for_the_api_keeps_nothing_else_waiting(
    stuck: str, decided, asked, monkeypatch, tmp_path: Path
) -> None:
    """The process may be ended before the API answers."""

    def end(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(asked, "folder", str(tmp_path))
    monkeypatch.setattr(asked, stuck, end, raising=False)
    done: list[str] = []
    monkeypatch.setattr("zmhook.jobs.enqueue.enqueue", lambda *_: done.append("jobs"))
    monkeypatch.setattr("zmhook.history.record.record", lambda *_: done.append("history"))
    with pytest.raises(SystemExit):
        publish(decided(), WITH_PORTAL, notes=True)

    assert done == ["jobs", "history"]


def test_an_api_that_fails_is_one_warning(decided, asked, caplog) -> None:
    publish(decided(), WITH_PORTAL)

    assert [record.getMessage() for record in caplog.records] == ["does not know event 7"]


def test_one_that_fails_does_not_stop_the_next(decided, tmp_path: Path, caplog) -> None:
    (tmp_path / "file").touch()
    settings = Settings(
        general=General(write_debug_image=True, image_path=str(tmp_path / "file" / "images"))
    )
    publish(decided(), settings, output=str(tmp_path / "out"))

    assert "cannot be written" in caplog.text
    assert names(tmp_path / "out") == ["7-objdetect.jpg"]


@pytest.mark.parametrize("outcome", ["nothing", "undecided"])
def test_without_an_alarm_the_event_is_left_alone(
    outcome: str, decided, asked, tmp_path: Path
) -> None:
    asked.folder = str(tmp_path)
    given = decided()
    decision = structs.replace(given.decision, outcome=outcome)
    publish(given._replace(decision=decision), WITH_PORTAL, notes=True)

    assert names(tmp_path) == []


def test_without_a_frame_there_is_nothing_to_write(decided, tmp_path: Path) -> None:
    publish(Decided(decided().decision, None), Settings(), output=str(tmp_path / "out"))

    assert names(tmp_path) == []
