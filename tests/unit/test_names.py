"""One word, one meaning: what names things in this package, and what does not."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import zmhook

PACKAGE = Path(zmhook.__file__).parent

VAGUE = frozenset("look looks looked looking seen told said found place wanted one given".split())  # noqa: SIM905
"""Words that could name anything. A name says what it holds: `detections`, `path`, `message`."""

SECTIONS = {"Gate", "History"}
"""Sections of the configuration are called what they are about, as their rooms are."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text("utf-8"))


def names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words(name: str) -> set[str]:
    return set(re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().strip("_").split("_"))


def test_names_say_what_they_hold():
    vague = {
        f"{module}: {name}"
        for module, tree in trees()
        for name in {*names(tree), Path(module).stem}
        if name.strip("_").lower() in VAGUE
    }
    assert sorted(vague) == []


def test_no_two_classes_have_one_name():
    classes = Counter(
        node.name
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in classes.items() if count > 1} - SECTIONS == set()
