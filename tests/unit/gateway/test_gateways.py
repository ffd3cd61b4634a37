"""Which server is asked, and the next one when it fails."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import GatewayError
from zmhook.gateway import gateways
from zmhook.gateway.dialect import GatewayRequest, GatewayResult, GatewayStatus
from zmhook.gateway.encode import EncodedImage
from zmhook.gateway.gateways import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    STATUS_HOLDS,
    Gateways,
    KnownServer,
    recognise,
)
from zmhook.gateway.mlapi_client import MlapiClient
from zmhook.gateway.pyzm_client import PyzmClient
from zmhook.gateway.zmhook_client import ZmhookClient

IMAGE = EncodedImage("alarm", (64, 48), (64, 48), b"jpeg")


class Fake:
    """A server and how it is asked, both; what it is asked for is in `inferences`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.models: list[str] | None = ["yolo"]
        self.busy: float | None = 0.0
        self.fails: GatewayError | None = None
        self.is_away = False
        self.errors: dict[str, str] = {}
        self.inferences: list[tuple[str, ...]] = []
        self.seconds: list[float] = []
        self.statuses = 0
        self.closed = 0
        self.slow = 0.0

    def status(self, endpoint: Any, deadline: Deadline) -> GatewayStatus:
        del endpoint, deadline
        self.statuses += 1
        if self.is_away:
            raise GatewayError(f"{self.address}: is away")
        time.sleep(self.slow)
        return GatewayStatus("fake", self.models, self.busy)

    def infer(self, endpoint: Any, request: GatewayRequest) -> GatewayResult:
        del endpoint
        self.inferences.append(tuple(request.models))
        self.seconds.append(request.deadline.left())
        if self.is_away:
            raise GatewayError(f"{self.address}: is away")
        if self.fails:
            raise self.fails
        results = {name: [[]] for name in request.models if name not in self.errors}
        return GatewayResult(results, dict(self.errors), self.busy)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Move the time by calling it; real time goes on."""
    real, ahead = time.monotonic, [0.0]

    def on(seconds: float) -> None:
        ahead[0] += seconds

    monkeypatch.setattr(gateways.time, "monotonic", lambda: real() + ahead[0])
    return on


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    made: dict[str, Fake] = {}

    def recognise_fake(_: object, address: str, deadline: Deadline) -> KnownServer:
        fake = made[address]
        return KnownServer(fake, fake, fake.status(fake, deadline))

    monkeypatch.setattr(gateways, "recognise", recognise_fake)
    return made


@pytest.fixture
def some(configured, fakes, clock):
    """A function that makes so many servers, and what chooses among them."""
    del clock

    def make(count: int = 2, **remote: Any) -> tuple[Gateways, list[Fake]]:
        places = [f"http://gpu{number}" for number in range(count)]
        fakes.update({place: Fake(place) for place in places})
        return Gateways(configured(*places, **remote)), list(fakes.values())

    return make


def ask(chosen: Gateways, *models: str, seconds: float = 20.0) -> GatewayResult:
    return chosen.infer(GatewayRequest(models or ("yolo",), [IMAGE], {}, Deadline(seconds)))


def test_one_server_is_asked_without_asking_how_it_is(some) -> None:
    chosen, (one,) = some(1)
    assert ask(chosen, "yolo", "face") == GatewayResult({"yolo": [[]], "face": [[]]}, {})
    ask(chosen)
    assert one.inferences == [("yolo", "face"), ("yolo",)]
    assert one.statuses == 1  # when it was recognised


def test_the_least_busy_is_asked(some, clock) -> None:
    chosen, (one, two) = some()
    one.busy, two.busy = 2.0, 0.5
    ask(chosen)
    one.busy, two.busy = 0.0, 1.5
    ask(chosen)  # what is known still holds
    assert (len(one.inferences), len(two.inferences)) == (0, 2)
    clock(STATUS_HOLDS)
    ask(chosen)
    assert (len(one.inferences), len(two.inferences)) == (1, 2)


def test_an_answer_says_how_busy_it_is(some) -> None:
    chosen, (one, two) = some()
    one.busy, two.busy = 0.0, 0.5
    ask(chosen)
    one.busy = 2.0
    ask(chosen)
    ask(chosen)
    assert (len(one.inferences), len(two.inferences)) == (2, 1)


def test_who_does_not_say_is_busy_when_it_answers_late(some) -> None:
    chosen, (one, two) = some()
    one.busy = two.busy = None
    one.slow = 0.05
    ask(chosen)
    assert (len(one.inferences), len(two.inferences)) == (0, 1)


def test_how_they_are_is_asked_at_once(some) -> None:
    chosen, fakes = some(4)
    together = threading.Barrier(4)
    for fake in fakes:
        fake.status = lambda *_: (together.wait(10), GatewayStatus("fake", ["yolo"], 0.0))[1]
    assert not ask(chosen).errors


def test_the_next_one_when_it_fails(some) -> None:
    chosen, (one, two) = some()
    two.busy = 1.0
    one.fails = GatewayError("http://gpu0: closed the connection")
    assert ask(chosen).results == {"yolo": [[]]}
    assert (len(one.inferences), len(two.inferences)) == (1, 1)


def test_who_fails_is_left_alone_longer_each_time_and_tried_again(some, clock) -> None:
    chosen, (one, two) = some()
    two.busy = 9.0
    one.is_away = True
    hold = FIRST_PAUSE
    while hold <= LONGEST_PAUSE:
        before = one.statuses
        ask(chosen)
        assert one.statuses == before + 1
        clock(hold - 1)
        ask(chosen)
        assert one.statuses == before + 1
        clock(1.5)
        hold *= 2
    one.is_away = False
    ask(chosen)
    assert len(one.inferences) == 1
    one.is_away = True
    clock(STATUS_HOLDS)
    ask(chosen)
    clock(FIRST_PAUSE)
    one.is_away = False
    ask(chosen)  # the count began anew
    assert len(one.inferences) == 2


def test_when_all_failed_those_that_are_well_again_are_asked(some) -> None:
    chosen, (one, two) = some()
    one.is_away = two.is_away = True
    answer = ask(chosen)
    assert answer.errors == {"yolo": "http://gpu0: is away; http://gpu1: is away"}
    two.is_away = False
    assert ask(chosen).results == {"yolo": [[]]}
    assert (len(one.inferences), len(two.inferences)) == (0, 1)


def test_with_a_fallback_nobody_is_asked_before_its_time(some, clock) -> None:
    chosen, (one,) = some(1, ml_fallback_local=True)
    one.is_away = True
    assert ask(chosen).errors == {"yolo": "http://gpu0: is away"}
    asked = one.statuses, len(one.inferences)
    assert ask(chosen).errors == {"yolo": "http://gpu0: is away"}
    assert (one.statuses, len(one.inferences)) == asked
    clock(FIRST_PAUSE + 1)
    one.is_away = False
    assert ask(chosen).results == {"yolo": [[]]}


def test_who_failed_is_asked_first_how_it_is_which_is_cheap(some, clock) -> None:
    chosen, (one,) = some(1)
    one.fails = GatewayError("http://gpu0: no complete answer within 15 s")
    ask(chosen)
    one.is_away, one.fails = True, None
    clock(FIRST_PAUSE + 1)
    inferences = len(one.inferences)
    assert ask(chosen).errors == {"yolo": "http://gpu0: is away"}
    assert len(one.inferences) == inferences


def test_a_refused_login_is_not_tried_again_at_once(some, clock) -> None:
    chosen, (one,) = some(1)
    one.fails = GatewayError("http://gpu0: refused to log in", "login")
    for _ in range(5):
        assert ask(chosen).errors == {"yolo": "http://gpu0: refused to log in"}
    assert len(one.inferences) == 1
    clock(gateways.LOGIN_PAUSE + 1)
    ask(chosen)
    assert len(one.inferences) == 2


def test_a_question_that_is_refused_is_no_reason_to_leave_it_alone(some) -> None:
    chosen, (one,) = some(1)
    one.fails = GatewayError("http://gpu0: answers 413", "request")
    for _ in range(2):
        assert ask(chosen).errors == {"yolo": "http://gpu0: answers 413"}
    assert len(one.inferences) == 2


def test_who_is_too_busy_is_asked_once_more_when_it_says_that_it_is_soon(some) -> None:
    chosen, (one,) = some(1)
    busy = GatewayError("http://gpu0: it is too busy", "busy", 0.05)
    answers = [busy, None]
    real = one.infer

    def infer(endpoint: Any, request: GatewayRequest) -> GatewayResult:
        one.fails = answers.pop(0)
        return real(endpoint, request)

    one.infer = infer
    assert ask(chosen).results == {"yolo": [[]]}
    assert len(one.inferences) == 2


@pytest.mark.parametrize(("after", "seconds"), [(60.0, 20.0), (3.0, 2.0)])
def test_who_is_too_busy_for_long_is_not_waited_for(some, after: float, seconds: float) -> None:
    chosen, (one,) = some(1)
    one.fails = GatewayError("http://gpu0: it is too busy", "busy", after)
    assert ask(chosen, seconds=seconds).errors == {"yolo": "http://gpu0: it is too busy"}
    assert len(one.inferences) == 1


def test_each_has_its_part_of_the_time(some) -> None:
    chosen, fakes = some(3, ml_fallback_local=True)
    for fake in fakes:
        fake.fails = GatewayError(f"{fake.address}: failed")
    ask(chosen, seconds=20)
    seconds = [fake.seconds[0] for fake in sorted(fakes, key=lambda one: one.seconds)]
    assert seconds == pytest.approx([5, 20 / 3, 10], abs=0.5)


def test_without_time_nobody_is_asked(some) -> None:
    chosen, (one, _) = some()
    told = ask(chosen, seconds=0.1).errors["yolo"]
    assert told == ("none of http://gpu0, http://gpu1 serves yolo, or no time was left to ask")
    assert one.inferences == []


def test_models_are_asked_of_those_that_have_them(some) -> None:
    chosen, (one, two) = some()
    two.models = ["face", "alpr"]
    answer = ask(chosen, "yolo", "face", "hog")
    assert set(answer.results) == {"yolo", "face"}
    assert (one.inferences, two.inferences) == ([("yolo",)], [("face",)])
    assert answer.errors == {
        "hog": "none of http://gpu0, http://gpu1 serves hog, or no time was left to ask"
    }


def test_a_model_that_fails_is_asked_of_the_next(some) -> None:
    chosen, (one, two) = some()
    one.models = two.models = None  # as of mlapi, which does not say
    one.busy, two.busy = 0.0, 1.0
    one.errors = {"face": "http://gpu0: face: no memory"}
    two.errors = {"face": "http://gpu1: face: no file"}
    answer = ask(chosen, "yolo", "face")
    assert set(answer.results) == {"yolo"}
    assert two.inferences == [("face",)]
    assert answer.errors == {"face": "http://gpu1: face: no file"}


def test_who_cannot_fetch_a_picture_is_for_the_session_to_know(some) -> None:
    chosen, (one, two) = some()
    two.busy = 1.0
    one.fails = GatewayError("http://gpu0: fetch failed", "image")
    with pytest.raises(GatewayError, match="fetch failed"):
        ask(chosen)
    one.fails = None
    ask(chosen)
    assert len(one.inferences) == 2


def test_another_kind_of_server_may_come_back(some, clock) -> None:
    chosen, (one,) = some(1)
    ask(chosen)
    one.fails = GatewayError("http://gpu0: answers 404")
    ask(chosen)
    assert one.closed == 1
    one.fails = None
    clock(FIRST_PAUSE + 1)
    ask(chosen)
    assert one.statuses == 2  # it was recognised anew


def test_a_server_that_no_longer_speaks_as_it_did(some, clock) -> None:
    chosen, (one, _) = some()
    ask(chosen)
    one.status = lambda *_: None
    clock(STATUS_HOLDS)
    assert not ask(chosen).errors
    assert "no longer answers as before" in chosen.all[0].problem


def test_getting_to_know_them_never_raises(some) -> None:
    chosen, (one, two) = some()
    one.is_away = True
    chosen.prepare()
    assert chosen.all[0].problem == "http://gpu0: is away"
    assert two.statuses == 1
    chosen.close()
    chosen.close()
    assert two.closed == 1


OURS = {"version": "1.2", "models": ["yolo", "face"], "busy": 0.5}
PYZM = {"models": [{"name": "yolo", "type": "object", "framework": "opencv"}]}


@pytest.fixture
def met(server, configured, soon):
    known = []

    def meet(path: str = "", **remote):
        settings = configured(f"{server.url}{path}", **remote)
        known.append(recognise(settings, f"{server.url}{path}", soon))
        return known[-1]

    yield meet
    for one in known:
        one.endpoint.close()


def test_zmhook(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words(OURS))
    one = met()
    assert isinstance(one.dialect, ZmhookClient)
    assert one.status == ("zmhook 1.2", ["yolo", "face"], 0.5)
    assert len(server.got) == 1


def test_zmhook_behind_its_login(server, words, met, login) -> None:
    server.on("GET", "/zmhook/v1/status", words(OURS))
    server.wants_login("/zmhook/v1/status")
    assert met(**login).status.speaks == "zmhook 1.2"
    assert met(**login).status.speaks == "zmhook 1.2"
    paths = [got.path.rpartition("/")[2] for got in server.got]
    assert paths == ["status", "login", "status", "status"]


def test_zmhook_without_a_user(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words({"detail": "log in first"}, 401))
    with pytest.raises(GatewayError, match="asks for a login: set"):
        met()


def test_pyzm_serve(server, words, met) -> None:
    server.on("GET", "/models", words(PYZM))
    one = met()
    assert isinstance(one.dialect, PyzmClient)
    assert one.status == ("pyzm.serve", ["yolo"], None)


def test_pyzm_serve_at_an_address_of_an_older_file(server, words, met) -> None:
    server.on("GET", "/models", words(PYZM))
    one = met("/api/v1")
    assert isinstance(one.dialect, PyzmClient)
    assert one.endpoint.address == server.url


@pytest.mark.parametrize("path", ["", "/api/v1"])
@pytest.mark.parametrize("said", [b"ok", b'"ok"\n'])
def test_mlapi_with_its_path_or_without(server, met, path: str, said: bytes) -> None:
    server.on("GET", "/api/v1/health", (200, {}, said))
    one = met(path)
    assert isinstance(one.dialect, MlapiClient)
    assert one.status == ("mlapi", None, None)
    assert one.endpoint.address == f"{server.url}/api/v1"


@pytest.mark.parametrize(
    "said", [b"<html><title>Router</title>", b"ok then", b"{}", b'{"models": 5}', b'{"version": 1}']
)
def test_something_else(server, met, said: bytes) -> None:
    for path in ("/zmhook/v1/status", "/models", "/health", "/api/v1/models"):
        server.on("GET", path, (200, {}, said))
    with pytest.raises(GatewayError, match=r"neither as zmhook nor as pyzm\.serve or mlapi do"):
        met()


def test_a_server_in_trouble_is_not_taken_for_another_kind(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words({"detail": "no disk"}, 500))
    with pytest.raises(GatewayError, match="answers 500: no disk"):
        met()
    assert len(server.got) == 1


def test_a_redirect_says_where_to(server, met) -> None:
    server.on("GET", "/zmhook/v1/status", (301, {"Location": "https://gpu/"}, b""))
    with pytest.raises(GatewayError, match="redirects to https://gpu/"):
        met()
