"""The check of an environment that install.sh runs by the environment's own Python."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor import installed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NOT_FOR_USERS = {"demo", "pictures", "test", "lint", "lock", "docs", "dev", "all"}
CODE = b"answer = 42\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `made` 1.2 as pip would have installed it."""
    (tmp_path / "made.py").write_bytes(CODE)
    about = tmp_path / "made-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1.2\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(CODE).digest()).rstrip(b"=").decode()
    lines = [
        f"made.py,sha256={digest},{len(CODE)}",
        "__pycache__/made.pyc,,",
        f"{about.name}/RECORD,,",
    ]
    (about / "RECORD").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def reason(version: str = "1.2") -> str:
    return installed._reason("made", version)


def test_a_whole_package_is_right(package: Path):
    assert reason() == ""


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: (folder / "made.py").unlink(), "made.py is No such file or directory"),
        (lambda folder: (folder / "made.py").write_bytes(CODE[:5]), "made.py is damaged"),
        (lambda folder: (folder / "made.py").write_bytes(bytes(len(CODE))), "made.py is damaged"),
        (
            lambda folder: (folder / "made-1.2.dist-info/RECORD").unlink(),
            "its list of files is damaged",
        ),
        (lambda folder: (folder / "made-1.2.dist-info/RECORD").write_bytes(bytes(99)), "damaged"),
        (
            lambda folder: (folder / "made-1.2.dist-info/METADATA").write_bytes(b""),
            "version",
        ),
        (lambda folder: (folder / "made-1.2.dist-info").rename(folder / "away"), "it is missing"),
    ],
)
def test_what_is_damaged_is_named(package: Path, damage: Callable[[Path], None], why: str):
    damage(package)
    assert why in reason()


def test_another_version_is_wrong(package: Path):
    assert reason("1.3") == "version 1.2 is there instead of 1.3"


def test_only_what_is_meant_for_this_python_is_asked_for():
    pins = (
        "a==1 \\\nb==2 ; python_full_version < '3.11' \\\nb==3 ; python_full_version >= '3.11' \\\n"
        "c==1 ; sys_platform == 'win32' \\"
    )
    newer = "3" if sys.version_info >= (3, 11) else "2"
    assert list(installed._pinned(pins)) == [("a", "1"), ("b", newer)]


def test_an_import_that_fails_or_crashes_is_told(package: Path):
    assert installed._import_error("json") == ""
    assert "No module named 'no_such_module'" in installed._import_error("no_such_module")
    crash = "os;__import__('os').kill(__import__('os').getpid(),9)"
    assert installed._import_error(crash) == "the process ended with status -9"


def test_every_part_says_what_it_imports(root: Path):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert installed.MODULES.keys() == {"base", *extras.keys() - NOT_FOR_USERS}
    (everything,) = extras["all"]
    named = re.findall(r"[a-z-]+", everything.partition("[")[2])
    assert sorted(named) == sorted(installed.OF_ALL)
