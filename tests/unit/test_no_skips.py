"""Where nothing may be missing (ZMHOOK_NO_SKIPS), a skipped test is a failed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = {
    "skips": 'import pytest\ndef test_it(): pytest.skip("no camera")',
    "marked": 'import pytest\n@pytest.mark.skipif(True, reason="no camera")\ndef test_it(): ...',
    "imports": 'import pytest\npytest.importorskip("no_such_module")\ndef test_it(): ...',
    "optional": 'import pytest\ndef test_it(): pytest.skip("optional: no camera")',
    "expected": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
}


@pytest.fixture
def outcome(root: Path, tmp_path: Path):
    """Run one small test file under the project's conftest, and return pytest's exit code."""

    def run(name: str, no_skips: str) -> int:
        shutil.copy(root / "tests" / "conftest.py", tmp_path)
        (tmp_path / "test_it.py").write_text(TESTS[name])
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull,
             f"--rootdir={tmp_path}", tmp_path],
            env={**os.environ, "ZMHOOK_NO_SKIPS": no_skips},
            capture_output=True,
            check=False,
        )  # fmt: skip
        return done.returncode

    return run


@pytest.mark.parametrize("name", ["skips", "marked", "imports"])
def test_a_skip_fails_where_nothing_may_be_missing(name: str, outcome):
    assert outcome(name, "1") != 0


@pytest.mark.parametrize("name", ["skips", "marked"])
def test_a_skip_is_a_skip_elsewhere(name: str, outcome):
    assert outcome(name, "") == 0


@pytest.mark.parametrize("name", ["optional", "expected"])
def test_what_may_be_missing_may_be_missing(name: str, outcome):
    assert outcome(name, "1") == 0
