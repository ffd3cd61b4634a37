import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.payload import MOST_VALUES, parse, unwrapped


def kind(payload):
    with pytest.raises(PayloadError, match="front: ") as caught:
        parse(payload, "front")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    return caught.value.kind


def test_json():
    assert parse(b' {"a": [1, "\xc3\xa4"]}\n', "front") == {"a": [1, "ä"]}
    assert parse(b'\xef\xbb\xbf{"a": 1}', "front") == {"a": 1}


@pytest.mark.parametrize(
    "payload",
    [
        b"online",
        b"{",
        b'{"a": NaN',
        b'{"a": "\xff}',
        b"\x00\x01\x02",
        "{'a': 1}\n\u2028\x1b[31m".encode(),
    ],
)
def test_what_is_not_json(payload):
    assert kind(payload) == "JSON"


@pytest.mark.parametrize("payload", [b"1", b"[]", b'"x"', b"null", b"[{}]"])
def test_what_is_not_an_object(payload):
    assert kind(payload) == "shape"


def test_what_is_odd_is_left_out():
    odd = b'{"a": NaN, "b": 1e999, "c": ' + b"9" * 100_000 + b', "d": 2,}\0\0'
    assert parse(odd, "front") == {"a": None, "b": None, "c": None, "d": 2}


@pytest.mark.parametrize("depth", [100_000, 20_000_000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_without_end(begin, end, depth):
    depth //= len(begin)
    # The limit on the values is before msgspec's on the depth.
    for payload in (begin * depth, begin * depth + b"1" + end * depth):
        assert kind(payload) in {"nesting", "values"}


@pytest.mark.parametrize("one", [b"[],", b"{},", b"0,", b'{"a":0},'])
def test_what_has_too_many_values(one):
    assert kind(b'{"a":[' + one * MOST_VALUES + b"0]}") == "values"


def test_wrappers_are_taken_off():
    assert unwrapped({"data": {"message": {"frame": {"a": 1}}}}) == {"a": 1, "channel_id": None}
    assert unwrapped({"data": "x"}) == {"data": "x"}


def test_an_inner_channel_is_nearer():
    assert unwrapped({"channel_id": 1, "data": {"channel_id": 2}}) == {"channel_id": 2}


def test_no_more_than_a_few_are():
    content = {"a": 1}
    for _ in range(100):
        content = {"data": content}
    assert "data" in unwrapped(content)
