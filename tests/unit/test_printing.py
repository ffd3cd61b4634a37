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
CLEANS = {
    "printable.py": 4,
    # These refuse what is not printable.
    "remote/account.py": 1,
    "settings/migrate/draft.py": 1,
    "settings/migrate/secretsfile.py": 1,
    "settings/values.py": 1,
    "snapshots/environment.py": 1,
}


def calls() -> Iterator[tuple[str, ast.expr]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield str(path.relative_to(PACKAGE)), node.func


def counted(matches: Iterator[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in matches:
        found[path] = found.get(path, 0) + 1
    return found


def is_print(call: ast.expr) -> bool:
    return "print" in (getattr(call, "id", ""), getattr(call, "attr", ""))


def is_write(call: ast.expr) -> bool:
    return ast.unparse(call) in ("sys.stdout.write", "sys.stderr.write")


def is_cleaning(call: ast.expr) -> bool:
    return getattr(call, "attr", "") == "isprintable"


@pytest.mark.parametrize(
    ("is_one", "known"), [(is_print, PRINTS), (is_write, WRITES), (is_cleaning, CLEANS)]
)
def test_nothing_else_prints_or_cleans(is_one, known: dict[str, int]):
    """Say it with `cli.output`, clean it with `printable`; a new kind of output is named here."""
    assert counted(path for path, call in calls() if is_one(call)) == known
