"""Who may print: what comes from outside has one way to a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import zmhook

PACKAGE = Path(zmhook.__file__).parent
PRINTS = {"cli/output.py": 2, "cli/tables.py": 3}
WRITES = {
    "cli/config.py": 1,  # the reference, which is ours
    "cli/migrate.py": 1,  # the administrator's own file
    "cli/models.py": 1,  # a line that counts up
    "logs.py": 1,
    "service/run.py": 1,
}
CLEANS = {"printable.py": 2}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield str(path.relative_to(PACKAGE)), node


def counted(matches: Iterator[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in matches:
        found[path] = found.get(path, 0) + 1
    return found


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
def test_nothing_else_prints_or_cleans(is_one, known: dict[str, int]):
    """Say it with `cli.output`, clean it with `printable`; a new kind of output is named here."""
    assert counted(path for path, node in nodes() if is_one(node)) == known
