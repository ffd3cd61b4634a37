"""What stops install.sh: a line that says why, and nothing is changed."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frobnicate"], "unknown option --frobnicate"),
        (["--yes", "--with"], "--with needs a value"),
        (
            ["--yes", "--with", "yolo,telepathy"],
            "unknown part 'telepathy'; available: zoneminder",
        ),
        (["--yes", "--with", "dev"], "unknown part 'dev'"),
        (["--yes", "--with", "*"], "unknown part '*'"),
        (["--yes", "--user", "no-such-user"], "there is no user no-such-user"),
        (["--yes", "--group", "no-such-group"], "there is no group no-such-group"),
        (["--yes", "--python", "/nowhere/python"], "there is no /nowhere/python"),
        (["--yes", "--wheels", "/nowhere"], "no such folder: /nowhere"),
        (["--yes", "--use-system", "torch"], "expected opencv or dlib, not 'torch'"),
        ([], "no terminal for prompts"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    options: list[str], message: str, install, tmp_path: Path, user: str
):
    if "--user" not in options and "--yes" in options:
        options = [*options[:1], "--user", user, *options[1:]]
    done = install(tmp_path, *options)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("install.sh: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_an_old_python_is_named(install, tmp_path: Path, user: str):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    done = install(tmp_path / "prefix", "--yes", "--user", user, "--python", str(old))
    assert done.returncode == 1
    assert "Python 3.9.2 is too old: 3.10 or newer is needed" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_without_root_it_says_so(as_user, checkout: Path):
    done = as_user([checkout / "install.sh", "--yes"])
    assert done.returncode == 1
    assert "run this as root (sudo ./install.sh), or with --prefix DIR" in done.stderr


@pytest.mark.parametrize("missing", ["network", "wheels"])
def test_without_packages_it_ends_in_one_line(
    missing: str, install, no_network, tmp_path: Path, user: str
):
    """pip's own pages go to a file; an index that refuses plays the missing network."""
    (tmp_path / "wheels").mkdir()
    options = ["--wheels", str(tmp_path / "wheels")] if missing == "wheels" else []
    done = install(tmp_path / "prefix", "--yes", "--user", user, *options, **no_network)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert ("no network?" in line and "--wheels DIR" in line) or "pip: ERROR" in line
    assert ("no network?" in line) == (missing == "network")
    log = Path(line.rpartition(" ")[2].rstrip(")"))
    assert "setuptools" in log.read_text()


def test_packages_that_are_not_the_pinned_ones_are_refused(
    install, root: Path, tmp_path: Path, user: str
):
    """A wheel under the right name and version, with something else in it."""
    (tmp_path / "wheels").mkdir()
    text = (root / "requirements.lock").read_text("utf-8")
    version = text.partition("\nsetuptools==")[2].split()[0]
    wheel = tmp_path / f"wheels/setuptools-{version}-py3-none-any.whl"
    about = f"setuptools-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("setuptools/__init__.py", "raise SystemExit('planted')\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: setuptools\nVersion: {version}\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    options = ["--yes", "--no-models", "--user", user, "--wheels", str(tmp_path / "wheels")]
    done = install(tmp_path / "prefix", *options)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "setuptools" in line
    assert "requirements.lock" in line
    assert not list((tmp_path / "prefix").rglob(about))


def test_too_little_space_is_told_before_anything_is_changed(sourced, tmp_path: Path, user: str):
    script = f"""free_megabytes() {{ printf 100; }}
        main --prefix {tmp_path} --yes --user {user}"""
    done = sourced(script)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "100 MB are free there, and about" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        (
            "WARNING: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...'",
            "the certificate of the package index is not trusted",
        ),
        ("WARNING: ProxyError('Cannot connect to proxy.', NewConnectionError(", "the proxy that"),
        ("ERROR: HTTP error 403 while getting https://a/b", "refuses a package: HTTP error 403"),
        ("WARNING: Retrying: NewConnectionError('refused')", "no network?"),
        (
            "ERROR: Could not find a version\nERROR: No matching distribution found for x==1",
            "there is none for Python 3.",
        ),
        ("error: command 'gcc' failed\nERROR: Failed building wheel for x", "no ready-made"),
        ("", "too little memory?"),
    ],
)
def test_the_reason_why_pip_failed_is_one_line(log: str, reason: str, sourced, tmp_path: Path):
    (tmp_path / "pip.log").write_text(log)
    script = f"VENV={tmp_path}/none BASE={tmp_path} PYTHON={sys.executable}; explain_pip {tmp_path}"
    done = sourced(f"{script}/pip.log")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert f"{tmp_path}/pip.log" in line
