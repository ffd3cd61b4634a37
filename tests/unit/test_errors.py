"""What every error of ours is, whatever was put into it."""

from __future__ import annotations

import inspect
import re

import pytest

from zmhook import errors
from zmhook.errors import Problem, SettingsError, ZmhookError
from zmhook.net.http_problem import HttpProblem
from zmhook.zoneminder.api import shown

HOSTILE = "http://zm/\x1b]0;x\x07\n\u2028\u202e\udcff"
ARGUMENTS = {
    errors.SettingsError: ([Problem("a.ini", "s", "k", HOSTILE)],),
    errors.MissingPart: (HOSTILE, "package", "extra"),
    errors.ModelSkipped: ("gemini", "no network", HOSTILE),
    errors.PayloadError: ("kind", HOSTILE),
    errors.Postponed: (HOSTILE, 1.0),
    errors.ServiceError: ("no network", HOSTILE),
}
KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ZmhookError)
]


def test_the_tree_is_drawn_as_it_is() -> None:
    """`HttpProblem` alone is defined elsewhere: it is what every HTTP client of ours raises."""
    drawn = re.findall(r"^    ([│ ├└─]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    parents: dict[int, str] = {}
    tree: dict[str, str] = {}
    for indent, name in drawn:
        depth = len(indent) // 4
        tree[name] = parents.get(depth - 1, "Exception")
        parents[depth] = name
    assert tree.pop("HttpProblem") == HttpProblem.__base__.__name__
    assert tree == {kind.__name__: kind.__base__.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_line(kind: type[ZmhookError]):
    text = str(kind(*ARGUMENTS.get(kind, (HOSTILE,))))
    assert text.isprintable()
    assert "http://zm/" in text


def test_an_error_is_no_book():
    assert len(str(ZmhookError("x" * 10**6))) == errors.LONGEST
    assert len(str(SettingsError([Problem("f", "", "", "x" * 10**6)] * 3))) == errors.LONGEST


def test_an_address_is_one_line():
    assert shown(HOSTILE).isprintable()
    assert len(shown("http://zm/" + "x" * 10_000)) < 400
