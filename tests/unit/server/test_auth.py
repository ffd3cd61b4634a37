"""One user, a password, tokens that end, and a limit on guessing."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from zmhook.server import auth
from zmhook.server.auth import (
    Access,
    FailedLogins,
    IssuedTokens,
    NoPasswordError,
    Users,
    stored_password,
)
from zmhook.settings import General, Service, Settings
from zmhook.settings.section import Secret


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(auth, "time", clock)
    return clock


def settings(folder: Path, password: str = "") -> Settings:
    return Settings(
        general=General(base_data_path=str(folder)),
        service=Service(listen_password=Secret(password)),
    )


def test_a_token_holds_until_it_ends(clock: Clock) -> None:
    tokens = IssuedTokens()
    token = tokens.issue()

    assert tokens.is_valid(token)
    clock.now += auth.TOKEN_SECONDS - 1
    assert tokens.is_valid(token)
    clock.now += 1
    assert not tokens.is_valid(token)


@pytest.mark.parametrize("token", ["", "x", "é" * 50, "\ud800"])
def test_what_was_never_given_holds_nothing(token: str) -> None:
    tokens = IssuedTokens()
    tokens.issue()

    assert not tokens.is_valid(token)


def test_tokens_differ_and_are_long() -> None:
    tokens = IssuedTokens()
    given = {tokens.issue() for _ in range(100)}

    assert len(given) == 100
    assert min(map(len, given)) >= 43


def test_there_are_so_many_tokens_and_the_oldest_goes() -> None:
    tokens = IssuedTokens(most=3)
    given = [tokens.issue() for _ in range(5)]

    assert [tokens.is_valid(one) for one in given] == [False, False, True, True, True]
    assert len(tokens) == 3


def test_ended_tokens_are_forgotten(clock: Clock) -> None:
    tokens = IssuedTokens(seconds=10)
    for _ in range(5):
        tokens.issue()
    clock.now += 11
    tokens.issue()

    assert len(tokens) == 1


def test_the_right_user_and_password() -> None:
    users = Users("zmhook", "sécret")

    token = users.log_in("zmhook", "sécret", "10.0.0.1")

    assert token
    assert users.tokens.is_valid(token)


@pytest.mark.parametrize(
    ("user", "password"),
    [("zmhook", ""), ("zmhook", "secret "), ("", ""), ("root", "secret"), ("zmhook", "\ud800")],
)
def test_a_wrong_one(user: str, password: str, caplog: pytest.LogCaptureFixture) -> None:
    users = Users("zmhook", "secret")

    assert users.log_in(user, password, "10.0.0.1") is None
    assert len(users.tokens) == 0
    assert "10.0.0.1" in caplog.text
    assert password not in caplog.text or not password


def test_both_are_compared_whatever_comes_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(auth.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or a == b)

    Users("zmhook", "secret").log_in("nobody", "x" * 1000, "10.0.0.1")

    assert len(compared) == 2
    assert {len(one) for pair in compared for one in pair} == {32}


def test_five_wrong_from_one_address_and_it_must_wait(clock: Clock) -> None:
    failures = FailedLogins()
    for _ in range(auth.EACH):
        assert failures.wait("10.0.0.1") == 0
        failures.add_failure("10.0.0.1")

    assert failures.wait("10.0.0.1") == auth.WINDOW
    assert failures.wait("10.0.0.2") == 0
    clock.now += auth.WINDOW
    assert failures.wait("10.0.0.1") == 0


def test_a_success_wipes_them_out(clock: Clock) -> None:
    failures = FailedLogins()
    for _ in range(auth.EACH):
        failures.add_failure("10.0.0.1")
    failures.add_success("10.0.0.1")

    assert failures.wait("10.0.0.1") == 0


def test_many_addresses_together_must_wait_but_not_those_who_have_been_in(clock: Clock) -> None:
    failures = FailedLogins()
    failures.add_success("192.168.1.5")
    for number in range(auth.ALL):
        failures.add_failure(f"10.0.0.{number}")

    assert failures.wait("10.9.9.9") == auth.WINDOW
    assert failures.wait("192.168.1.5") == 0
    clock.now += auth.WINDOW
    assert failures.wait("10.9.9.9") == 0


def test_one_who_has_been_in_may_not_guess_either(clock: Clock) -> None:
    failures = FailedLogins()
    failures.add_success("192.168.1.5")
    for _ in range(auth.EACH):
        failures.add_failure("192.168.1.5")

    assert failures.wait("192.168.1.5") == auth.WINDOW


def test_addresses_of_one_network_of_ipv6_count_together(clock: Clock) -> None:
    failures = FailedLogins()
    for number in range(auth.EACH):
        failures.add_failure(f"2001:db8::{number}")

    assert failures.wait("2001:db8::ffff") > 0
    assert failures.wait("2001:db8:0:1::1") == 0


@pytest.mark.parametrize("address", ["::ffff:10.0.0.1", "10.0.0.1", "fe80::1%eth0", "?"])
def test_every_address_can_be_counted(address: str) -> None:
    failures = FailedLogins()
    for _ in range(auth.EACH):
        failures.add_failure(address)

    assert failures.wait(address) > 0


def test_the_table_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MOST_ADDRESSES", 10)
    failures = FailedLogins()
    for number in range(100):
        failures.add_failure(f"10.0.1.{number}")
        failures.add_success(f"10.0.2.{number}")

    assert len(failures._each) <= 10
    assert len(failures._proven) == 10
    assert len(failures._all) <= auth.ALL


def test_a_password_is_made_once_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = stored_password(settings(tmp_path))
    path = tmp_path / "cache" / "listen_password"

    assert len(made) >= 20
    assert path.read_text() == f"{made}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in caplog.text
    assert made not in caplog.text
    assert stored_password(settings(tmp_path)) == made


def test_an_empty_file_is_no_password(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "listen_password"
    path.parent.mkdir()
    path.write_text("\n")

    assert len(stored_password(settings(tmp_path))) >= 20


def test_one_that_others_may_read_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cache" / "listen_password"
    path.parent.mkdir()
    path.write_text("known\n")
    path.chmod(0o644)

    assert stored_password(settings(tmp_path)) == "known"
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize("content", [b"\xff\xfe\n", None])
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "cache" / "listen_password"
    path.parent.mkdir()
    path.write_bytes(content) if content else path.mkdir()

    with pytest.raises(NoPasswordError, match=r"listen_password: no password.*\[service\]"):
        stored_password(settings(tmp_path))


def test_the_setting_comes_first(tmp_path: Path) -> None:
    users = Users.of(settings(tmp_path, "given"))

    assert users.log_in("zmhook", "given", "a")
    assert not (tmp_path / "cache").exists()


def test_nothing_shows_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    users = Users("zmhook", "s3cret-word")
    users.log_in("zmhook", "s3cret-word", "a")

    assert "s3cret-word" not in caplog.text + repr(users) + repr(vars(users))


# -- changes -------------------------------------------------------------------------------------


class Changing:
    """Settings that change, and how often all had to log in again."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.folder = folder
        self.settings = settings(folder, password)
        self.ended = 0
        self.access = Access(lambda: self.settings, self._end)

    def _end(self) -> None:
        self.ended += 1

    def log_in(self, password: str, user: str = "zmhook") -> str | None:
        users = self.access.users
        assert users
        return users.log_in(user, password, "10.0.0.1")

    def holds(self, token: str | None) -> bool:
        users = self.access.users
        return bool(users and token and users.tokens.is_valid(token))


