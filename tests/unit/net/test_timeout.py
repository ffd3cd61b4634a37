"""Waiting no longer than we have, and what is behind an error."""

from __future__ import annotations

import io
import threading

import pytest
from requests import Response
from urllib3.response import HTTPResponse

from zmhook.net.timeout import Call, TooLongError, causes, limited


def test_an_answer_an_error_and_neither() -> None:
    ended: list[str] = []
    good = Call(lambda: 3, lambda: ended.append("good"))
    bad: Call[int] = Call(lambda: int("x"), lambda: ended.append("bad"))
    for call in (good, bad):
        call.join(5)
    assert (good.answer, good.error) == (3, None)
    assert bad.answer is None
    assert isinstance(bad.error, ValueError)
    assert sorted(ended) == ["bad", "good"]

    go = threading.Event()
    late = Call(lambda: go.wait(5), lambda: ended.append("late"))
    late.join(0.01)
    assert (late.answer, late.error, late.daemon) == (None, None, True)
    go.set()
    late.join(5)
    assert late.answer is True
    assert "late" in ended


def answer(size: int) -> Response:
    made = Response()
    made.raw = HTTPResponse(io.BytesIO(b"x" * size), preload_content=False)
    return made


def test_a_body_is_read_up_to_a_limit() -> None:
    made = answer(100)
    limited(100)(made)
    assert made.raw.read() == b"x" * 100
    with pytest.raises(TooLongError):
        limited(99)(answer(100))


def test_what_is_behind_an_error() -> None:
    inner, outer = OSError("inner"), ValueError(KeyError("argument"))
    outer.__cause__ = inner
    assert [type(one) for one in causes(outer)] == [ValueError, OSError, KeyError]
    assert list(causes(None)) == []


def test_errors_that_go_round_in_circles() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert 2 <= len(list(causes(one))) <= 20
