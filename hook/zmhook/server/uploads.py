"""What is in a request's body: pictures and words, as a form or as JSON.

A form is taken apart as it comes, piece by piece: no piece keeps the service from answering
others, and nothing is in memory twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from zmhook.errors import MissingPart
from zmhook.gateway.protocol import MOST_VIEWS
from zmhook.printable import one_line
from zmhook.server.exchange import MOST_FIELDS, Asked, Refused
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartParser

FORM, URLENCODED, JSON = (
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/json",
)
MOST_PARTS = MOST_VIEWS + MOST_FIELDS
LARGEST_FIELD = 64 * 1024
MOST_VALUES = 20_000
"""In JSON; they are read in a few milliseconds, during which nobody else is answered."""
LARGEST_WORDS = 64 * 1024
"""Of a form without files: taking its percent signs apart is slow."""
LARGEST_HEADERS = 2048
"""Of one part."""
LONGEST_SHOWN = 80


class File(NamedTuple):
    """A file of a form: the field's name, and what it says that the file was called.

    That name is for the log alone, and made safe for it.
    """

    field: str
    name: str
    data: bytes


class Nothing:
    """The sink of a request that has no body."""

    def feed(self, data: bytes) -> None:
        """Take no notice: there are none, since none are allowed."""

    def finish(self) -> None:
        """Be done."""


class Whole:
    """Keeps a small body as it is."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        self._data += data

    def finish(self) -> None:
        """Be done."""

    def json(self) -> dict[str, Any]:
        """Return the object that it is; raises `Refused`."""
        try:
            found = decoded(bytes(self._data), most=MOST_VALUES)
        except Unreadable:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "expected a JSON object")
        return found


class Form:
    """Words and files of a form, however it is encoded."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.files: list[File] = []

    def one(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def file(self, name: str) -> File | None:
        """Return the first file of this field that has anything in it."""
        return next((one for one in self.files if one.field == name and one.data), None)


class Words(Whole):
    """A form without files, as browsers send it (`application/x-www-form-urlencoded`)."""

    def __init__(self) -> None:
        super().__init__()
        self.form = Form()

    def feed(self, data: bytes) -> None:
        if len(self._data) + len(data) > LARGEST_WORDS:
            raise Refused(413, f"a form without files has at most {LARGEST_WORDS} bytes")
        super().feed(data)

    def finish(self) -> None:
        try:
            text = self._data.decode("utf-8", "replace")
            found = parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise Refused(400, f"the form cannot be read ({error})") from None
        self.form.fields = {name: values[0] for name, values in found.items()}


class Parts:
    """A form with files (RFC 7578), read as it comes."""

    def __init__(self, boundary: bytes) -> None:
        self.form = Form()
        self._count = 0
        self._is_complete = False
        self._name: bytes = b""
        self._value: bytes = b""
        self._headers: dict[bytes, bytes] = {}
        self._headers_size = 0
        self._data = bytearray()
        self._field: tuple[str, bytes | None] = ("", None)
        self._parser = self._made(boundary)

    def feed(self, data: bytes) -> None:
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refused(400, f"the form cannot be read ({error})") from None

    def finish(self) -> None:
        if not self._is_complete:
            raise Refused(400, "the form is cut short: its last boundary is missing")

    def _made(self, boundary: bytes) -> MultipartParser:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser

        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part,
                    "on_part_end": self._end,
                    "on_end": self._complete,
                },
            )
        except FormParserError as error:
            raise Refused(400, f"the form cannot be read ({error})") from None

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise Refused(400, f"the form has more than {MOST_PARTS} parts")
        self._headers, self._headers_size, self._data = {}, 0, bytearray()
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._grown(end - start)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._grown(end - start)

    def _grown(self, size: int) -> None:
        self._headers_size += size
        if self._headers_size > LARGEST_HEADERS:
            raise Refused(400, "a part of the form has too large a head")

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise Refused(400, "a part of the form has no name")
        # A part with a type of its own is no plain word, but it need not be a file either.
        self._field = _text(options[b"name"]), options.get(b"filename")

    def _part(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]
        if self._field[1] is None and len(self._data) > LARGEST_FIELD:
            raise Refused(400, f"'{shown(self._field[0])}' is no file and longer than it may be")

    def _end(self) -> None:
        name, file_name = self._field
        if file_name is None:
            self.form.fields.setdefault(name, _text(bytes(self._data)))
        else:
            self.form.files.append(File(name, shown(_text(file_name)), bytes(self._data)))
        self._data = bytearray()

    def _complete(self) -> None:
        self._is_complete = True


def form_sink(asked: Asked) -> Parts | Words:
    """Return what reads the form that a request announces; raises `Refused`."""
    kind, boundary = content_type(asked)
    if kind == URLENCODED:
        return Words()
    if kind != FORM:
        raise Refused(415, f"expected {FORM}, got {shown(kind) or 'no Content-Type'}")
    if not boundary:
        raise Refused(400, f"{FORM} without a boundary")
    try:
        return Parts(boundary)
    except ImportError:
        missing = MissingPart("reading uploads", "python-multipart", "serve")
        raise Refused(501, str(missing)) from None


def content_type(asked: Asked) -> tuple[str, bytes]:
    """Return the type of the body, in small letters, and the boundary of its parts."""
    kind, _, options = asked.headers.get("content-type", "").partition(";")
    boundary = ""
    for option in options.split(";"):
        name, _, value = option.strip().partition("=")
        if name.lower() == "boundary":
            boundary = value.strip().strip('"')
    return kind.strip().lower(), boundary.encode("latin-1", "replace")


def shown(text: str) -> str:
    """Return a stranger's word so that it can stand in a log."""
    return one_line(text, LONGEST_SHOWN)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
