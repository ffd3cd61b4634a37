"""Checks run at once; whatever one of them does, the others are heard."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

from zmhook.doctor.finding import Check, Finding, ok
from zmhook.doctor.runner import run
from zmhook.errors import Problem, SettingsError, ZmhookError
from zmhook.settings import General, Secret, Settings


def check(name: str, *findings: Finding, error: Exception | None = None) -> Check:
    def go() -> Iterator[Finding]:
        yield from findings
        if error:
            raise error

    return Check("group", name, go)


def test_findings_keep_their_order_and_get_their_group():
    checks = [check("a", ok("a", "1"), ok("a", "2")), check("b", ok("b", "3"))]
    found = [*run(checks, [])]
    assert [each.text for each in found] == ["1", "2", "3"]
    assert {each.group for each in found} == {"group"}


def test_they_run_at_once():
    barrier = threading.Barrier(2, timeout=20)

    def go() -> Iterator[Finding]:
        barrier.wait()
        yield ok("a", "met")

    assert [each.text for each in run([Check("g", "a", go)] * 2, [])] == ["met", "met"]


def test_an_error_is_a_finding_after_what_was_found():
    errors = [
        ZmhookError("it broke"),
        SettingsError([Problem("o.ini", "yolo", "x", "unknown key")]),
        RuntimeError("a bug"),
    ]
    for error, text in zip(
        errors, ["it broke", "o.ini: [yolo] x: unknown key", "bug"], strict=True
    ):
        first, second = run([check("a", ok("a", "fine"), error=error)], [])
        assert first.state == "ok"
        assert second.state == "fault"
        assert text in second.text


def test_what_hangs_is_given_up_and_what_it_found_counts():
    never = threading.Event()

    def hangs() -> Iterator[Finding]:
        yield ok("a", "so far")
        never.wait()

    found = [*run([Check("g", "a", hangs), check("b", ok("b", "done"))], [], seconds=0.2)]
    never.set()
    assert [each.text for each in found][0::2] == ["so far", "done"]
    assert "took more than 0.2 s" in found[1].text


def test_no_secret_is_shown():
    settings = Settings(general=General(password=Secret("hunter22hunter")))
    found = ok("a", "the password hunter22hunter is wrong")
    (shown,) = run([check("a", found, error=None)], [settings])
    assert "hunter22" not in shown.text
    long = check("a", ok("a", "x" * 495 + "hunter22hunter"))
    (shown,) = run([long], [settings])
    assert "hunt" not in shown.text


def test_a_check_that_ends_its_thread_is_a_fault() -> None:
    def leaves() -> Iterator[Finding]:
        sys.exit("bye")
        yield ok("a", "")

    (finding,) = run([Check("g", "a", leaves)], [])
    assert finding.state == "fault"
    assert "SystemExit" in finding.text
