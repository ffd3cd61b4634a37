"""Who may print: what comes from outside has one way to a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import zmhook

PACKAGE = Path(zmhook.__file__).parent
PRINTS = {"cli/output.py", "cli/tables.py"}
WRITES = {
    "cli/config.py",  # our reference, and the administrator's own file
    "cli/progress.py",  # a line that counts up
    "doctor/installed.py",  # it runs where no other module can be imported
    "logs.py",
    "server/run.py",
}
CLEANS = {"printable.py", "doctor/installed.py"}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield str(path.relative_to(PACKAGE)), node


def is_print(node: ast.AST) -> bool:
    call = node.func if isinstance(node, ast.Call) else None
    return "print" in (getattr(call, "id", ""), getattr(call, "attr", ""))


def is_write(node: ast.AST) -> bool:
    writes = ("sys.stdout.write", "sys.stderr.write")
    return isinstance(node, ast.Call) and ast.unparse(node.func) in writes


def is_cleaning(node: ast.AST) -> bool:
    return isinstance(node, ast.IfExp) and "isprintable" in ast.unparse(node.test)


@pytest.mark.parametrize(
    ("is_one", "known"), [(is_print, PRINTS), (is_write, WRITES), (is_cleaning, CLEANS)]
)
def test_nothing_else_prints_or_cleans(is_one, known: set[str]):
    """Say it with `cli.output`, clean it with `printable`; a new kind of output is named here."""
    assert sorted({path for path, node in nodes() if is_one(node)} - known) == []
