"""What is said of an error that nobody expected."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from zmhook.unexpected import unexpected


def raised(code: str) -> Exception:
    try:
        exec(compile(f"def called():\n    {code}", "a.py", "exec"), names := {})
        names["called"]()
    except Exception as error:  # noqa: BLE001
        return error
    pytest.fail("nothing was raised")


def test_a_bug_is_to_be_reported():
    line = unexpected(raised("1 / 0"))
    assert line == "internal error, please report it (ZeroDivisionError: division by zero)"


@pytest.mark.parametrize("code", ["import no_such_package_at_all", "compile('(', 'a.py', 'exec')"])
def test_what_is_missing_or_half_there_is_repaired_by_the_installer(code: str):
    line = unexpected(raised(code))
    assert line.startswith("the installation is damaged (")
    assert line.endswith("); run install.sh again, which repairs it")


@pytest.mark.parametrize("text", ["x = 1\nx.y", "\0\0\0", "undefined", "int('')", "raise OSError"])
def test_whatever_fails_while_a_module_is_imported_is_damage(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "half_written.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Exception) as raises:
        import_module("half_written")
    assert unexpected(raises.value).startswith("the installation is damaged (")


@pytest.mark.parametrize("code", ["no_such_function()", "import json; json.no_such_thing"])
def test_a_module_whose_end_is_missing_is_damage(code: str):
    assert unexpected(raised(code)).startswith("the installation is damaged (")


def test_a_module_of_zeros_is_damage_wherever_it_is_imported(tmp_path: Path, monkeypatch):
    (tmp_path / "of_zeros.py").write_bytes(bytes(99))
    monkeypatch.syspath_prepend(tmp_path)
    assert unexpected(raised("import of_zeros")).startswith("the installation is damaged (")


def test_it_is_one_line():
    assert "\n" not in unexpected(ValueError("two\nlines"))
