"""What is said of an error that nobody expected."""

from __future__ import annotations

import errno
import logging
from importlib import import_module
from pathlib import Path

import cv2
import pytest

from zmhook.errors import FrameUnavailable
from zmhook.net.http_problem import HttpProblem, problem_of
from zmhook.text.unexpected import BUG, lacks_resources, logged, unexpected


def raised(code: str) -> Exception:
    try:
        exec(compile(f"def called():\n    {code}", "a.py", "exec"), names := {})
        names["called"]()
    except Exception as error:  # noqa: BLE001
        return error
    pytest.fail("nothing was raised")


def test_a_bug_is_to_be_reported():
    line = unexpected(raised("1 / 0"))
    assert line == "internal error, please report it (ZeroDivisionError: division by zero)"


@pytest.mark.parametrize("code", ["import no_such_package_at_all", "compile('(', 'a.py', 'exec')"])
def test_what_is_missing_or_half_there_is_repaired_by_the_installer(code: str):
    line = unexpected(raised(code))
    assert line.startswith("the installation is damaged (")
    assert line.endswith("); run install.sh again, which repairs it")


@pytest.mark.parametrize("text", ["x = 1\nx.y", "\0\0\0", "undefined", "int('')", "raise OSError"])
def test_whatever_fails_while_a_module_is_imported_is_damage(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "half_written.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Exception) as raises:
        import_module("half_written")
    assert unexpected(raises.value).startswith("the installation is damaged (")


@pytest.mark.parametrize("code", ["no_such_function()", "import json; json.no_such_thing"])
def test_a_module_whose_end_is_missing_is_damage(code: str):
    assert unexpected(raised(code)).startswith("the installation is damaged (")


def test_a_module_of_zeros_is_damage_wherever_it_is_imported(tmp_path: Path, monkeypatch):
    (tmp_path / "of_zeros.py").write_bytes(bytes(99))
    monkeypatch.syspath_prepend(tmp_path)
    assert unexpected(raised("import of_zeros")).startswith("the installation is damaged (")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "no memory is left for it (MemoryError)"),
        (OSError(errno.ENOMEM, "x"), "no memory is left for it ("),
        (RuntimeError("can't start new thread"), "no more processes or threads may be started ("),
        (OSError(errno.EMFILE, "Too many open files"), "this process may open no more files ("),
        (ImportError("libx.so: failed to map segment from shared object"), "no memory is left"),
        (cv2.error("(-4:Insufficient memory) Failed to allocate 8 bytes"), "no memory is left"),
    ],
)
def test_what_the_machine_lacks_is_no_bug(error: Exception, line: str):
    assert unexpected(error).startswith(line)


def test_what_is_lacking_while_a_module_is_imported_is_no_damage(tmp_path: Path, monkeypatch):
    (tmp_path / "of_much_memory.py").write_text("raise MemoryError")
    monkeypatch.syspath_prepend(tmp_path)
    assert unexpected(raised("import of_much_memory")) == "no memory is left for it (MemoryError)"


def test_a_bug_is_logged_with_its_place_and_a_lack_without(caplog: pytest.LogCaptureFixture):
    log = logging.getLogger("zmhook.test")
    assert logged(log, raised("1 / 0"), "event 5").startswith(BUG)
    assert logged(log, MemoryError(), "event 6") == "no memory is left for it (MemoryError)"
    bug, lack = caplog.records
    assert (bug.getMessage(), bug.exc_info is not None) == (f"event 5: {BUG}", True)
    assert lack.getMessage() == "event 6: no memory is left for it (MemoryError)"
    assert lack.exc_info is None


def made_of(cause: BaseException) -> BaseException:
    try:
        try:
            raise cause
        except type(cause):
            raise FrameUnavailable("there is none") from None
    except FrameUnavailable as error:
        return error


def out_of_files() -> HttpProblem:
    error = OSError(errno.EMFILE, "Too many open files")
    return problem_of(error, "http://portal/zm", seconds=5)


@pytest.mark.parametrize(
    ("error", "is_lack"),
    [
        (MemoryError(), True),
        (made_of(MemoryError()), True),
        (made_of(OSError(errno.EMFILE, "x")), True),
        (made_of(RuntimeError("bad allocation")), True),
        (made_of(out_of_files()), True),
        (made_of(OSError(errno.EACCES, "x")), False),
        (made_of(BlockingIOError(errno.EAGAIN, "a lock is held")), False),
        (FrameUnavailable("no alarm.jpg beside 'Too many open files.jpg'"), False),
        (None, False),
    ],
    ids=repr,
)
def test_a_lack_is_known_by_what_an_error_is_made_of(error: BaseException | None, is_lack: bool):
    assert lacks_resources(error) == is_lack


def test_it_is_one_line():
    assert "\n" not in unexpected(ValueError("two\nlines"))
