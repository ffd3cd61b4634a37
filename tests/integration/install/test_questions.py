"""install.sh on a terminal: what it asks, and what it does with the answers."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def answered(checkout: Path, login, tmp_path: Path) -> Callable[[str], str]:
    """Run it on a terminal of its own, type the answers, and return what was shown."""

    def run(answers: str) -> str:
        pid, terminal = pty.fork()
        if pid == 0:
            command = ["install.sh", "--prefix", str(tmp_path)]
            os.execvpe(str(checkout / "install.sh"), command, login())
        os.write(terminal, answers.encode())
        shown = b""
        while True:
            try:
                block = os.read(terminal, 4096)
            except OSError:  # the terminal is closed: it has ended
                break
            if not block:
                break
            shown += block
        os.close(terminal)
        os.waitpid(pid, 0)
        return shown.decode()

    return run


def test_it_asks_and_no_is_no(answered, tmp_path: Path, user: str):
    shown = answered(f"alpr; mqtt -face\n{user}\nn\nno\n")
    assert "* yolo       objects: .onnx networks (YOLO)" in shown
    assert "  alpr       number plates, read on this machine (95 MB)" in shown
    assert "Which user runs the hooks" in shown
    assert "parts:     zoneminder yolo cli alpr mqtt" in shown
    assert "models:    none are downloaded now" in shown
    assert re.search(r"space:     about \d+ MB more, of \d+ MB that are free", shown)
    assert "Nothing was changed." in shown
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_answer_is_asked_again(answered, tmp_path: Path, user: str):
    answers = f"telepathy\n\nno-such-user\n{user}\nperhaps\nY\nN\n"
    shown = answered(answers)
    assert "unknown part 'telepathy'; available: zoneminder yolo" in shown
    assert "there is no user no-such-user" in shown
    assert "Please answer yes or no." in shown
    assert "parts:     zoneminder yolo face cli" in shown
    assert "models:    those that the configuration uses" in shown
    assert "Nothing was changed." in shown
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_ask_for_ever(answered, tmp_path: Path):
    shown = answered("a\nb\nc\n")
    assert "no answer that can be used, after 3 tries" in shown
    assert list(tmp_path.iterdir()) == []
