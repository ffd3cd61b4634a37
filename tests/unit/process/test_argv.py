"""Secrets in a process's arguments."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zmhook.process import argv

CODE = """
import subprocess, sys
from pathlib import Path
from zmhook.process.argv import conceal
print(conceal(sys.argv[-1:]))
print(*Path("/proc/self/cmdline").read_text().split("\\0")[3:-1], sep="\\n")
print(sys.argv[-1])
"""


def test_they_are_not_in_the_list_of_processes() -> None:
    given = ["-p", "s3cret wörd", "-ps3cret wörd", "--mqtt_password=s3cret wörd", "s3cret wörd"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *given], capture_output=True, text=True, check=True, timeout=30
    )
    works, *shown, kept = done.stdout.splitlines()
    hidden = "x" * len("s3cret wörd".encode())
    assert works == "True"
    assert shown == ["-p", hidden, f"-p{hidden}", f"--mqtt_password={hidden}", hidden]
    assert kept == "s3cret wörd"  # Python has its own


@pytest.mark.parametrize(
    ("argument", "hidden"),
    [
        (b"abc", b"xxx"),
        (b"-pabc", b"-pxxx"),
        (b"mqtt.mqtt_password=abc", b"mqtt.mqtt_password=xxx"),
        (b"/some/abc", b"/some/abc"),
        (b"abcd", b"abcd"),
    ],
)
def test_what_is_taken_for_a_secret(argument: bytes, hidden: bytes) -> None:
    shown = b"python\0" + argument + b"\0"
    assert argv._hidden(shown, [b"abc"]) == b"python\0" + hidden + b"\0"


def test_nothing_to_hide_is_fine() -> None:
    assert argv.conceal(["", ""])


def test_a_system_that_does_not_let_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(argv, "_overwrite", refuse)
    assert not argv.conceal(["secret"])
