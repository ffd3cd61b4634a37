"""Attacks and faults: what was tried, what survived and what was lost stands at the end of a run.

    def test_killed_workers(attack):
        for name in ...:
            with attack(f"a worker killed while it {name}"):  # an exception in here: lost
                ...
        attack.count("events under way", tried=100, survived=answered)  # fewer: lost

A test goes on after something was lost, and fails at its end. `long_run` says whether there is time
for everything (`make attack`), `several(short, long)` picks a count, `rng` is random with a fixed
seed. `web_user` is the account that the attacks are made as; tests with it need root.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import random
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

SERVICE_TESTS = Path(__file__).resolve().parents[1] / "integration" / "service"
TALLIES: pytest.StashKey[list[Tally]] = pytest.StashKey()


class Tally:
    """Counts what one test tried, and keeps what was lost."""

    def __init__(self, test: str) -> None:
        self.test = test
        self.tried = 0
        self.lost: list[str] = []

    @property
    def survived(self) -> int:
        return self.tried - len(self.lost)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Count one attempt; an exception within means that it was lost, and the test goes on."""
        self.tried += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is
            self.lost.append(f"{what}: {type(error).__name__}: {error}")

    def count(self, what: str, *, tried: int, survived: int) -> None:
        """Count many attempts at once."""
        self.tried += tried
        self.lost += [f"{what}: lost"] * (tried - survived)

    def check(self) -> None:
        """Fail the test when something was lost, or nothing was tried."""
        if self.lost:
            pytest.fail("\n".join([f"lost {len(self.lost)} of {self.tried}:", *self.lost]), False)
        assert self.tried, "nothing was tried"


@pytest.fixture
def attack(request: pytest.FixtureRequest) -> Tally:
    tally = Tally(request.node.nodeid.partition("tests/attack/")[2] or request.node.nodeid)
    request.config.stash.setdefault(TALLIES, []).append(tally)
    return tally


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None]:
    yield
    tally = item.funcargs.get("attack") if hasattr(item, "funcargs") else None
    if isinstance(tally, Tally):
        tally.check()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tallies = terminalreporter.config.stash.get(TALLIES, [])
    if not tallies:
        return
    terminalreporter.section("attacks: tried, survived, lost")
    for tally in tallies:
        figures = f"{tally.tried:6} {tally.survived:6} {len(tally.lost):6}"
        terminalreporter.write_line(f"{figures}  {tally.test}")
    tried, lost = sum(t.tried for t in tallies), sum(len(t.lost) for t in tallies)
    terminalreporter.write_line(f"{tried:6} {tried - lost:6} {lost:6}  in all")


# -- how much --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def long_run() -> bool:
    """Whether this is the long run, `ZMHOOK_ATTACK=long`."""
    return os.environ.get("ZMHOOK_ATTACK", "") == "long"


@pytest.fixture(scope="session")
def several(long_run: bool) -> Callable[[int, int], int]:
    return lambda short, long: long if long_run else short


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """The same numbers in each run of a test."""
    return random.Random(zlib.crc32(request.node.name.encode()))


# -- who -------------------------------------------------------------------------------------------


class Account(NamedTuple):
    """Whom a web server runs as."""

    uid: int
    gid: int

    def popen(self) -> dict[str, object]:
        """Arguments of `subprocess.run` and `Popen` for a process of this account's."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@pytest.fixture(scope="session")
def web_user() -> Account:
    """The account of a web server; what the tests do as root is attacked as this."""
    if os.geteuid() != 0:
        pytest.skip("it attacks root as another account: only root can set that up")
    try:
        found = pwd.getpwnam("www-data")
    except KeyError:
        return Account(33, 33)
    return Account(found.pw_uid, found.pw_gid)


# -- a running service -----------------------------------------------------------------------------


def _service_tests(name: str) -> ModuleType:
    """Return a module of the integration tests, whose helpers serve the attacks too."""
    spec = importlib.util.spec_from_file_location(f"service_tests_{name}", SERVICE_TESTS / name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A service of a test's own, as the integration tests have it.
_ours = _service_tests("conftest.py")
installed, site, shared, faulty = _ours.installed, _ours.site, _ours.shared, _ours.faulty
make_site = _ours.make_site


@pytest.fixture(scope="session")
def listen_tests() -> ModuleType:
    """The integration tests of the listener: their server, forms and headers."""
    return _service_tests("test_listen.py")
