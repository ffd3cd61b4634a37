"""`zmhook config migrate` as its user calls it: an old file in, one that is right out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

OLD = ["five.ini", "six.ini", "six_flat.ini", "ng.yml"]
SECRET = "pa#ss word%1"


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """A folder such as /etc/zm, with the old files and their secrets."""
    for file in (root / "tests" / "unit" / "migrate" / "files").iterdir():
        shutil.copy(file, tmp_path)
    for secrets in tmp_path.glob("secrets.*"):
        secrets.chmod(0o640)
    return tmp_path


@pytest.fixture
def config(folder: Path, environment: dict[str, str], root: Path) -> Callable[..., Said]:
    def config(*words: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "zmhook.cli.main", "config", *words],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(root / "hook")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return config


@pytest.mark.integration
@pytest.mark.parametrize("old", OLD)
def test_the_result_is_taken(
    folder: Path, config: Callable[..., Said], root: Path, old: str
) -> None:
    made = config("migrate", old, "-o", "objectconfig.ini", "--secrets", "new-secrets.ini")
    assert (made.code, made.out) == (0, "")
    assert made.err.endswith("objectconfig.ini: written; the configuration is valid\n")
    assert SECRET not in made.err
    text = (folder / "objectconfig.ini").read_text()
    assert SECRET not in text
    assert "geheim" not in text

    checked = config("check", "-c", "objectconfig.ini")
    assert (checked.code, checked.out) == (0, "")
    told = [line for line in checked.err.splitlines() if not line.startswith("missing: ")]
    assert len(told) == 1, "right, and nothing to note"
    script = [root / "bin" / "zm_detect.py", "--config", folder / "objectconfig.ini"]
    assert subprocess.run([sys.executable, *script, "--check-config"], timeout=60).returncode == 0


@pytest.mark.integration
def test_stdout_is_the_file_alone(folder: Path, config: Callable[..., Said]) -> None:
    made = config("migrate", "six.ini")
    assert made.code == 0
    (folder / "objectconfig.ini").write_text(made.out)
    assert config("check", "-c", "objectconfig.ini").code == 0
    listed = [line for line in made.err.splitlines() if line.startswith("not carried over: ")]
    (note,) = set(made.err.splitlines()) - set(listed)
    assert note.startswith("note: resize = 1024: boxes in the JSON ")
    for line in listed:
        assert line.rpartition(": ")[2] in made.out


@pytest.mark.integration
def test_a_file_that_cannot_be_read_leaves_nothing(
    folder: Path, config: Callable[..., Said]
) -> None:
    (folder / "bad.ini").write_text("[ml]\nml_sequence = {'a': __import__('os').getcwd()}\n")
    made = config("migrate", "bad.ini", "-o", "objectconfig.ini")
    assert (made.code, made.out) == (2, "")
    assert made.err == (
        "bad.ini: [ml] ml_sequence: cannot be read: line 1: "
        "only texts, numbers, lists and dicts may stand there\n"
    )
    assert not (folder / "objectconfig.ini").exists()
