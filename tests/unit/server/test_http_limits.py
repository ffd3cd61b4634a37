"""ConnectionTable stay open, and everything about them has a bound."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time

import pytest

from zmhook.net import connections, http_connection, http_server
from zmhook.net.connections import ConnectionLimits
from zmhook.net.http_connection import HttpError
from zmhook.net.http_server import UploadBudget
from zmhook.server import uploads

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def test_one_connection_many_requests(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        for _ in range(5):
            said = await talk.ask("GET", "/health")
            assert said.status == 200
            assert "connection" not in said.headers
        talk.close()

    listening(scene)


def test_requests_that_come_at_once_are_answered_in_turn(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        await talk.say(HEALTH * 3)
        assert [(await talk.heard()).status for _ in range(3)] == [200] * 3
        talk.close()

    listening(scene)


def test_what_is_said_ahead_waits_its_turn(listening) -> None:
    async def scene(place) -> None:
        place.workers.hold.clear()
        talk = await place.open()
        await talk.say(_infer(place.token) + HEALTH)
        await asyncio.sleep(0.05)
        place.workers.hold.set()
        assert b"dog" in (await talk.heard()).body
        assert (await talk.heard()).json["status"] == "ok"
        talk.close()

    listening(scene)


def _infer(token: str) -> bytes:
    boundary = "b"
    data = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\nobject\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nxyz\r\n'
        f"--{boundary}--\r\n"
    ).encode()
    return (
        f"POST /infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    ).encode() + data


def test_who_asks_for_the_end_gets_it(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        said = await talk.ask("GET", "/health", connection="close")
        assert said.headers["connection"] == "close"
        assert await talk.reader.read() == b""
        talk.close()

    listening(scene)


def test_a_connection_has_so_many_requests(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        assert "connection" not in (await talk.ask("GET", "/health")).headers
        assert (await talk.ask("GET", "/health")).headers["connection"] == "close"
        assert await talk.reader.read() == b""
        talk.close()

    listening(scene, most_requests=2)


def test_head_has_no_body_but_its_length(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        said = await talk.ask("HEAD", "/health")
        assert (said.status, said.body) == (200, b"")
        assert said.headers["content-length"] == "36"
        assert (await talk.ask("GET", "/health")).status == 200
        talk.close()

    listening(scene)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\0\1\2\r\n\r\n",
        b"\x16\x03\x01 a TLS hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /infer HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x" * 100_000,
    ],
)
def test_nonsense_is_refused(listening, nonsense: bytes) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        await talk.say(nonsense)
        said = await talk.heard()
        assert 400 <= said.status < 500
        assert said.json["detail"]
        assert await talk.reader.read() == b""
        talk.close()
        assert (await place.ask("GET", "/health")).status == 200

    listening(scene)


def test_who_says_nothing_is_hung_up_on(listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(http_connection, "IDLE_SECONDS", 0.2)

    async def scene(place) -> None:
        for said in (b"", b"GET / HT"):
            talk = await place.open()
            await talk.say(said)
            assert await _end(talk) == b""
        talk = await place.open()
        assert (await talk.ask("GET", "/health")).status == 200
        assert await _end(talk) == b""
        assert not len(place.connections)
        assert not place.connections._each

    listening(scene)


async def _end(talk) -> bytes:
    try:
        return await talk.reader.read()
    except ConnectionError:
        return b""
    finally:
        talk.close()
        await asyncio.sleep(0.01)


def test_a_body_that_stops_coming(listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "STALL_SECONDS", 0.1)

    async def scene(place) -> None:
        talk = await place.open()
        await talk.say(_infer(place.token)[:-20])
        said = await talk.heard()
        assert (said.status, said.json) == (408, {"detail": "nothing came for 0.1 s"})
        assert place.workers.asked == []
        assert place.budget.used == 0
        talk.close()

    listening(scene)


def test_a_body_that_trickles(listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "GRACE_SECONDS", 0.15)

    async def scene(place) -> None:
        talk = await place.open()
        data = _infer(place.token)
        end = data.index(b"\r\n\r\n") + 4
        await talk.say(data[:end])
        for i in range(end, len(data) - 1):
            if talk.reader._buffer:
                break
            await talk.say(data[i : i + 1])
            await asyncio.sleep(0.01)
        said = await talk.heard()
        assert (said.status, said.json) == (408, {"detail": "the request comes too slowly"})
        talk.close()

    listening(scene)


def test_a_gigabyte_is_refused_before_it_is_read(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        await talk.say(_head(1_000_000_000, place.token))
        said = await talk.heard()
        assert said.status == 413
        assert "at most 20000000 bytes" in said.json["detail"]
        assert said.headers["connection"] == "close"
        talk.close()

    listening(scene)


def test_one_that_does_not_say_its_length_is_refused_when_it_is_too_long(listening) -> None:
    async def scene(place) -> None:
        place.workers.set(listen_max_upload=0.1)
        talk = await place.open()
        chunked = _head(0, place.token).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        begin = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        await talk.say(chunked + b"%x\r\n%b\r\n" % (len(begin), begin))
        for _ in range(20):
            await talk.say(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        assert (await talk.heard()).status == 413
        talk.close()

    listening(scene)


def test_a_body_in_crumbs_is_refused(listening) -> None:
    """Each chunk costs as much as a large one."""

    async def scene(place) -> None:
        talk = await place.open()
        chunked = _head(0, place.token).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        begin = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        await talk.say(chunked + b"%x\r\n%b\r\n" % (len(begin), begin) + b"1\r\nx\r\n" * 5000)
        said = await talk.heard()
        assert said.status == 400
        assert said.json == {"detail": "the request comes in too small chunks"}
        talk.close()

    listening(scene)


def test_others_have_their_turn_while_a_body_is_read(
    listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow reading a piece is, and though all of it is there."""
    fed, turns = [], []
    feed = uploads.MultipartForm.feed

    def slowly(form: uploads.MultipartForm, data: bytes) -> None:
        feed(form, data)
        time.sleep(0.02)
        fed.append(len(turns))

    monkeypatch.setattr(uploads.MultipartForm, "feed", slowly)

    async def scene(place) -> None:
        async def turn() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        data = _infer(place.token)
        picture = b"x" * 2_000_000
        data = data.replace(b"xyz", picture)
        length = b"Content-Length: %d\r\n" % (len(data) - data.index(b"\r\n\r\n") - 4)
        data = re.sub(rb"Content-Length: \d+\r\n", length, data)
        talk = await place.open()
        other = asyncio.ensure_future(turn())
        await talk.say(data)
        assert (await talk.heard()).status == 200
        other.cancel()
        talk.close()
        assert len(fed) > 30
        assert len(set(fed)) == len(fed)

    listening(scene)


