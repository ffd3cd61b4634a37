"""`make check`: which tests a change brings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def check(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", root / "tools" / "check.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A package of four modules with their tests."""
    for name, text in {
        "hook/zmhook/__init__.py": "",
        "hook/zmhook/gate/__init__.py": "",
        "hook/zmhook/gate/zone.py": "",
        "hook/zmhook/chain.py": "def run():\n    from zmhook.gate import zone\n",
        "hook/zmhook/lonely.py": "",
        "tests/unit/gate/conftest.py": "",
        "tests/unit/gate/test_zone.py": "",
        "tests/unit/gate/test_gate.py": "from zmhook.gate.zone import Zone\n",
        "tests/unit/test_gate.py": "",
        "tests/unit/test_chain.py": "from zmhook.chain import run\n",
        "tests/unit/test_strings.py": "BUILT_IN = 'zmhook.lonely:Lonely'\n",
        "tests/unit/test_guide.py": "",
        "tests/unit/settings/test_reference.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("hook/zmhook/gate/zone.py", ["gate/test_zone.py", "gate/test_gate.py", "test_chain.py"]),
        ("hook/zmhook/gate/__init__.py", ["test_gate.py"]),
        ("hook/zmhook/lonely.py", ["test_strings.py"]),
        ("tests/unit/test_chain.py", ["test_chain.py"]),
        ("tests/unit/gate/conftest.py", ["gate/test_gate.py", "gate/test_zone.py"]),
        ("docs/faces.md", ["test_guide.py", "settings/test_reference.py"]),
        ("hook/zmhook/gate/removed.py", []),
        ("LICENSE", []),
    ],
)
def test_a_change_brings_the_nearest_tests_first(
    check: ModuleType, tree: Path, changed: str, tests: list[str]
) -> None:
    chosen, left_out = check.tests_for(tree, [Path(changed)])
    assert [str(path.relative_to("tests/unit")) for path in chosen] == tests
    assert left_out == 0


def test_tests_beyond_the_limit_are_counted(
    check: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MOST", 1)
    changed = [Path("hook/zmhook/gate/zone.py"), Path("tests/unit/test_guide.py")]
    chosen, left_out = check.tests_for(tree, changed)
    assert list(map(str, chosen)) == ["tests/unit/test_guide.py", "tests/unit/gate/test_zone.py"]
    assert left_out == 2


def test_what_is_linted_depends_on_what_changed(check: ModuleType) -> None:
    def tools(*changed: str) -> list[str]:
        commands = check.commands([Path(name) for name in changed], [])
        return [Path(command[0]).name for command in commands]

    assert tools("docs/faces.md") == []
    assert tools("tools/check.py") == ["ruff", "ruff"]
    assert tools("hook/zmhook/errors.py") == ["ruff", "ruff", "lint-imports", "mypy"]
    assert tools("hook/zmhook/removed.py") == ["lint-imports", "mypy"]


def test_each_test_that_a_file_names_is_there(check: ModuleType, root: Path) -> None:
    for name, readers in check.READ_BY.items():
        assert (root / name).exists()
        for reader in readers:
            assert (root / check.TESTS / reader).is_file(), reader
