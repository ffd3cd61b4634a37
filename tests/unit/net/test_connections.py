"""Who is connected, and who has to go."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from zmhook.net import connections
from zmhook.net.connections import (
    ClientConnection,
    ConnectionLimits,
    ConnectionTable,
    is_proxy,
    network_of,
    original_client,
)


class Guests:
    """Connections, and the other ends of them."""

    def __init__(self, *limits: object) -> None:
        self.connections = ConnectionTable(lambda: ConnectionLimits(*limits))
        self.sockets: list[socket.socket] = []

    def come(self, address: str) -> ClientConnection | None:
        ours, theirs = socket.socketpair()
        self.sockets += [ours, theirs]
        return self.connections.add(ours, address)

    def close(self) -> None:
        for connection in self.connections:
            connection.leave()
        for one in self.sockets:
            one.close()


@pytest.fixture
def play(soon) -> Iterator[object]:
    def run(scene, *limits: object) -> None:
        async def inner() -> None:
            guests = Guests(*limits)
            try:
                scene(guests)
            finally:
                guests.close()

        soon(inner)

    return run


def test_the_oldest_stranger_of_an_address_makes_room_for_its_next(play) -> None:
    def scene(guests: Guests) -> None:
        other = guests.come("10.0.0.2")
        first, second = guests.come("10.0.0.1"), guests.come("10.0.0.1")
        third = guests.come("10.0.0.1")
        assert [one.has_ended for one in (other, first, second, third)] == [0, 1, 0, 0]
        assert len(guests.connections) == 3
        assert guests.connections.evicted == 1

    play(scene, 100, 2)


def test_whoever_has_most_makes_room_when_all_is_full(play) -> None:
    def scene(guests: Guests) -> None:
        others = [guests.come(f"10.0.1.{number}") for number in range(3)]
        many = [guests.come("10.0.0.1") for _ in range(7)]
        for number in range(5):
            assert guests.come(f"10.0.2.{number}")
        assert not any(one.has_ended for one in others)
        assert [one.has_ended for one in many] == [True] * 5 + [False] * 2

    play(scene, 10, 100)


def test_of_ipv6_a_network_counts_as_one(play) -> None:
    def scene(guests: Guests) -> None:
        first = guests.come("2001:db8::1")
        assert guests.come("2001:db8::2")
        assert first.has_ended
        assert guests.come("2001:db8:0:1::1")
        assert len(guests.connections) == 2

    play(scene, 100, 1)


def test_a_logged_in_one_stays_and_counts(play) -> None:
    def scene(guests: Guests) -> None:
        for _ in range(2):
            guests.come("10.0.0.1").trust()
        assert guests.come("10.0.0.1") is None
        assert guests.come("10.0.0.2")
        assert (len(guests.connections), guests.connections.refused) == (3, 1)

    play(scene, 100, 2)


def test_a_proxy_may_have_all(play) -> None:
    def scene(guests: Guests) -> None:
        for _ in range(10):
            guests.come("10.0.0.5").trust()
        assert len(guests.connections) == 10
        assert guests.come("10.0.0.5") is None

    play(scene, 10, 2, ("10.0.0.5",))


def test_the_limit_of_open_files_counts(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (16, 16))

    def scene(guests: Guests) -> None:
        for _ in range(20):
            guests.come("10.0.0.1")
        assert len(guests.connections) == 4

    play(scene)


def test_all_who_are_logged_in_can_be_hung_up_on(play) -> None:
    def scene(guests: Guests) -> None:
        stranger, one, two = (guests.come("10.0.0.1") for _ in range(3))
        one.trust()
        two.trust()
        guests.connections.end_trusted()
        assert [each.has_ended for each in (stranger, one, two)] == [False, True, True]
        assert guests.sockets[3].recv(1) == b""

    play(scene)


def test_nothing_is_counted_twice(play) -> None:
    def scene(guests: Guests) -> None:
        one = guests.come("10.0.0.1")
        one.trust()
        one.distrust()
        one.trust()
        one.end()
        one.end()
        one.trust()
        one.distrust()
        assert len(guests.connections) == 0
        assert not guests.connections._each
        assert not guests.connections.make_room()

    play(scene)


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_networks(address: str, whose: str) -> None:
    assert network_of(address) == whose


@pytest.mark.parametrize(
    ("forwarded", "proxies", "client"),
    [
        ("1.2.3.4", (), "10.0.0.5"),
        ("1.2.3.4", ("10.0.0.6",), "10.0.0.5"),
        ("1.2.3.4", ("10.0.0.5",), "1.2.3.4"),
        ("9.9.9.9, 1.2.3.4", ("10.0.0.5",), "1.2.3.4"),  # the first may be made up
        ("1.2.3.4, 10.0.0.9", ("10.0.0.0/24",), "1.2.3.4"),
        ("1.2.3.4, nonsense", ("10.0.0.5",), "10.0.0.5"),
        ("", ("10.0.0.5",), "10.0.0.5"),
        ("2001:db8::1", ("10.0.0.5",), "2001:db8::1"),
        ("x," * 100_000, ("10.0.0.5",), "10.0.0.5"),
    ],
)
def test_who_is_behind_a_proxy(forwarded: str, proxies: tuple[str, ...], client: str) -> None:
    assert original_client("10.0.0.5", forwarded, proxies) == client


def test_which_are_proxies() -> None:
    assert is_proxy("::ffff:10.0.0.5", ("10.0.0.0/24",))
    assert not is_proxy("10.0.1.5", ("10.0.0.0/24", "2001:db8::/32"))
    assert not is_proxy("nonsense", ("10.0.0.0/24",))
