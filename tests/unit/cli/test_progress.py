"""Progress of a long command."""

from __future__ import annotations

import sys

import pytest

from zmhook.cli.progress import byte_progress, file_progress


def test_files_without_a_terminal_are_plain_lines_and_always_the_last(capsys) -> None:
    with file_progress(3) as show:
        for path in ("a/1.jpg", "a/2.jpg", "b/b\udcf6.jpg"):
            show(path)
    assert capsys.readouterr().err == "3/3 b/b\ufffd.jpg\n"


def test_bytes_without_a_terminal_are_one_line(capsys) -> None:
    with byte_progress("yolox_s.onnx") as show:
        show(5, 10)
    assert capsys.readouterr() == ("  downloading yolox_s.onnx ...\n", "")


def test_bytes_count_up_where_rich_is_missing(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with byte_progress("yolox_s.onnx") as show:
        for done in (1, 1, 10):
            show(done, 10)
    assert capsys.readouterr().err == "\r  yolox_s.onnx  10 %\r  yolox_s.onnx 100 %\n"
