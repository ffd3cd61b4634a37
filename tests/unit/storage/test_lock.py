from __future__ import annotations

import os
from typing import TYPE_CHECKING

from zmhook.storage.lock import (
    is_locked,
    lock_file,
    lock_within,
    open_folder,
    try_lock,
    unlock,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_locked_once_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)

    held = lock_file(path)

    assert held is not None
    assert is_locked(path)
    assert lock_file(path) is None
    os.close(held)
    assert not is_locked(path)


def test_a_lock_can_be_released_before_the_file_is_closed(tmp_path: Path) -> None:
    held = lock_file(tmp_path / "lock")
    assert held is not None

    unlock(held)

    assert not is_locked(tmp_path / "lock")
    os.close(held)


def test_a_folder_is_locked_without_a_file(tmp_path: Path) -> None:
    first, second = open_folder(tmp_path), open_folder(tmp_path)

    assert try_lock(first)
    assert not lock_within(second, 0)
    os.close(first)
    assert lock_within(second, 0)
    os.close(second)
    assert not list(tmp_path.iterdir())


def test_whoever_only_reads_does_not_lock(tmp_path: Path) -> None:
    held = lock_file(tmp_path / "lock")
    assert held is not None
    unlock(held)

    assert not is_locked(tmp_path / "lock")
    assert try_lock(held)
    os.close(held)
