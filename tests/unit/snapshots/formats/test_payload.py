import pytest

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.incoming import MOST_PARTS
from zmhook.snapshots.formats.payload import MOST_VALUES, parse, unwrapped


def kind(payload):
    with pytest.raises(PayloadError, match="front: ") as caught:
        parse(payload, "front")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    return caught.value.kind


def test_json():
    assert parse(b' {"a": [1, "\xc3\xa4"]}\n', "front") == [{"a": [1, "ä"]}]
    assert parse(b'\xef\xbb\xbf{"a": 1}', "front") == [{"a": 1}]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"online", "neither a picture nor a JSON object"),
        (b"\x00\x01\x02", "neither a picture nor a JSON object"),
        (b"1", "neither a picture nor a JSON object"),
        (b'"x"', "neither a picture nor a JSON object"),
        (b"null", "neither a picture nor a JSON object"),
        (b"{a b}\n\xe2\x80\xa8\x1b[31m", "damaged JSON"),
        (b'{"a" "b"}', "damaged JSON"),
        (b"{", "JSON cut short"),
        (b'{"a": NaN', "JSON cut short"),
        (b'{"a": "\xff}', "JSON cut short"),
        (b'{"a": ["/9j/", {"b": "/9j/x', "JSON cut short"),
        (b'{"a": "/9j/", "b', "JSON cut short"),
        (b'{"a": "/9j/", "b": ', "JSON cut short"),
        (b"[]", "a JSON list without a picture"),
        (b"[1, null, [2]]", "a JSON list without a picture"),
    ],
)
def test_what_is_no_object_says_what_it_is(payload, why):
    assert kind(payload) == why


@pytest.mark.parametrize(
    ("payload", "objects"),
    [
        (b'{"a": "/9j/"', [{"a": "/9j/"}]),
        (b'{"b": [{"a": "/9j/"}, ', [{"b": [{"a": "/9j/"}]}]),
        (b'{"a": "/9j/", "score": 0.8', [{"a": "/9j/", "score": None}]),  # may be 0.85
        (b'[{"a": "/9j/"}, {"b": true', [{"a": "/9j/"}, {"b": True}]),
        (
            b"{'a': 'it\\'s \"x\"', 'b': None, 'c': b'/9j/'}",
            [{"a": 'it\'s "x"', "b": None, "c": "/9j/"}],
        ),
        (b"{'a': '/9j/'", [{"a": "/9j/"}]),
    ],
)
def test_brackets_that_are_missing_and_quotes_of_python(payload, objects):
    assert parse(payload, "front") == objects


def test_of_a_list_the_objects_and_the_pictures():
    found = parse(b'[1, {"a": 1}, "/9j/", [["/9j/"]], ["x"], "x"]', "front")
    assert found == [{"a": 1}, {"image": "/9j/"}, {"image": [["/9j/"]]}]
    assert parse(b'"/9j/"', "front") == [{"image": "/9j/"}]
    assert len(parse(b"[" + b'{"a":1},' * 5000 + b"{}]", "front")) == MOST_PARTS


def test_what_is_odd_is_left_out():
    odd = b'{"a": NaN, "b": 1e999, "c": ' + b"9" * 100_000 + b', "d": 2,}\0\0'
    assert parse(odd, "front") == [{"a": None, "b": None, "c": None, "d": 2}]


@pytest.mark.parametrize("depth", [100_000, 20_000_000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_without_end(begin, end, depth):
    depth //= len(begin)
    # The limit on the values is before msgspec's on the depth.
    for payload in (begin * depth, begin * depth + b"1" + end * depth):
        assert kind(payload) in {"JSON nested too deep", "JSON of too many values"}


@pytest.mark.parametrize("one", [b"[],", b"{},", b"0,", b'{"a":0},'])
def test_what_has_too_many_values(one):
    assert kind(b'{"a":[' + one * MOST_VALUES + b"0]}") == "JSON of too many values"


def test_wrappers_are_taken_off():
    assert unwrapped({"data": {"message": {"frame": {"a": 1}}}}) == {"a": 1}
    assert unwrapped({"data": "x"}) == {"data": "x"}


def test_an_inner_channel_is_nearer():
    assert unwrapped({"channel_id": 1, "data": {"channel_id": 2}}) == {"channel_id": 2}


def test_no_more_than_a_few_are():
    content = {"a": 1}
    for _ in range(100):
        content = {"data": content}
    assert "data" in unwrapped(content)
