"""What is stored is smaller where that pays, and is the same again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zmhook.history.schema import pack, unpack


@given(st.binary(max_size=300).map(lambda data: b"{" + data))
def test_it_comes_back(data: bytes) -> None:
    assert unpack(pack(data)) == data
    assert len(pack(data)) <= len(data)


def test_what_repeats_itself_takes_less() -> None:
    assert len(pack(b'{"a": "' + b"car " * 100 + b'"}')) < 50
