"""A regular expression may cost little, whoever wrote it."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import regex

from zmhook.text import patterns
from zmhook.text.patterns import LONGEST_OF_OTHERS, MOST_SLOW, WrongPattern, check, fits, matches

SLOW = "(a|aa)+$"
NEVER = "a" * 60


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    patterns._matches.cache_clear()
    patterns._compiled.cache_clear()
    patterns._slow.clear()


@pytest.mark.parametrize(
    "pattern",
    [
        "(person|car|truck)",
        "^(?!.*parked)(person|car)$",
        "(?i)person|dog",
        "[A-ZÄÖÜ]{1,3}-?[A-Z]{1,2} ?[0-9]{1,4}[EH]?",
        "[一-龥]+",
        "(?P<first>a)(?P=first)",
        "(a+)+$",
        "|".join(f"label number {i}" for i in range(80)),
        r"\(a{10}[({]{2}",
        "a(?# a comment )b",
        "x{",
        "a{,3}",
    ],
)
def test_what_people_write(pattern: str) -> None:
    assert check(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a{1000}){1000}", "written out"),
        ("((a{1000}){1000}){1000}", "written out"),
        ("(?:(?:a{99}){99})", "written out"),
        ("a{1000000}", "written out"),
        ("a{" + "9" * 30 + "}", "written out"),
        ("[ab]{100,}{100}", "written out"),
        ("(" * 200 + "a" + "){9}" * 200, "written out"),
        ("(?#[)(b{1000}){1000}(?#])", "written out"),
        ("(?x)(a{1000} #)\n){1000}", "flag x"),
        ("(?i)" + "[\x00-\U0010ffff]" * 190, "ranges"),
        (r"[\u0100-\uffff]" * 60, "ranges"),
        ("x" * 4001, "longer than 4000"),
        ("(" * 300, "missing )"),
        ("(?:" * 900 + "a" + ")" * 900, "recursion"),
        ("[", "unterminated"),
        ("(a|a)*{e<=x}", "fuzzy"),
    ],
)
def test_what_costs_too_much_is_never_compiled(pattern: str, why: str) -> None:
    with pytest.raises(WrongPattern, match=re.escape(why)):
        check(pattern)


def test_strangers_have_less_room() -> None:
    with pytest.raises(WrongPattern, match="longer than 1000"):
        check("x" * (LONGEST_OF_OTHERS + 1), LONGEST_OF_OTHERS)


def test_from_the_beginning_and_the_whole() -> None:
    assert matches("per", "person")
    assert not matches("son", "person")
    assert fits("[a-z]+", "person")
    assert not fits("per", "person")


@pytest.mark.parametrize("pattern", [SLOW, "(|)" * 40 + "x", "a*a*a*a*a*a*b", "((a*)*)*b"])
def test_what_may_take_for_ever_has_a_time_limit(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    class Compiled:
        def match(self, text: str, *, timeout: float, concurrent: bool) -> None:
            used.append((text, timeout, concurrent))

    monkeypatch.setattr(regex, "compile", lambda *_, **__: Compiled())
    matches(pattern, NEVER)
    assert used == [(NEVER, patterns.SECONDS, True)]


def test_a_long_text_is_matched_with_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re, "match", lambda *_: pytest.fail("without a limit"))
    assert not matches(".*.*x", "a" * 5000)


def test_one_that_takes_too_long_counts_as_matched(caplog: pytest.LogCaptureFixture) -> None:
    assert matches(SLOW, f"{NEVER}!")
    assert matches(SLOW, f"{NEVER}?")
    assert fits(SLOW, f"{NEVER}!")
    assert [record.message.count("takes too long") for record in caplog.records] == [1]


def test_it_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    class Compiled:
        def match(self, text: str, **_: object) -> None:
            tried.append(text)
            raise TimeoutError

    monkeypatch.setattr(regex, "compile", lambda *_, **__: Compiled())
    assert all(matches(SLOW, f"label {i}") for i in range(50))
    assert len(tried) == MOST_SLOW


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "REMEMBERED", 3)
    for i in range(10):
        patterns._was_slow(f"(a|aa)+{i}")
    assert len(patterns._slow) == 3
    asked = []
    compiled = regex.compile
    monkeypatch.setattr(
        regex, "compile", lambda *a, **more: asked.append(more) or compiled(*a, **more)
    )
    for i in range(40):
        matches(f"(a|aa)+{i}$", "aa")
    assert asked == [{"cache_pattern": False}] * 40  # its own cache would keep 500, however large
    assert patterns._compiled.cache_info().currsize == 32


def test_other_threads_go_on_meanwhile() -> None:
    """As the event loop of the service does, while one of its threads matches."""
    turns = []
    done = threading.Event()

    def turn() -> None:
        while not done.wait(0.001):
            turns.append(1)

    thread = threading.Thread(target=turn)
    thread.start()
    matches(SLOW, f"{NEVER}!")
    done.set()
    thread.join()
    assert len(turns) > 5


# -- one place ---------------------------------------------------------------------------------

WRITTEN_HERE = {
    "text/redact.py",  # each character is escaped, and fits in one way only
    "text/patterns.py",
    "frames/event_folder.py",  # a number is put in
    "detectors/yolo/engines/darknet.py",  # keys of its own
    "snapshots/topics.py",  # all but wildcards is escaped, and each level is linear
}
FUNCTIONS = {
    "compile",
    "match",
    "search",
    "fullmatch",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}


def test_nothing_else_compiles_what_others_wrote(root: Path) -> None:
    """What a module compiles once, on its first lines, can only be its own."""
    package = root / "hook" / "zmhook"
    others = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and _compiles(node) and not _is_literal(node.args[0])
    }
    assert others <= WRITTEN_HERE
    uses = "import regex"
    assert [p.name for p in package.rglob("*.py") if uses in p.read_text()] == ["patterns.py"]


def _compiles(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("re", "regex")
        and call.func.attr in FUNCTIONS
    )


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_literal(node.left) and _is_literal(node.right)
    return isinstance(node, ast.Constant)
