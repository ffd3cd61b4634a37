"""Finding the service from Python, or starting it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli.ask import Answered, ask
from zmhook.deadline import Deadline
from zmhook.event import Event
from zmhook.service import client, paths, start
from zmhook.service.client import NoService, Silent
from zmhook.settings import Settings

EVENT = Event(id=7, monitor_id=2)


class Service:
    """What the service answers each time, and what is done to start it."""

    def __init__(self) -> None:
        self.answers: list[client.ServiceReply | NoService] = []
        self.starts: bool | OSError = True
        self.comes = True
        self.silent: start.SocketIdentity | None = None
        self.seen: list[str] = []

    def decide(
        self, place: Path, event: Event, config: str, seconds: float, silence: float | None
    ) -> client.ServiceReply:
        assert (event, config) == (EVENT, "/etc/o.ini")
        assert 0 < seconds <= 30
        self.seen.append(f"ask {place}")
        answer = self.answers.pop(0)
        if isinstance(answer, NoService):
            raise answer
        return answer

    def start(self, config: str, place: Path, silent: start.SocketIdentity | None) -> bool:
        self.seen.append("start")
        self.silent = silent
        if isinstance(self.starts, OSError):
            raise self.starts
        return self.starts

    def wait_for(self, place: Path, seconds: float) -> bool:
        assert 0 < seconds <= 15
        self.seen.append("wait")
        return self.comes


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setenv("ZMHOOK_RUN", "/r")
    monkeypatch.setattr(client, "decide", service.decide)
    monkeypatch.setattr(start, "start", service.start)
    monkeypatch.setattr(start, "wait_for", service.wait_for)
    return service


@pytest.fixture
def answer(service: Service) -> Callable[..., Answered | None]:
    def answer(*answers: client.ServiceReply | NoService) -> Answered | None:
        service.answers = [*answers]
        return ask(EVENT, Settings(), "/etc/o.ini", Deadline(30))

    return answer


NONE = NoService("/r/etc_o.ini.sock: no service answers")
LINE = "[a] detected:Jürgen:97% --SPLIT--{}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (client.ServiceReply(200, f"{LINE}\n".encode()), Answered(0, LINE)),
        (client.ServiceReply(302, b""), Answered(1, "")),
        (client.ServiceReply(422, b"why\n"), Answered(2, "")),
    ],
)
def test_a_service_that_runs_is_asked(answer, service: Service, given, expected) -> None:
    assert answer(given) == expected
    assert service.seen == ["ask /r/etc_o.ini.sock"]


def test_why_it_is_undecided_is_told(answer, caplog: pytest.LogCaptureFixture) -> None:
    answer(client.ServiceReply(422, b"a \xff b\n"))

    assert caplog.record_tuples[-1][1:] == (logging.ERROR, "event 7 of monitor 2: a � b")


def test_who_starts_it_decides_alone(answer, service: Service) -> None:
    assert answer(NONE) is None
    assert service.seen[1:] == ["start"]


def test_who_comes_while_it_starts_waits_and_asks_again(answer, service: Service) -> None:
    service.starts = False

    assert answer(NONE, client.ServiceReply(302, b"")) == Answered(1, "")
    assert [one.partition(" ")[0] for one in service.seen] == ["ask", "start", "wait", "ask"]


def test_one_that_does_not_come_is_not_waited_for_for_ever(answer, service: Service) -> None:
    service.starts, service.comes = False, False

    assert answer(NONE) is None


def test_one_that_comes_and_goes_again(answer, service: Service) -> None:
    service.starts = False

    assert answer(NONE, NONE) is None


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_another_answer_is_none(answer, service: Service, status: int) -> None:
    assert answer(client.ServiceReply(status, b"?")) is None
    assert service.seen[-1] == "start"


SILENT = Silent("/r/etc_o.ini.sock: the service there shows no sign of life for 3 s")
SOCKET = start.SocketIdentity(1, 2, 3)


def test_one_that_hangs_is_to_be_put_aside(
    answer, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(start, "socket_identity", lambda _: SOCKET)

    assert answer(SILENT) is None
    assert service.silent == SOCKET
    assert "no sign of life for 3 s" in caplog.text


def test_one_that_is_not_there_puts_nothing_aside(
    answer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "socket_identity", lambda _: SOCKET)

    answer(NONE)

    assert service.silent is None


def test_systemds_is_left_to_systemd(
    answer, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(start, "is_held_by_systemd", lambda _: True)

    assert answer(SILENT) is None
    assert [one.partition(" ")[0] for one in service.seen] == ["ask"]
    assert "systemctl restart zmhook" in caplog.text


def test_it_is_asked_with_the_patience_that_it_has_written_down(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    def decide(*args: object) -> client.ServiceReply:
        given.extend(args)
        return client.ServiceReply(302, b"")

    monkeypatch.setattr(client, "decide", decide)
    monkeypatch.setattr(paths, "silence_of", lambda _: 1.5)

    ask(EVENT, Settings(), "/etc/o.ini", Deadline(30))

    assert given[-1] == 1.5


def test_a_folder_that_cannot_be_written_to(
    answer, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.starts = PermissionError(13, "Permission denied")

    assert answer(NONE) is None
    assert "no service can be started there (Permission denied)" in caplog.text


def test_a_configuration_here_is_none_for_a_service_in_the_root(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "decide", lambda *_: (_ for _ in ()).throw(NONE))

    assert ask(EVENT, Settings(), "demo/o.ini", Deadline(30)) is None
    assert service.seen == []
