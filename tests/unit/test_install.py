"""tools/install.py: what pip does in one line, and what it says when it fails."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

OUTPUT = """\
Obtaining file:///home/me/zmhook
  Installing build dependencies: started
Collecting numpy>=1.26 (from zmhook==1.0)
  Downloading numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.whl.metadata (62 kB)
Collecting requests>=2.31 (from zmhook==1.0)
  Using cached requests-2.32.0-py3-none-any.whl.metadata (4.6 kB)
Downloading numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.whl (16.5 MB)
Installing collected packages: requests, numpy, zmhook
Successfully installed numpy-2.1.0 requests-2.32.0 zmhook-1.0
"""


@pytest.fixture(scope="module")
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", root / "tools" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_progress_counts_packages_and_megabytes(tool: ModuleType):
    progress = tool.Progress()
    lines = []
    for line in OUTPUT.splitlines():
        progress.read(line)
        lines.append(progress.line(7))
    assert lines[0] == "    7 s, 0 packages, 0 MB: starting"
    assert lines[3] == "    7 s, 1 packages, 0 MB: looking up numpy"
    assert lines[6] == "    7 s, 2 packages, 16 MB: downloading numpy (16.5 MB)"
    assert lines[-1] == "    7 s, 2 packages, 16 MB: unpacking 3 packages"


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("print('Collecting x'); print('ERROR: No space left'); exit(1)", ["ERROR: No space left"]),
        ("print('Killed by somebody'); exit(137)", ["Killed by somebody"]),
    ],
)
def test_a_failure_shows_why(
    tool: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    script: str,
    shown: list[str],
):
    monkeypatch.setattr(tool, "PIP", [sys.executable, "-c", script])
    assert tool.main([]) != 0
    assert capfd.readouterr().err.split("\n\n")[0].strip().splitlines() == shown


def test_a_success_says_how_much_was_installed(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(tool, "PIP", [sys.executable, "-c", f"print({OUTPUT!r})"])
    assert tool.main([]) == 0
    assert capfd.readouterr().out.startswith("  done: 3 packages, 16 MB downloaded, ")


def test_it_runs_without_any_package(root: Path):
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('tools/install.py')"],
        cwd=root,
        check=False,
    )
    assert done.returncode == 0
