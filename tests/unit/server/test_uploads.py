"""Forms and JSON, whole and broken, in any pieces."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmhook.net.http_connection import HttpError, RawBody, Request
from zmhook.server import uploads
from zmhook.server.uploads import (
    Form,
    MultipartForm,
    UrlEncodedForm,
    form_reader,
    json_object,
    loggable,
)

BOUNDARY = "b0undary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def asked(kind: str) -> Request:
    return Request("POST", "/infer", "", {"content-type": kind})


def part(head: str, value: bytes) -> bytes:
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
    )


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def read(data: bytes, size: int = 1 << 20, kind: str = MULTIPART) -> Form:
    sink = form_reader(asked(kind))
    for start in range(0, len(data), size):
        sink.feed(data[start : start + size])
    sink.finish()
    return sink.form


WHOLE = body(
    part('name="type"', b"object"),
    part('name="image"; filename="a.jpg"', bytes(range(256)) * 3),
)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_a_form_in_pieces(size: int) -> None:
    form = read(WHOLE, size)

    assert form.fields == {"type": "object"}
    assert form.files == [uploads.UploadedFile("image", "a.jpg", bytes(range(256)) * 3)]


@given(data=st.binary(max_size=300), size=st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_any_bytes_come_through(data: bytes, size: int) -> None:
    form = read(body(part('name="image"; filename="x"', data)), size)

    assert [one.data for one in form.files] == [data]


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_nonsense_is_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(HttpError) as refused:
        read(data)
    assert refused.value.status == 400


def test_one_cut_short_is_refused() -> None:
    for end in range(len(WHOLE) - 4):
        with pytest.raises(HttpError, match="cut short"):
            read(WHOLE[:end])


def test_words_of_browsers() -> None:
    form = read(b"url=http%3A%2F%2Fa%2Fb%3Fc%3D1&zm_auth=&x=%ff", kind=uploads.URLENCODED)

    assert form.fields == {"url": "http://a/b?c=1", "zm_auth": "", "x": "�"}
    assert form.files == []


@pytest.mark.parametrize(
    "kind", ["", "text/html", "application/json", "multipart/mixed; boundary=x"]
)
def test_another_type_is_refused(kind: str) -> None:
    with pytest.raises(HttpError, match="expected multipart/form-data") as refused:
        form_reader(asked(kind))
    assert refused.value.status == 415


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"{MULTIPART}{'x' * 1000}"]
)
def test_an_unusable_boundary(kind: str) -> None:
    with pytest.raises(HttpError) as refused:
        form_reader(asked(kind))
    assert refused.value.status == 400


@pytest.mark.parametrize("kind", [f'multipart/form-data; boundary="{BOUNDARY}"', MULTIPART.title()])
def test_ways_to_write_the_type(kind: str) -> None:
    if BOUNDARY in kind:
        assert read(WHOLE, kind=kind).fields
    else:
        assert isinstance(form_reader(asked(kind)), MultipartForm)


def test_so_many_parts_and_no_more() -> None:
    with pytest.raises(HttpError, match="more than"):
        read(body(*[part('name="a"', b"")] * (uploads.MOST_PARTS + 1)))


def test_a_word_is_no_book() -> None:
    with pytest.raises(HttpError, match="'a' is no file"):
        read(body(part('name="a"', b"x" * (uploads.LARGEST_FIELD + 1))))


def test_a_head_has_an_end() -> None:
    long = "X-Y: " + "z" * 3000
    data = f"--{BOUNDARY}\r\n{long}\r\n{long}\r\n".encode()
    with pytest.raises(HttpError):
        read(data + part('name="a"', b"")[len(BOUNDARY) + 4 :])


@pytest.mark.parametrize("head", ['filename="a"', "", 'name*="a"'])
def test_a_part_without_a_name(head: str) -> None:
    with pytest.raises(HttpError, match="no name"):
        read(body(part(head, b"x")))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\x00b", "ü\u202ex", "x" * 999]
)
def test_a_files_name_is_only_ever_loggable(name: str) -> None:
    form = read(body(part(f'name="image"; filename="{name}"', b"x")))

    assert form.files[0].name.isprintable()
    assert len(form.files[0].name) <= uploads.LONGEST_SHOWN


def test_the_first_word_of_a_name_counts() -> None:
    form = read(body(part('name="a"', b" 1 "), part('name="a"', b"2")))

    assert form.value("a") == "1"
    assert form.value("b") == ""


def test_an_empty_file_is_none() -> None:
    form = read(body(part('name="image"; filename=""', b"")))

    assert form.file("image") is None


def test_too_many_words() -> None:
    with pytest.raises(HttpError, match="form cannot be read"):
        read(b"&".join(b"a=%d" % i for i in range(100)), kind=uploads.URLENCODED)


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000])
def test_json_that_is_no_object(data: bytes) -> None:
    whole = RawBody()
    whole.feed(data)
    whole.finish()

    with pytest.raises(HttpError, match="JSON object"):
        json_object(whole)


def test_json_that_is_one() -> None:
    whole = RawBody()
    whole.feed(b'{"a"')
    whole.feed(b": 1}")

    assert json_object(whole) == {"a": 1}


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith("python_multipart")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "python_multipart", None)

    with pytest.raises(HttpError, match=r"\.\[serve\]") as refused:
        form_reader(asked(MULTIPART))
    assert refused.value.status == 501
    assert isinstance(form_reader(asked(uploads.URLENCODED)), UrlEncodedForm)


def test_what_is_shown_is_one_short_line() -> None:
    assert loggable("a\nb\x1b[31m") == "a b [31m"
    assert len(loggable("x" * 1000)) == uploads.LONGEST_SHOWN


def test_words_are_few() -> None:
    """Taking percent signs apart takes a third of a second per megabyte."""
    words = UrlEncodedForm()
    words.feed(b"a=" + b"%41" * 20_000)
    words.finish()
    assert words.form.fields == {"a": "A" * 20_000}
    words = UrlEncodedForm()
    for _ in range(21):
        words.feed(b"%41" * 1000)
    with pytest.raises(HttpError) as refused:
        words.feed(b"%41" * 1000)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "said",
    [
        b'{"a":[' + b"[]," * 30_000 + b"[]]}",
        b'{"a":' * 100_000,
        b'{"a":' + b"1" * 9000 + b"}",
        b'{"a":1e9999}',
        b'{"a":"\\ud800"}',
        b"\xff",
    ],
)
def test_json_bombs(said: bytes) -> None:
    whole = RawBody()
    whole.feed(said)
    with pytest.raises(HttpError) as refused:
        json_object(whole)
    assert refused.value.status == 400