def test_who_is_still_writing_finds_the_answer(listening) -> None:
    """As `requests` and curl do: they read when they have written everything."""

    async def scene(place) -> None:
        talk = await place.open()
        size = 8_000_000
        await talk.say(_head(size, token="wrong"))
        for _ in range(8):
            await talk.say(b"x" * 1_000_000)
        said = await talk.heard()
        assert said.status == 401
        talk.close()

    listening(scene)


def _head(length: int, token: str, **headers: str) -> bytes:
    lines = [
        "POST /infer HTTP/1.1",
        "Host: x",
        f"Content-Length: {length}",
        f"Authorization: Bearer {token}",
        "Content-Type: multipart/form-data; boundary=b",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_who_asks_first_is_told_to_go_on_only_when_let_in(listening) -> None:
    async def scene(place) -> None:
        data = _infer(place.token).replace(b"Host: x", b"Host: x\r\nExpect: 100-continue")
        end = data.index(b"\r\n\r\n") + 4
        talk = await place.open()
        await talk.say(data[:end])
        assert (await talk.heard()).status == 100
        await talk.say(data[end:])
        assert b"dog" in (await talk.heard()).body
        talk.close()

        talk = await place.open()
        await talk.say(data[:end].replace(place.token.encode(), b"wrong"))
        assert (await talk.heard()).status == 401
        talk.close()

    listening(scene)


def test_who_leaves_is_dropped(listening, until) -> None:
    async def scene(place) -> None:
        place.workers.hold.clear()
        talk = await place.open()
        await talk.say(_infer(place.token))
        await until(lambda: place.workers.asked)
        talk.close()
        await until(lambda: place.workers.left)
        await until(lambda: not place.server._connections)
        assert place.budget.used == 0

    listening(scene)


@pytest.mark.parametrize("limits", [ConnectionLimits(most=3), ConnectionLimits(each=3)])
def test_silent_ones_make_room_for_others(listening, until, limits: ConnectionLimits) -> None:
    async def scene(place) -> None:
        place.limits = limits
        silent = [await place.open() for _ in range(3)]
        await until(lambda: len(place.connections) == 3)
        for number in range(3):
            assert (await place.ask("GET", "/health")).status == 200
            assert await _end(silent[number]) == b""
        assert place.connections.refused == 0

    listening(scene)


def test_who_is_trusted_makes_room_for_nobody(listening, until) -> None:
    async def scene(place) -> None:
        place.limits = ConnectionLimits(most=2)
        mine = [await place.open() for _ in range(2)]
        for talk in mine:
            assert (await talk.ask("GET", "/models", token=place.token)).status == 200
        for _ in range(20):
            assert await _end(await place.open()) == b""
        assert (place.connections.refused, place.connections.evicted) == (20, 0)
        for talk in mine:
            assert (await talk.ask("GET", "/models", token=place.token)).status == 200
            talk.close()
        await until(lambda: not len(place.connections))

    listening(scene)


def test_to_log_in_is_to_be_logged_in(listening, until) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        body = b'{"username": "zmhook", "password": "pass"}'
        assert (await talk.ask("POST", "/login", body)).status == 200
        await until(lambda: [one.is_trusted for one in place.connections] == [True])
        assert (await talk.ask("GET", "/models", token="made up")).status == 401
        assert [one.is_trusted for one in place.connections] == [False]
        talk.close()

    listening(scene)


def test_strangers_are_hung_up_on_whatever_they_do(
    listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that asks again and again for what is anybody's; who is logged in stays."""
    monkeypatch.setattr(connections, "UNTRUSTED_SECONDS", 0.3)

    async def scene(place) -> None:
        mine, silent, busy = [await place.open() for _ in range(3)]
        assert (await mine.ask("GET", "/models", token=place.token)).status == 200
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await busy.ask("GET", "/health")
                await asyncio.sleep(0.01)
        assert await _end(silent) == b""
        assert (await mine.ask("GET", "/models", token=place.token)).status == 200
        mine.close()
        busy.close()

    listening(scene)


def test_a_proxy_says_who_asks(listening) -> None:
    async def scene(place) -> None:
        for proxies, peer in (((), "127.0.0.1"), (("127.0.0.0/8",), "10.0.0.7")):
            place.limits = ConnectionLimits(proxies=proxies)
            kind = "multipart/form-data; boundary=b"
            head, _, body = _infer(place.token).partition(b"\r\n\r\n")
            del head
            said = await place.ask(
                "POST", "/infer", body, content_type=kind, x_forwarded_for="1.2.3.4, 10.0.0.7"
            )
            assert said.status == 200
            assert place.workers.asked[-1].client == peer

    listening(scene)


def test_what_nobody_takes_does_not_stay_for_ever(
    listening, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "WRITE_SECONDS", 0.2)

    async def scene(place) -> None:
        place.workers.detections["yolo"] = [place.workers.detections["yolo"][0]] * 200_000
        talk = await place.open()
        talk.writer.transport.pause_reading()
        await talk.say(_infer(place.token))
        await until(lambda: place.workers.asked)
        await until(lambda: not len(place.connections))
        talk.close()

    listening(scene)


def test_the_end_does_not_wait_for_idle_connections(listening) -> None:
    async def scene(place) -> None:
        talk = await place.open()
        await talk.ask("GET", "/health")
        await asyncio.sleep(0.02)
        before = asyncio.get_running_loop().time()
        await place.server.finish(5)
        assert asyncio.get_running_loop().time() - before < 2
        assert await _end(talk) == b""

    listening(scene)


def test_the_end_lets_answers_go_out(listening, until) -> None:
    async def scene(place) -> None:
        place.workers.hold.clear()
        talk = await place.open()
        await talk.say(_infer(place.token))
        await until(lambda: place.workers.asked)
        ending = asyncio.ensure_future(place.server.finish(5))
        await asyncio.sleep(0.02)
        place.workers.hold.set()
        said = await talk.heard()
        assert said.headers["connection"] == "close"
        await ending
        talk.close()

    listening(scene)


def test_a_bug_is_an_answer_too(listening, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(place) -> None:
        place.workers.error = KeyError("oops")
        talk = await place.open()
        await talk.say(_infer(place.token))
        said = await talk.heard()
        assert said.status == 500
        assert "report it" in said.json["detail"]
        talk.close()
        place.workers.error = None
        assert (await place.ask("GET", "/health")).status == 200

    listening(scene)
    assert "internal error" in caplog.text


def test_uploads_wait_for_room_and_then_give_up(soon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "BUDGET_SECONDS", 0.1)

    async def run() -> None:
        budget = UploadBudget(100)
        async with budget.reserve(60), budget.reserve(40):
            assert budget.used == 100
            with pytest.raises(HttpError, match="too many uploads") as refused:
                async with budget.reserve(1):
                    pass
            assert refused.value.status == 503
        assert budget.used == 0

    soon(run)


def test_room_that_comes_free_is_taken(soon) -> None:
    async def run() -> None:
        budget = UploadBudget(100)
        order = []

        async def take(size: int, name: str) -> None:
            async with budget.reserve(size):
                order.append(name)
                await asyncio.sleep(0.02)

        await asyncio.gather(take(80, "a"), take(80, "b"), take(500, "c"))
        assert sorted(order) == ["a", "b", "c"]
        assert budget.used == 0

    soon(run)


def test_an_upload_without_room_is_503_and_says_when(
    listening, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "BUDGET_SECONDS", 0.05)

    async def scene(place) -> None:
        place.workers.hold.clear()
        talk = await place.open()
        await talk.say(_infer(place.token))
        await until(lambda: place.workers.asked)
        other = await place.open()
        await other.say(_infer(place.token))
        said = await other.heard()
        assert (said.status, said.headers["retry-after"]) == (503, "1")
        place.workers.hold.set()
        assert (await talk.heard()).status == 200
        for one in (talk, other):
            one.close()

    listening(scene, most=200)
