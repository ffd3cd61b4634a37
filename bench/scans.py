"""Time each parser of untrusted input on its worst input of 1, 2 and 4 MB.

The figures are CPU seconds. A linear parser takes four times as long for 4 MB as for 1 MB, or no
longer at all if it reads only a part. Each parser runs in its own process, which the kernel ends
after 8 s of CPU. Its figure is then -1, and also after an error that is not zmhook's.
"""

from __future__ import annotations

import base64
import os
import resource
import struct
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress

from measure import arguments, show
from zmhook import printable
from zmhook.describe.parse_description import read
from zmhook.detectors.alpr.services import cmdline
from zmhook.errors import ZmhookError
from zmhook.gateway.endpoint import not_understood
from zmhook.image import sniff
from zmhook.image.decode import decode
from zmhook.image.header import read_header
from zmhook.migrate import draft
from zmhook.net.http import HttpResponse
from zmhook.report.notes import merged
from zmhook.settings import Mqtt, Settings
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.topics import Topics
from zmhook.zoneminder.api import shown

MEGABYTE = 1_000_000
SIZES = (1, 2, 4)
MOST_SECONDS = 8

Parser = Callable[[bytes], object]


def times(piece: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    """Return a function that repeats a piece up to a number of bytes."""
    return lambda size: before + piece * ((size - len(before + after)) // len(piece)) + after


def text(parser: Callable[[str], object]) -> Parser:
    return lambda data: parser(data.decode("utf-8", "surrogateescape"))


def by_mqtt(data: bytes) -> object:
    topics = Topics.from_settings(Settings(mqtt=Mqtt(mqtt_topic=("axis/{camera}/+/#",))))
    return Interpreter(topics).read("axis/a/b", data, received=1.0)


def by_topic(data: bytes) -> object:
    topic = data.decode()[:65_535]
    pattern = ("axis/x{camera}y/+/z{monitor}", "+/+/{camera}/#")
    topics = Topics.from_settings(Settings(mqtt=Mqtt(mqtt_topic=pattern)))
    return topics.find(f"axis/{topic}", None)


def as_picture(data: bytes) -> object:
    return decode(data, "bench", 10_000_000)


def from_gateway(data: bytes) -> object:
    return str(not_understood(HttpResponse("http://gpu", 200, data, {}), "secret"))


JPEG, PICTURE = b"\xff\xd8", b"data:image/jpeg;base64,"

INPUTS: Mapping[str, tuple[Parser, Callable[[int], bytes]]] = {
    "page_titles": (sniff.describe, times(b"<title ")),
    "page_titles_open": (sniff.describe, times(b"<title>")),
    "page_entities": (sniff.describe, times(b"&#1;", b"<title>")),
    "page_digits": (sniff.describe, times(b"1", b"<title>&#")),
    "json_nested": (sniff.describe, times(b"[")),
    "json_digits": (sniff.describe, times(b"1", b'{"message": ')),
    "jpeg_padding": (read_header, times(b"\xff", JPEG)),
    "jpeg_segments": (read_header, times(b"\xff\xe0\x00\x00", JPEG)),
    "jpeg_sizes": (as_picture, times(b"\xff\xc0\x00\x02", JPEG)),
    "png_ends": (read_header, times(b"IEND\xaeB`", b"\x89PNG\r\n\x1a\n")),
    "gif_zeros": (read_header, times(b"\0", b"GIF89a")),
    "one_line_blanks": (text(printable.one_line), times(b" ")),
    "one_line_controls": (text(printable.one_line), times(b"\x1b")),
    "printable": (text(printable.printable), times(b"\x1b\xff")),
    "plain_json": (printable.plain_json, times("\u2028".encode())),
    "address": (text(shown), times(b"@/", b"http://")),
    "answer_fence": (text(read), lambda _: b"```" + b"\n" * 65_000),
    "answer_fences": (text(read), lambda _: b"```a " * 13_000),
    "answer_thoughts": (text(read), lambda _: b" " * 30_000 + b"<think>" + b" " * 30_000),
    "answer_braces": (text(read), lambda _: b"{" * 65_000),
    "plates_lines": (text(lambda one: cmdline._answer(one, "alpr")), times(b"{\n")),  # noqa: SLF001
    "plates_braces": (text(lambda one: cmdline._answer(one, "alpr")), times(b'{"a":')),  # noqa: SLF001
    "gateway": (from_gateway, times(b'{"detail": ')),
    "notes_remark": (text(lambda old: merged("found", old)), times(b": ", b"detected: a (")),
    "notes_remarks": (text(lambda old: merged("found", old)), times(b" (: ", b"detected:")),
    "notes_percent": (text(lambda old: merged("found", old)), times(b":1", b"detected:")),
    "zone_blanks": (text(draft._corners), times(b" ", b"1", b"1")),  # noqa: SLF001
    "zone_digits": (text(draft._corners), times(b"1")),  # noqa: SLF001
    "mqtt_nested": (by_mqtt, times(b'{"data":')),
    "mqtt_digits": (by_mqtt, times(b"1", b'{"id": ', b"}")),
    "mqtt_tracks": (by_mqtt, times(b"{},", b'{"tracks": [', b"{}]}")),
    "mqtt_path": (
        by_mqtt,
        times(b'{"timestamp":1},', b'{"id":"1","image":{"timestamp":1},"path":[', b"{}]}"),
    ),
    "mqtt_classes": (by_mqtt, times(b'{"type":"a"},', b'{"id":"1","classes":[', b"{}]}")),
    "mqtt_observations": (
        by_mqtt,
        times(b'{"track_id":"1","class":{"type":"a"}},', b'{"observations":[', b"{}]}"),
    ),
    "mqtt_picture": (
        by_mqtt,
        times(base64.b64encode(JPEG + b"\xff"), b'{"data": "' + PICTURE, b'"}'),
    ),
    "mqtt_base64": (by_mqtt, times(b"-_= ", b'{"data": "', b'"}')),
    "mqtt_long_name": (by_mqtt, times(b"\\u001b", b'{"id":"1","classes":[{"type":"', b'"}]}')),
    "topic_parts": (by_topic, times(b"/")),
    "topic_names": (by_topic, times(b"xy")),
}  # fmt: skip


def main() -> None:
    args = arguments(__doc__ or "").parse_args()
    sizes = SIZES[-1:] if args.quick else SIZES
    found = {name: [measured(name, size) for size in sizes] for name in INPUTS}
    figures = {
        f"{name}_{size}mb_s": seconds
        for name, some in found.items()
        for size, seconds in zip(sizes, some, strict=True)
    }
    head = ("parser and its input", *(f"{size} MB" for size in sizes))
    rows = [(name, *(f"{one:.3f}" for one in some)) for name, some in found.items()]
    show(figures, [head, *rows], as_json=args.json)


def measured(name: str, megabytes: int) -> float:
    """Return the CPU seconds of a parser, or -1 when it did not end."""
    parser, make = INPUTS[name]
    data = make(megabytes * MEGABYTE)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, struct.pack("d", seconds_of(parser, data)))
        except BaseException:  # noqa: BLE001 - whatever it is, it is shown
            traceback.print_exc()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return float(struct.unpack("d", told)[0]) if told else -1.0


def seconds_of(parser: Parser, data: bytes) -> float:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    began = time.process_time()
    with suppress(ZmhookError):
        parser(data)
    return time.process_time() - began


if __name__ == "__main__":
    main()
