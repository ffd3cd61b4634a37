"""Read images and fields from a request's body: multipart and URL-encoded forms, JSON.

A multipart form is parsed piece by piece as it arrives, so that no upload keeps the service from
answering others, and nothing is in memory twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from zmhook.errors import MissingPart
from zmhook.gateway.protocol import MOST_IMAGES
from zmhook.net.http_connection import MOST_FIELDS, HttpError, RawBody, Request, Response
from zmhook.net.http_server import PendingResponse
from zmhook.printable import one_line
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from python_multipart.multipart import MultipartParser

MULTIPART, URLENCODED, JSON = (
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/json",
)
MOST_PARTS = MOST_IMAGES + MOST_FIELDS
LARGEST_FIELD = 64 * 1024
MOST_VALUES = 20_000
"""In JSON: parsing them takes a few milliseconds, during which nobody else is answered."""
LARGEST_URLENCODED = 64 * 1024
"""Of a form without files: decoding its percent signs is slow."""
LARGEST_HEADERS = 2048
"""Of one part."""
LONGEST_SHOWN = 80
MAX_UPLOAD = "[service] listen_max_upload"


class UploadedFile(NamedTuple):
    """A file of a form. `name` is what the client calls it: for the log alone, and safe for it."""

    field: str
    name: str
    data: bytes


class NoBody:
    """Reads the body of a request that has none: its limit is 0."""

    def feed(self, data: bytes) -> None:
        """Ignore it: nothing is allowed."""

    def finish(self) -> None:
        """Have nothing left to do."""


class Form:
    """Fields and files of a form, however it is encoded."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.files: list[UploadedFile] = []

    def value(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def file(self, name: str) -> UploadedFile | None:
        """Return the first file of this field that is not empty."""
        return next((file for file in self.files if file.field == name and file.data), None)


class UrlEncodedForm(RawBody):
    """A form without files, as browsers send it (`application/x-www-form-urlencoded`)."""

    def __init__(self) -> None:
        super().__init__()
        self.form = Form()

    def feed(self, data: bytes) -> None:
        if len(self.data) + len(data) > LARGEST_URLENCODED:
            raise HttpError(413, f"a form without files has at most {LARGEST_URLENCODED} bytes")
        super().feed(data)

    def finish(self) -> None:
        try:
            text = self.data.decode("utf-8", "replace")
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise HttpError(400, f"the form cannot be read ({error})") from None
        self.form.fields = {name: values[0] for name, values in fields.items()}


class MultipartForm:
    """A form with files (RFC 7578), parsed as it arrives."""

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
        self._parser = self._make_parser(boundary)

    def feed(self, data: bytes) -> None:
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(data)
        except FormParserError as error:
            raise HttpError(400, f"the form cannot be read ({error})") from None

    def finish(self) -> None:
        if not self._is_complete:
            raise HttpError(400, "the form is cut short: its last boundary is missing")

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser

        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise HttpError(400, f"the form cannot be read ({error})") from None

    def _on_part_begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise HttpError(400, f"the form has more than {MOST_PARTS} parts")
        self._headers, self._headers_size, self._data = {}, 0, bytearray()
        self._name = self._value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._check_head_size(end - start)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_head_size(end - start)

    def _check_head_size(self, size: int) -> None:
        self._headers_size += size
        if self._headers_size > LARGEST_HEADERS:
            raise HttpError(400, "a part of the form has too large a head")

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise HttpError(400, "a part of the form has no name")
        # Only a file name makes a file: a part with a type of its own need not be one.
        self._field = _text(options[b"name"]), options.get(b"filename")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]
        if self._field[1] is None and len(self._data) > LARGEST_FIELD:
            raise HttpError(
                400,
                f"'{loggable(self._field[0])}' is no file, and longer than {LARGEST_FIELD} bytes",
            )

    def _on_part_end(self) -> None:
        name, file_name = self._field
        if file_name is None:
            self.form.fields.setdefault(name, _text(bytes(self._data)))
        else:
            self.form.files.append(
                UploadedFile(name, loggable(_text(file_name)), bytes(self._data))
            )
        self._data = bytearray()

    def _on_end(self) -> None:
        self._is_complete = True


def form_reader(request: Request) -> MultipartForm | UrlEncodedForm:
    """Return the reader for the form that a request announces; raises `HttpError`."""
    media_type, boundary = content_type(request)
    if media_type == URLENCODED:
        return UrlEncodedForm()
    if media_type != MULTIPART:
        raise HttpError(
            415, f"expected {MULTIPART}, got {loggable(media_type) or 'no Content-Type'}"
        )
    if not boundary:
        raise HttpError(400, f"{MULTIPART} without a boundary")
    try:
        return MultipartForm(boundary)
    except ImportError:
        missing = MissingPart("reading uploads", "python-multipart", "serve")
        raise HttpError(501, str(missing)) from None


def upload(
    request: Request, limit: int, respond: Callable[[Request, Form], Awaitable[Response]]
) -> PendingResponse:
    """Return a response that needs the request's form first; raises `HttpError`."""
    reader = form_reader(request)
    return PendingResponse(reader, limit, lambda: respond(request, reader.form), MAX_UPLOAD)


def json_object(body: RawBody) -> dict[str, Any]:
    """Return the JSON object that is the body; raises `HttpError`."""
    try:
        content = decoded(bytes(body.data), most=MOST_VALUES)
    except Unreadable:
        content = None
    if not isinstance(content, dict):
        raise HttpError(400, "expected a JSON object")
    return content


def content_type(request: Request) -> tuple[str, bytes]:
    """Return the media type of the body, in lower case, and the boundary of its parts."""
    media_type, _, options = request.headers.get("content-type", "").partition(";")
    boundary = ""
    for option in options.split(";"):
        name, _, value = option.strip().partition("=")
        if name.lower() == "boundary":
            boundary = value.strip().strip('"')
    return media_type.strip().lower(), boundary.encode("latin-1", "replace")


def loggable(text: str) -> str:
    """Return a client's text made safe and short enough for a log."""
    return one_line(text, LONGEST_SHOWN)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
