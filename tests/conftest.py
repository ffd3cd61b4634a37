"""Fixtures for every tier: where the weights and photos are, and settings made in a line."""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """What a test has the package set for its whole process does not reach the next test."""
    environment, umask = dict(os.environ), os.umask(0o077)
    os.umask(umask)
    yield
    os.umask(umask)
    if masking := sys.modules.get("zmhook.text.redact"):
        masking.know(list)
    if os.environ != environment:
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def assets() -> Path:
    """Networks and photographs that are not part of the project: the test is skipped without."""
    named = os.environ.get("ZMHOOK_TEST_ASSETS")
    folders = [Path(named)] if named else [ROOT / "assets", ROOT.parent / "shared"]
    for folder in folders:
        if (folder / "models").is_dir():
            return folder
    pytest.skip(f"no networks and photographs in {folders[0]} (make assets)")


@pytest.fixture(scope="session")
def photo(assets: Path) -> Callable[[str], Path]:
    return lambda name: _asset(assets / "photos" / name)


@pytest.fixture(scope="session")
def model(assets: Path) -> Callable[[str], Path]:
    return lambda name: _asset(assets / "models" / name)


def _asset(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"no {path.name} among the networks and photographs")
    return path


class Program(NamedTuple):
    """A Python that every account may run, and the variables by which it has our packages."""

    python: str
    env: dict[str, str]


@pytest.fixture(scope="session")
def program() -> Program:
    """What root runs that becomes another account: ours may lie in a folder of root's alone."""
    if os.geteuid() != 0:
        pytest.skip("optional: only root can become another account")
    packages = [str(ROOT / "hook"), *(path for path in sys.path if path.endswith("-packages"))]
    env = {"PYTHONPATH": os.pathsep.join(packages)}
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(
                [python, "-c", "import cv2, msgspec, zmhook"],
                env=env, cwd="/", check=True, user=12345, group=12345, extra_groups=[],
            )  # fmt: skip
            return Program(python, env)
    pytest.skip(f"other accounts than this may not read {ROOT}, or have no Python for it")


@pytest.fixture(scope="session")
def fake_gemini_module() -> ModuleType:
    """tools/fake_gemini.py, which answers as Gemini and as OpenAI-compatible servers do."""
    place = ROOT / "tools" / "fake_gemini.py"
    spec = importlib.util.spec_from_file_location("fake_gemini", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake_gemini(fake_gemini_module: ModuleType) -> Iterator[Any]:
    """A server that answers as Gemini does; `fake_gemini.will("ok")` says how."""
    with fake_gemini_module.FakeGemini.running() as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_plates_module() -> ModuleType:
    """tools/fake_plates.py, which answers as Plate Recognizer and OpenALPR do."""
    place = ROOT / "tools" / "fake_plates.py"
    spec = importlib.util.spec_from_file_location("fake_plates", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake_plates(fake_plates_module: ModuleType) -> Iterator[Any]:
    """A server that answers as services do that read plates; `will("429")` says how."""
    with fake_plates_module.FakePlates.running() as fake:
        yield fake


class Posted(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Endpoint:
    """A web server on this machine that keeps what it is sent.

    `answers` are given in their turn, each `(status, headers, body)`; when none is left: 204.
    """

    def __init__(self) -> None:
        self.got: list[Posted] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                posted = Posted(self.command, self.path, dict(self.headers), body)
                endpoint.got.append(posted)
                status, headers, data = endpoint.answer(posted)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names that http.server asks for

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.place}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, posted: Posted) -> tuple[int, dict[str, str], bytes]:
        del posted
        return self.answers.pop(0) if self.answers else (204, {}, b"")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture(scope="session")
def endpoint_type() -> type[Endpoint]:
    """For servers that answer in their own way."""
    return Endpoint


SKIP_REASONS = 12
"""How many reasons the summary of skipped tests lists."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the reasons of skipped tests, the most frequent first."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(skip_reason(report) for report in skipped).most_common()
    if reasons:
        terminalreporter.section("skipped tests by reason")
    for reason, count in reasons[:SKIP_REASONS]:
        terminalreporter.line(f"{count:5}  {reason}")
    if rest := sum(count for _, count in reasons[SKIP_REASONS:]):
        terminalreporter.line(f"{rest:5}  other reasons: ARGS=-rs lists each")


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


OPEN_FILES = 4096
"""Some tests open more files than the 1024 that users often have."""


def pytest_configure() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, min(OPEN_FILES, most)), most))


OPTIONAL = "optional:"


def pytest_report_header() -> str | None:
    return "a skipped test fails, unless its reason begins with 'optional:'" if no_skips() else None


def no_skips() -> bool:
    """Whether nothing may be missing here: then a skip is a part that was not tested."""
    return os.environ.get("ZMHOOK_NO_SKIPS", "") not in ("", "0")


def fail_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that tells the skip's reason."""
    if not (no_skips() and report.outcome == "skipped") or hasattr(report, "wasxfail"):
        return
    reason = skip_reason(report)
    if not reason.startswith(OPTIONAL):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be missing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_skip(report)
    return report