def test_another_password_ends_all_tokens(tmp_path: Path) -> None:
    place = Changing(tmp_path, "old")
    token = place.log_in("old")
    assert place.holds(token)
    place.settings = settings(tmp_path, "new")
    assert not place.holds(token)
    assert place.ended == 1
    assert place.log_in("old") is None
    assert place.holds(place.log_in("new"))
    assert place.ended == 1


def test_another_user_ends_all_tokens(tmp_path: Path) -> None:
    place = Changing(tmp_path, "old")
    token = place.log_in("old")
    place.settings = Settings(
        general=place.settings.general,
        service=Service(listen_user="hooks", listen_password=Secret("old")),
    )
    assert not place.holds(token)
    assert place.log_in("old") is None
    assert place.log_in("old", "hooks")


def test_what_has_nothing_to_do_with_it_ends_none(tmp_path: Path) -> None:
    place = Changing(tmp_path, "old")
    token = place.log_in("old")
    place.settings = Settings(
        general=place.settings.general,
        service=Service(listen_faces=True, listen_password=Secret("old")),
    )
    assert place.holds(token)
    assert place.ended == 0


def test_the_file_may_be_written_anew(tmp_path: Path) -> None:
    place = Changing(tmp_path)
    assert place.access.users
    file = tmp_path / "cache" / "listen_password"
    token = place.log_in(file.read_text().strip())
    assert place.holds(token)
    file.write_text(file.read_text())  # the same again
    assert place.holds(token)
    file.write_text("another\n")
    assert not place.holds(token)
    assert place.log_in("another")
    file.unlink()  # one is made
    assert place.log_in("another") is None
    assert place.log_in(file.read_text().strip())
    assert place.ended == 2


def test_without_a_password_nobody_is_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = Changing(tmp_path, "old")
    token = place.log_in("old")
    (tmp_path / "cache").mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "cache" / "listen_password")
    place.settings = settings(tmp_path)
    assert not place.holds(token)
    assert place.access.users is None
    assert "no password to log in with" in place.access.problem
    assert caplog.text.count("health and metrics only") == 1
    place.settings = settings(tmp_path, "new")
    assert place.log_in("new")
    assert place.access.problem == ""


def test_a_change_gives_nobody_further_guesses(tmp_path: Path) -> None:
    place = Changing(tmp_path, "old")
    for _ in range(auth.EACH):
        place.log_in("wrong")
    place.settings = settings(tmp_path, "new")
    assert place.access.users
    assert place.access.users.failures.wait("10.0.0.1") > 0
