"""Who may have what."""

from __future__ import annotations

import pytest

from zmhook.server import auth
from zmhook.server.router import NO_PASSWORD

PROTECTED = [
    ("POST", "/infer"),
    ("GET", "/models"),
    ("POST", "/detect/object"),
    ("POST", "/api/v1/detect/object"),
    ("POST", "/zmhook/v1/infer"),
    ("GET", "/zmhook/v1/status"),
    ("GET", "/api/v1/zmhook/v1/status"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000])
def test_what_needs_a_login(listening, method: str, path: str, token: str) -> None:
    async def scene(place) -> None:
        said = await place.ask(method, path, b"", token=token)
        assert said.status == 401
        assert said.headers["www-authenticate"] == "Bearer"
        assert place.workers.asked == []

    listening(scene)


@pytest.mark.parametrize("value", ["Basic em1ob29rOnBhc3M=", "Bearer", "Bearer ", "bearer x", ""])
def test_other_ways_in_are_none(listening, value: str) -> None:
    async def scene(place) -> None:
        said = await place.ask("GET", "/models", token="", Authorization=value)
        assert said.status == 401

    listening(scene)


def test_a_token_that_has_ended(listening, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(place) -> None:
        assert (await place.ask("GET", "/models")).status == 200
        place.users.tokens._ends.update(dict.fromkeys(place.users.tokens._ends, 0.0))
        said = await place.ask("GET", "/models")
        assert said.status == 401
        assert "log in again" in said.json["detail"]

    listening(scene)


@pytest.mark.parametrize("path", ["/login", "/api/v1/login"])
def test_to_log_in(listening, path: str) -> None:
    async def scene(place) -> None:
        said = await place.post_json(path, {"username": "zmhook", "password": "pass"}, token="")
        assert said.status == 200
        assert said.json["expires"] == auth.TOKEN_SECONDS
        token = said.json["access_token"]
        assert (await place.ask("GET", "/models", token=token)).status == 200

    listening(scene)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"username": "zmhook", "password": "wrong"}, 401),
        ({"username": "zmhook"}, 400),
        ({"username": "zmhook", "password": None}, 400),
        ({"username": ["zmhook"], "password": "pass"}, 400),
        ([], 400),
        ("zmhook", 400),
    ],
)
def test_to_log_in_wrongly(listening, said: object, status: int) -> None:
    async def scene(place) -> None:
        for path, name in (("/login", "detail"), ("/api/v1/login", "msg")):
            answer = await place.post_json(path, said, token="")
            assert answer.status == status
            assert set(answer.json) == {name}

    listening(scene)


def test_guessing_is_slow(listening) -> None:
    async def scene(place) -> None:
        for _ in range(auth.EACH):
            said = await place.post_json("/login", {"username": "zmhook", "password": "x"})
            assert said.status == 401
        said = await place.post_json("/login", {"username": "zmhook", "password": "pass"})
        assert said.status == 429
        assert 0 < int(said.headers["retry-after"]) <= auth.WINDOW
        assert (await place.ask("GET", "/models")).status == 200  # who is in stays in

    listening(scene)


def test_guesses_that_come_at_once_count_as_well(listening) -> None:
    async def scene(place) -> None:
        import asyncio

        talks = [await place.open() for _ in range(20)]
        body = b'{"username": "zmhook", "password": "x"}'
        for talk in talks:
            await talk.say(
                b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
        await asyncio.sleep(0.05)
        for talk in talks:
            await talk.say(body)
        found = [(await talk.heard()).status for talk in talks]
        assert sorted(found) == [401] * auth.EACH + [429] * (20 - auth.EACH)
        for talk in talks:
            talk.close()

    listening(scene)


def test_a_login_is_short(listening) -> None:
    async def scene(place) -> None:
        assert (await place.ask("POST", "/login", b"x" * 5000, token="")).status == 413

    listening(scene)


def test_nothing_takes_a_body_where_there_is_nothing(listening) -> None:
    async def scene(place) -> None:
        assert (await place.ask("POST", "/zmhook/v0/infer", b"x" * 5000, token="")).status == 404

    listening(scene)


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/metrics", "/nonsense", "/decide"]
)
def test_the_rest_is_what_it_was(listening, path: str) -> None:
    async def scene(place) -> None:
        said = await place.ask("GET", path, token="")
        assert said.status == (200 if path.startswith("/health/") else 404)
        assert place.public == [f"GET {path}"]

    listening(scene)


@pytest.mark.parametrize("path", ["/decide", "/stop", "/nonsense"])
def test_a_body_where_none_belongs(listening, path: str) -> None:
    async def scene(place) -> None:
        assert (await place.ask("POST", path, b"x" * 10)).status == 404
        assert place.public == []

    listening(scene)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/infer", "POST"), ("POST", "/models", "GET, HEAD"), ("DELETE", "/login", "POST")],
)
def test_another_method(listening, method: str, path: str, allowed: str) -> None:
    async def scene(place) -> None:
        said = await place.ask(method, path)
        assert (said.status, said.headers["allow"]) == (405, allowed)

    listening(scene)


def test_the_ways_of_being_well(listening) -> None:
    async def scene(place) -> None:
        assert (await place.ask("GET", "/health", token="")).json == {
            "status": "ok",
            "models_loaded": True,
        }
        assert (await place.ask("GET", "/api/v1/health", token="")).body == b"ok"
        place.workers.pool.slots[0].models = []
        place.workers.ready = False
        assert (await place.ask("GET", "/health", token="")).json["models_loaded"] is False

    listening(scene)


def test_without_a_password_nobody_gets_in(listening) -> None:
    async def scene(place) -> None:
        said = await place.post_json("/login", {"username": "zmhook", "password": ""})
        assert (said.status, said.json["detail"]) == (503, NO_PASSWORD)
        assert (await place.ask("GET", "/models")).json["detail"] == NO_PASSWORD
        assert (await place.ask("GET", "/health")).status == 200

    listening(scene, users=False)
