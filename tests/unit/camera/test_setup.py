"""The file that says what was on a camera before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from zmhook.camera import setup
from zmhook.camera.setup import CameraBackup, PartBackup
from zmhook.errors import CameraError


@pytest.mark.parametrize("host", ["192.0.2.7:80", "[2001:db8::7]", "../../etc/passwd", "a/b"])
def test_any_host_has_a_file_of_its_own_in_the_cache(host: str, tmp_path: Path) -> None:
    file = setup.backup_path(tmp_path, host)
    assert file.parent == tmp_path / "cache"
    assert file.name.startswith("camera-")


def test_what_is_saved_is_loaded_and_others_cannot_read_it(tmp_path: Path) -> None:
    file = setup.backup_path(tmp_path, "front")
    known = CameraBackup("front", {"snapshots": PartBackup({"enabled": False}, {"enabled": True})})
    setup.save_backup(file, known)
    assert setup.load_backup(file, "front") == known
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_left_leaves_no_file(tmp_path: Path) -> None:
    file = setup.backup_path(tmp_path, "front")
    setup.save_backup(file, CameraBackup("front", {"snapshots": PartBackup(None, None)}))
    setup.save_backup(file, CameraBackup("front"))
    setup.save_backup(file, CameraBackup("front"))
    assert not file.exists()
    assert setup.load_backup(file, "front") == CameraBackup("front")


@pytest.mark.parametrize("text", ["", "[]", '{"host":1}', "[" * 100_000])
def test_a_damaged_file_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "camera-front.json"
    file.write_text(text)
    with pytest.raises(CameraError, match="is damaged"):
        setup.load_backup(file, "front")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="cannot be read"):
        setup.load_backup(tmp_path, "front")
