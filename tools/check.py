"""Check what changed: lint it, and run the unit tests that concern it.

    make check                 what differs from main, committed or not
    make check ARGS=HEAD       what is not committed yet
    make check ARGS=--list     only print the files and tests

A changed module brings its own test file, the test files that import it, and those of the modules
that import it, up to a limit. `make test` and `make lint` check everything.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("hook/zmhook")
TESTS = Path("tests/unit")
MOST = 25
"""The number of test files that a change may bring without being changed itself."""

READ_BY = {
    "docs": ["test_guide.py", "settings/test_reference.py"],
    "objectconfig.ini": ["settings/test_shipped.py"],
    "secrets.ini.example": ["settings/test_shipped.py", "test_guide.py"],
    "environment.env.example": ["snapshots/test_environment.py"],
    "pyproject.toml": ["test_lock.py", "test_layers.py"],
    "requirements.lock": ["test_lock.py"],
    "tools/check.py": ["test_check.py"],
}
"""Files and folders that are not modules, and the unit tests that read them."""


class Modules:
    """The package's modules, and which of them a Python file imports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths = {module_of(path): path for path in _python_files(root, PACKAGE)}
        self._imports = {path: self.imported_by(path) for path in self._paths.values()}

    def imported_by(self, path: Path) -> set[str]:
        """Return the modules that a file imports anywhere, or names in a string."""
        try:
            tree = ast.parse((self.root / path).read_text("utf-8"))
        except (OSError, SyntaxError):
            return set()
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= inside & self._paths.keys() or {node.module}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value.partition(":")[0])
        return names & self._paths.keys()

    def importers(self, module: str) -> list[Path]:
        return sorted(path for path, imports in self._imports.items() if module in imports)


def module_of(path: Path) -> str:
    """Return a module's name: `hook/zmhook/gate/rules.py` is `zmhook.gate.rules`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_test(path: Path) -> Path:
    """Return the test file that mirrors a module."""
    inside = path.relative_to(PACKAGE)
    if inside.name == "__init__.py":
        inside = inside.parent.with_suffix(".py")
    return TESTS / inside.with_name(f"test_{inside.name}")


def tests_for(root: Path, changed: list[Path]) -> tuple[list[Path], int]:
    """Return the unit tests that concern these files, the nearest first, and how many are left out.

    Test files that were changed are never left out.
    """
    modules = Modules(root)
    unit_tests = _python_files(root, TESTS)
    certain = [path for path in changed if _is_test(path)]
    changed_modules = [path for path in changed if path.is_relative_to(PACKAGE)]
    near = [own_test(path) for path in changed_modules if path.suffix == ".py"]
    for name, readers in READ_BY.items():
        if any(path.is_relative_to(name) for path in changed):
            near += [TESTS / reader for reader in readers]
    for path in changed:
        if path.name == "conftest.py" and path.is_relative_to(TESTS):
            near += [test for test in unit_tests if test.is_relative_to(path.parent)]
    names = {module_of(path) for path in changed_modules if path.suffix == ".py"}
    near += [test for test in unit_tests if modules.imported_by(test) & names]
    near += [own_test(path) for name in sorted(names) for path in modules.importers(name)]
    tests = [path for path in dict.fromkeys(certain + near) if (root / path).is_file()]
    tests = [path for path in tests if _is_test(path)]
    limit = len(certain) + MOST
    return tests[:limit], len(tests[limit:])


def _is_test(path: Path) -> bool:
    return path.is_relative_to(TESTS) and path.name.startswith("test_") and path.suffix == ".py"


def _python_files(root: Path, folder: Path) -> list[Path]:
    return sorted(path.relative_to(root) for path in (root / folder).rglob("*.py"))


def changed_files(base: str | None) -> list[Path]:
    """Return the files that differ from a commit: by default from where main was left."""
    if base is None:
        found = _git("merge-base", "main", "HEAD")
        base = found[0] if found else "HEAD"
    names = _git("diff", "--name-only", "--relative", base)
    names += _git("ls-files", "--others", "--exclude-standard")
    return [Path(name) for name in sorted(set(names))]


def _git(*arguments: str) -> list[str]:
    git = shutil.which("git") or "git"
    done = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def commands(changed: list[Path], tests: list[Path]) -> list[list[str]]:
    """Return the checks to run, the quickest first."""
    there = [path for path in changed if (ROOT / path).is_file()]
    python = [str(path) for path in there if path.suffix == ".py"]
    scripts = [str(path) for path in there if path.suffix == ".sh" or path == Path(".ci/run")]
    checks = []
    if python:
        checks += [_tool("ruff", "check", *python), _tool("ruff", "format", "--check", *python)]
    if scripts and shutil.which("shellcheck"):
        checks.append(["shellcheck", *scripts])
    if any(path.is_relative_to(PACKAGE) for path in changed):
        checks += [_tool("lint-imports", "--no-cache", "--no-logo"), _tool("mypy")]
    if tests:
        checks.append([sys.executable, "-m", "pytest", "-q", *map(str, tests)])
    return checks


def _tool(name: str, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name(name)), *arguments]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Lint and test what changed.")
    parser.add_argument("base", nargs="?", help="a commit to compare with (default: main)")
    parser.add_argument("--list", action="store_true", help="only print files and tests")
    options = parser.parse_args(arguments)
    changed = changed_files(options.base)
    tests, left_out = tests_for(ROOT, changed)
    if not changed:
        print("Nothing has changed.")
        return 0
    print(f"{len(changed)} changed files, {len(tests)} test files")
    if left_out:
        print(f"{left_out} more test files concern these changes: make test TIER=unit runs them")
    if options.list:
        print(*changed, "", *tests, sep="\n")
        return 0
    failed = []
    for command in commands(changed, tests):
        name = Path(command[0]).name if command[0] != sys.executable else command[2]
        print(f"== {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(dict.fromkeys(failed))}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
