from __future__ import annotations

import pytest

from zmhook.detectors.yolo.heads.base import cell_table, cells, is_pyramid


@pytest.mark.parametrize(
    ("size", "strides", "count"),
    [((640, 640), (8, 16, 32), 8400), ((416, 416), (8, 16, 32), 3549), ((64, 32), (8, 16), 40)],
)
def test_cells_are_counted(size, strides, count):
    assert cells(size, strides) == count
    assert len(cell_table(size, strides)) == count


def test_only_real_pyramids_count():
    assert is_pyramid(8400, (640, 640))
    assert not is_pyramid(8399, (640, 640))
    assert not is_pyramid(8400, (416, 416))


def test_cells_go_by_rows_then_by_strides():
    table = cell_table((64, 32), (16, 32)).tolist()
    assert table[:5] == [[0, 0, 16], [1, 0, 16], [2, 0, 16], [3, 0, 16], [0, 1, 16]]
    assert table[8:] == [[0, 0, 32], [1, 0, 32]]
