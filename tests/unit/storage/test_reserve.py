from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.storage import reserve


def test_it_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    reserve.keep(tmp_path)
    made = list(tmp_path.iterdir())
    assert len(made) == reserve.FILES
    assert {path.stat().st_size for path in made} == {reserve.BYTES}
    assert all(path.stat().st_blocks * 512 >= reserve.BYTES for path in made)
    reserve.keep(tmp_path)
    assert reserve.give_up(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not reserve.give_up(tmp_path)


@pytest.mark.parametrize("free", [(1 << 20, None), (1 << 40, 10)])
def test_it_takes_no_room_where_there_is_little(free, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reserve, "free", lambda _: free)
    reserve.keep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reserve.os, "posix_fallocate", full)
    reserve.keep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    reserve.keep(tmp_path / "nothing")
