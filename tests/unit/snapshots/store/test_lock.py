import errno
import fcntl
import logging
import os

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store.lock import lock


def test_one_has_it_until_it_lets_go(tmp_path):
    held = lock(tmp_path)
    with pytest.raises(StoreError, match=f"{tmp_path}: another collector .* another snapshot_path"):
        lock(tmp_path)
    os.close(held)
    os.close(lock(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_used_all_the_same(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING):
        os.close(lock(tmp_path))
    assert "cannot be locked against a second collector: No locks available" in caplog.text
