"""Folders of other owners, and disks without room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor import folders as module
from zmhook.doctor.folders import checks, room
from zmhook.process.privilege import name_of


@pytest.fixture
def found(patient) -> Callable[..., list]:
    def examine(**more: object) -> list:
        return [each for check in checks(patient(**more)) for each in check.run()]

    return examine


def test_all_is_well(found, states, tmp_path: Path):
    (tmp_path / "data" / "state").mkdir(parents=True)
    assert states(found()) == [("owners", "ok"), ("disk", "ok")]


def test_no_data_folder(found, patient, tmp_path: Path):
    made = patient()
    (tmp_path / "data").rmdir()
    (owners, *_) = [each for check in checks(made) for each in check.run()]
    assert owners.state == "fault"
    assert "there is no such folder" in owners.text
    assert "install.sh" in owners.cure


def test_a_folder_of_another_owner(found, tmp_path: Path, monkeypatch):
    """Root may write everywhere, so what it may is made up."""
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True)
    monkeypatch.setattr(module.os, "access", lambda path, _: Path(path) != state)
    (bad,) = [each for each in found() if each.state == "fault"]
    assert bad.text.startswith(f"{state}: belongs to ")
    assert bad.cure == f"sudo chown -R {name_of(os.geteuid())}: {state}"


def test_what_a_stranger_may_does_not_count(found, tmp_path: Path, monkeypatch):
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True)
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    (odd,) = [each for each in found(owner="nobody") if each.name == "owners"]
    assert (odd.state, odd.cure) == ("warning", f"sudo chown -R nobody: {state}")
    monkeypatch.setattr(module, "name_of", lambda uid: "me" if uid == -1 else "nobody")
    monkeypatch.setattr(module.os, "geteuid", lambda: -1)
    (owners, *_) = found(owner="nobody")
    assert owners.state == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can give files away")
def test_a_folder_of_another_owner_that_we_may_write_to(found, tmp_path: Path):
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True)
    os.chown(state, 1, 1)
    (odd,) = [each for each in found() if each.name == "owners"]
    assert (odd.state, odd.text) == ("warning", f"{state}: belongs to daemon, not to root")


def test_what_is_in_a_folder_of_another_is_not_there(found, tmp_path: Path, monkeypatch):
    exists = Path.exists

    def refuse(self: Path, **options: bool) -> bool:
        if self.parent.name == "state":
            raise PermissionError(13, "Permission denied", str(self))
        return exists(self, **options)

    (tmp_path / "data" / "state").mkdir(parents=True)
    monkeypatch.setattr(Path, "exists", refuse)
    owners = found()[0]
    assert (owners.state, owners.name) == ("ok", "owners")


def test_a_file_in_place_of_a_folder(found, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state").touch()
    (bad,) = [each for each in found() if each.state == "fault"]
    assert "is no folder" in bad.text


def test_everybody_may_write(found, tmp_path: Path):
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True)
    state.chmod(0o777)
    (bad,) = [each for each in found() if each.state == "fault"]
    assert "every user may write" in bad.text
    assert bad.cure == f"sudo chmod o-w {state}"


@pytest.mark.parametrize(
    ("free", "state", "words"),
    [
        ((10_000_000, 10**6), "fault", "the disk is full"),
        ((10**10, 3), "fault", "no more files can be made (inodes)"),
        ((500_000_000, 10**6), "warning", "which is little"),
        ((10**10, None), "ok", "10 GB free"),
    ],
)
def test_room(free, state: str, words: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "free", lambda _: free)
    finding = room(tmp_path)
    assert finding.state == state
    assert words in finding.text


def test_a_disk_that_takes_nothing(tmp_path: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "posix_fallocate", full)
    finding = room(tmp_path)
    assert finding.state == "fault"
    assert "is full: make room" in finding.text
    assert finding.cure.startswith("df -h ")
