from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.image.sniff import describe, is_page, message, title


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "nothing (0 bytes)"),
        (
            b"\n<!DOCTYPE html><html><head>\n<title>\n ZM - Login</title>",
            "an HTML page titled 'ZM - Login'",
        ),
        (b"<html><title>A &amp; B</TITLE>", "an HTML page titled 'A & B'"),
        (b"<html>no title", "an HTML page without a title"),
        (b'{"success":false,"data":{"message":"Expired token"}}', "JSON saying 'Expired token'"),
        (b'{"message":"Saved"}', "JSON saying 'Saved'"),
        (b'{"data": 3}', 'JSON: {"data": 3}'),
        (b"[not json", "JSON: [not json"),
        (b"No such\n file", "text: 'No such file'"),
        (b"x" * 100, "text: '" + "x" * 59 + "…'"),
        (b"\0" * 50, "50 bytes of an unknown format"),
        (b"\xfe\x80\x00", "3 bytes of an unknown format"),
    ],
)
def test_describe(data: bytes, said: str) -> None:
    assert describe(data) == said


@given(st.binary(max_size=200))
def test_describe_is_one_short_line(data: bytes) -> None:
    said = describe(data)
    assert said.isprintable()
    assert len(said) < 120


def test_message_that_is_no_text() -> None:
    assert message(b'{"message": {"a": 1}}') == ""
    assert message(b"[1, 2]") == ""


def test_page_after_a_byte_order_mark() -> None:
    assert is_page(b"\xef\xbb\xbf <html>")
    assert not is_page(b"\xff\xd8<html>")


@pytest.mark.parametrize("data", [b'{"message":"\xff"}', b"[" * 100_000, b'{"a":' * 50_000])
def test_json_that_cannot_be_read_is_described_all_the_same(data: bytes) -> None:
    assert describe(data)
    assert message(data) == ""


def test_a_title_stands_at_the_beginning():
    page = b"<html>" + b"<title " * 1000
    assert title(page + b">far away</title>") == ""
    assert title(b"<html><TITLE class='x'>\nZM - Error</TITLE>") == "ZM - Error"
    assert title(b"<html><title>cut") == "cut"
    assert title(b"<html><title") == ""
