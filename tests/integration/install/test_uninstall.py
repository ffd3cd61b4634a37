"""install.sh --uninstall: what goes, and what stays because it is yours."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.integration


def test_uninstalling_keeps_what_is_yours(install, copy):
    copy.command.parent.mkdir(parents=True)
    copy.command.symlink_to(copy.base / "venv/bin/zmhook")
    (copy.base / "bin").mkdir()
    (copy.base / "bin/zm_event_start.sh").touch()
    (copy.base / "bin/zm_snapshots.py").touch()
    (copy.base / "bin/my_own.sh").touch()
    (copy.base / "images").mkdir()
    (copy.base / "cache").mkdir()
    (copy.base / "cache/zm_token.json").touch()
    (copy.base / "run").mkdir()
    (copy.base / "run/x.lock").touch()
    (copy.base / "state/spool").mkdir(parents=True)
    (copy.base / "state/spool/unsent.json").touch()
    (copy.base / "state/history.sqlite").touch()
    (copy.base / "snapshots/0000").mkdir(parents=True)
    (copy.base / "snapshots/0000/image_00000_Human.jpg").touch()
    units = copy.prefix / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "zmhook.service").touch()
    (units / "zmhook.socket").touch()
    (units / "zmhook-snapshots.service").touch()
    (units / "zmhook-watch.service").touch()

    done = install(copy.prefix, "--uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (copy.base / "venv").exists()
    assert not copy.command.is_symlink()
    assert not (copy.base / "bin/zm_event_start.sh").exists()
    assert not (copy.base / "bin/zm_snapshots.py").exists()
    assert not (copy.base / "images").exists()
    assert not (copy.base / "cache").exists()
    assert not (copy.base / "run").exists()
    assert not (copy.base / "state/spool").exists()
    assert (copy.base / "state/history.sqlite").exists()
    assert (copy.base / "snapshots/0000/image_00000_Human.jpg").exists()
    assert list(units.iterdir()) == []
    assert (copy.base / "bin/my_own.sh").exists()
    assert (copy.base / "known_faces/ann/1.jpg").read_bytes() == b"a face"
    assert (copy.etc / "objectconfig.ini").exists()
    assert (copy.etc / "secrets.ini").exists()
    assert f"Kept: {copy.etc / 'objectconfig.ini'}" in done.stdout

    assert "zmhook is not installed." in install(copy.prefix, "--uninstall").stdout


def test_uninstalling_dry_removes_nothing(install, copy):
    before = copy.states()
    assert (
        f"would remove {copy.base / 'venv'}"
        in install(copy.prefix, "--uninstall", "--dry-run").stdout
    )
    assert copy.states() == before


def test_a_zmhook_command_of_somebody_else_is_not_touched(install, copy):
    copy.command.parent.mkdir(parents=True)
    copy.command.write_text("another program")
    install(copy.prefix, "--uninstall")
    assert copy.command.read_text() == "another program"
