from __future__ import annotations

import base64
import json
import logging
import stat
import time
from pathlib import Path

import pytest

from zmhook.net.tokens import ASSUMED_LIFE, FILE, FOLDER, MARGIN, MOST_TOKENS, TokenStore, expiry_of
from zmhook.storage import atomic

TOKEN = "token=very.secret.thing"


def tokens(folder: Path, portal: str = "http://a/zm/api", user: str = "admin") -> TokenStore:
    return TokenStore(str(folder), portal, user)


def later(seconds: float = 7200) -> float:
    return time.time() + seconds


def test_another_process_finds_it(tmp_path: Path) -> None:
    tokens(tmp_path).write(TOKEN, later())
    assert tokens(tmp_path).read() == TOKEN


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    for _ in range(2):
        tokens(tmp_path).write(TOKEN, later())
        assert stat.S_IMODE((tmp_path / FOLDER / FILE).stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == [FILE]


def test_a_link_in_its_place_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("{}")
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILE).symlink_to(target)
    tokens(tmp_path).write(TOKEN, later())
    assert target.read_text() == "{}"
    assert not (tmp_path / FOLDER / FILE).is_symlink()


def test_portals_and_users_do_not_mix(tmp_path: Path) -> None:
    tokens(tmp_path).write(TOKEN, later())
    tokens(tmp_path, user="viewer").write("token=viewers", later())
    assert tokens(tmp_path, portal="http://b/zm/api").read() is None
    assert tokens(tmp_path, user="viewer").read() == "token=viewers"
    assert tokens(tmp_path).read() == TOKEN


def test_no_login_needed_is_kept_too(tmp_path: Path) -> None:
    tokens(tmp_path).write("", later())
    assert tokens(tmp_path).read() == ""


def test_not_used_in_its_last_minutes(tmp_path: Path) -> None:
    tokens(tmp_path).write(TOKEN, later(MARGIN - 5))
    assert tokens(tmp_path).read() is None


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b'{"a": {"credentials": 3}}', b"\xff"])
def test_damaged_file_costs_a_login(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILE).write_bytes(data)
    assert tokens(tmp_path).read() is None
    tokens(tmp_path).write(TOKEN, later())
    assert tokens(tmp_path).read() == TOKEN


def test_does_not_grow_and_forgets_what_is_over(tmp_path: Path) -> None:
    tokens(tmp_path, user="gone").write("token=old", time.time() - 1)
    for i in range(MOST_TOKENS + 9):
        tokens(tmp_path, user=f"user{i}").write(f"token={i}", later())
    assert len(json.loads((tmp_path / FOLDER / FILE).read_bytes())) == MOST_TOKENS
    assert tokens(tmp_path, user=f"user{MOST_TOKENS + 8}").read() == f"token={MOST_TOKENS + 8}"
    assert "token=old" not in (tmp_path / FOLDER / FILE).read_text()


def test_folder_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens(tmp_path / "gone").write(TOKEN, later())
    assert tokens(tmp_path / "gone").read() is None
    assert "cannot be written (No such file or directory)" in caplog.text
    assert "secret" not in caplog.text


def test_disk_full_keeps_the_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens(tmp_path).write(TOKEN, later())

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write", refuse)
    tokens(tmp_path).write("token=newer", later())
    assert tokens(tmp_path).read() == TOKEN
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == [FILE]


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"token=e30.{body}.c2ln"


def test_a_token_says_when_it_ends() -> None:
    assert expiry_of(jwt({"exp": 1795256812})) == 1795256812


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "token=x",
        "token=a.b.c",
        jwt([]),
        jwt({"exp": None}),
        jwt({}),
        "auth=1.é.2",
        jwt({"exp": 10**400}),
        jwt({"exp": "1e999"}),
        jwt({"exp": "nan"}),
        jwt({"exp": -1}),
        jwt({"exp": 1e300}),
        jwt({"exp": {}}),
        "token=e30." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".x",
        "token=e30." + base64.urlsafe_b64encode(b'{"exp":' + b"9" * 5000 + b"}").decode() + ".x",
    ],
)
def test_one_that_does_not_say(credentials: str) -> None:
    assert expiry_of(credentials) == pytest.approx(time.time() + ASSUMED_LIFE, abs=5)
