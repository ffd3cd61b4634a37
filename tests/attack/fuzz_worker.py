"""Tries damaged input in a process of its own: fuzz_worker.py KIND SEED FIRST COUNT.

Each case depends on the seed and its number alone. Its number is printed before it is tried, so
that a crash is known by it; what was lost is printed as a line of JSON. A case survives when it
ends in a result or in an error of our tree, within 20 seconds and a gigabyte.
"""

from __future__ import annotations

import base64
import json
import random
import resource
import signal
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from zmhook.errors import ZmhookError
from zmhook.image.decode import decode
from zmhook.image.sniff import describe
from zmhook.migrate import migration
from zmhook.settings import Mqtt, Settings, load
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.snapshot import Amendment, BestSnapshot
from zmhook.snapshots.topics import Topics

SECONDS = 20
MEMORY = 1 << 30
MOST_PIXELS = 1_000_000
ROOT = Path(__file__).resolve().parents[2]

Dice = random.Random
ODD_BYTES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff")
ODD_TEXTS = (
    *("", " ", "\0", "\n", "[", "]", "=", "#", "%", "%%", "{{a}}", "{{", "!A", "!", '"', "'", ";"),
    *("\x1b[2J", "\u2028", "\u202e", "\ufeff", "🐈", "9" * 400, "-1", "1e999", "nan", "x" * 5000),
    *("0x10", "../../etc/passwd", "$(id)", "(a+)+$", "(|)" * 40, "yes", "no", "1,1 2,2", ",,,"),
)
ODD_VALUES = (
    *(None, True, -1, 0, 2**63, 10**400, 1e308, -0.0, "", "x" * 3000, "\x1b[2J\u2028", "\ud800"),
    *([], {}, [[]], [None] * 50, {"data": None}, {"": ""}, "2026-13-45T99:99:99Z", "/9j/", "nan"),
)


# -- how input is damaged --------------------------------------------------------------------------


def cut(data: bytes, dice: Dice) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def flip(data: bytes, dice: Dice) -> bytes:
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        if found:
            found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
    return bytes(found)


def put(data: bytes, dice: Dice) -> bytes:
    at, odd = dice.randrange(len(data) + 1), dice.choice(ODD_BYTES)
    return data[:at] + odd + data[at + dice.choice((0, len(odd))) :]


def repeat(data: bytes, dice: Dice) -> bytes:
    begin, end = sorted(dice.randrange(len(data) + 1) for _ in "ab")
    return data[:end] + data[begin:end] * dice.choice((1, 2, 20)) + data[end:]


def drop(data: bytes, dice: Dice) -> bytes:
    begin, end = sorted(dice.randrange(len(data) + 1) for _ in "ab")
    return data[:begin] + data[end:]


def damaged(data: bytes, dice: Dice) -> bytes:
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        data = dice.choice((cut, flip, flip, flip, put, put, repeat, drop))(data, dice)
    return data


# -- pictures --------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, data: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    """Return a picture whose frame may be larger than its screen, as its header does not say."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    body = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00"
    return head + body + b";"


@cache
def pictures() -> list[bytes]:
    image = np.indices((48, 64)).sum(0).astype(np.uint8)[:, :, None] * np.uint8([1, 2, 3])
    made = [bytes(cv2.imencode(f".{kind}", image)[1]) for kind in ("jpg", "png", "webp", "bmp")]
    progressive = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    made += [bytes(cv2.imencode(".jpg", image, progressive)[1])]
    made += [bytes(cv2.imencode(".png", image.astype(np.uint16) * 257)[1])]
    made += [bytes(cv2.imencode(".tiff", image)[1]), gif((64, 48), (64, 48))]
    turned = (
        b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    )
    return [*made, made[0][:2] + turned + made[0][2:]]


@cache
def bombs() -> list[bytes]:
    zeros = zlib.compress(b"\0" * 50_000_000, 9)
    jpeg = pictures()[0]
    at = jpeg.index(b"\xff\xc0") + 5
    huge = [
        jpeg[:at] + struct.pack(">HH", *size) + jpeg[at + 4 :]
        for size in ((65535, 65535), (9999, 9))
    ]
    return [
        *huge,
        *(png(side, side, zeros) for side in (1, 1000, 4000, 65_535, 2**31 - 1)),
        *(gif((1, 1), (side, side)) for side in (2, 1000, 4000, 65_535)),
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 200_000,
        b"\xff\xd8" + b"\xff" * 1_000_000,
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, -1, 1, 24, *[0] * 6),
        b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\0" * 4
        + b"\xff" * 6,
        b"<title " * 100_000,
        b"[" * 1_000_000,
    ]


def picture_case(seed: int, number: int) -> None:
    dice = Dice(f"{seed} {number}")
    special = bombs()
    if number < len(special):
        data = special[number]
    elif number % 3:
        data = damaged(dice.choice(pictures()), dice)
    else:  # cut at each place in turn
        whole = pictures()[number // 3 % len(pictures())]
        data = whole[: number * 7 % len(whole)]
    say = describe(data)
    assert say.isprintable(), say
    image = decode(data, "fuzz", MOST_PIXELS)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    assert image.shape[0] * image.shape[1] <= MOST_PIXELS, f"{image.shape} pixels were made"


# -- settings --------------------------------------------------------------------------------------


def odd_lines(text: str, dice: Dice) -> str:
    """Exchange, double, drop and change whole lines and values, as hands do."""
    lines = text.split("\n")
    for _ in range(dice.choice((1, 2, 5, 20))):
        at = dice.randrange(len(lines))
        name = lines[at].partition("=")[0].lstrip("#")
        lines[at : at + 1] = dice.choice(
            (
                [],
                [lines[at]] * 2,
                [f"{name}= {dice.choice(ODD_TEXTS)}"],
                [dice.choice(ODD_TEXTS), lines[at]],
                [f"[{dice.choice(ODD_TEXTS)}]", lines[at]],
                [lines[at], f"  {dice.choice(lines)}"],
                [dice.choice(lines)],
            )
        )
    return "\n".join(lines)


def settings_case(seed: int, number: int) -> None:
    dice = Dice(f"{seed} {number}")
    texts = [
        (ROOT / name).read_text("utf-8") for name in ("objectconfig.ini", "secrets.ini.example")
    ]
    which = dice.randrange(2)
    if number and dice.random() < 0.7:
        texts[which] = odd_lines(texts[which], dice)
    files = [text.encode("utf-8", "surrogatepass") for text in texts]
    if number and dice.random() < 0.4:
        files[which] = damaged(files[which], dice)
    with tempfile.TemporaryDirectory() as folder:
        config, secrets = Path(folder, "objectconfig.ini"), Path(folder, "secrets.ini")
        config.write_bytes(files[0])
        secrets.write_bytes(files[1])
        secrets.chmod(0o600)
        (attempt_migration if number % 5 == 1 else attempt_load)(config)


def attempt_load(config: Path) -> None:
    found = load(str(config))
    for settings in (found.general, *found.monitors.values(), found.for_monitor(7)):
        assert isinstance(settings, Settings)
    assert all(warning.isprintable() for warning in found.warnings), found.warnings


def attempt_migration(config: Path) -> None:
    text = config.read_bytes().replace(b"[gate]", b"[old]").replace(b"[service]", b"[other]")
    config.write_bytes(text)
    migration.migrate(str(config))


# -- messages of cameras ---------------------------------------------------------------------------


def messages() -> list[object]:
    jpeg = base64.b64encode(pictures()[0]).decode()
    box = {"left": 0.1, "top": 0.1, "right": 0.4, "bottom": 0.9}
    image = {"data": jpeg, "bounding_box": box, "timestamp": "2026-03-20T10:17:46.0Z"}
    classes = [{"type": "Human", "score": 0.8, "colors": [{"name": "red", "score": 0.5}]}]
    path = [{"timestamp": "2026-03-20T10:17:46.0Z", "bounding_box": box}]
    track = {
        "id": "track-1",
        "channel_id": 1,
        "start_time": "2026-03-20T10:17:45.5Z",
        "end_time": "2026-03-20T10:17:48.5Z",
        "duration": 3.0,
        "classes": classes,
        "image": image,
        "path": path,
        "parts": [{"object_track_id": "a"}],
        "end_reason": "Lost",
    }
    observation = {"track_id": "7", "bounding_box": box, "class": classes[0], "image": image}
    gone = {"type": "DeleteOperation", "id": "7"}
    after = {
        "id": "1.2-a",
        "camera": "door",
        "label": "person",
        "top_score": 0.9,
        "start_time": 1.0,
        "end_time": None,
        "snapshot": {"frame_time": 1.0, "score": 0.9},
        "entered_zones": ["a"],
        "sub_label": ["x", 0.3],
    }
    return [
        track,
        {"tracks": [{"object": track}, track]},
        {"data": {"message": track}},
        {"id": "p", "object_track_id": "track-1", "data": jpeg, "crop_box": box, "timestamp": 1.5},
        {"frame": {"observations": [observation], "operations": [gone]}},
        {"frame": {"operations": [{"type": "RenameOperation", "from": "7", "to": "8"}]}},
        {"type": "new", "before": after, "after": after},
        {"type": "end", "before": after, "after": after},
    ]  # fmt: skip


def odd_value(value: object, dice: Dice) -> object:
    """Exchange a value somewhere within."""
    if dice.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return dice.choice(ODD_VALUES)
    if isinstance(value, list):
        at = dice.randrange(len(value))
        return [*value[:at], odd_value(value[at], dice), *value[at + 1 :]] * dice.choice((1, 1, 3))
    key, other = dice.choice(list(value)), dice.choice(list(value))
    changed = {**value, key: odd_value(value[key], dice)}
    if dice.random() < 0.2:
        changed[other] = changed.pop(key)
    return changed


def payload(dice: Dice) -> bytes:
    """Return one damaged message, or picture."""
    if dice.random() < 0.1:
        return damaged(dice.choice(pictures()), dice)
    message = dice.choice(messages())
    for _ in range(dice.choice((0, 1, 1, 2, 6))):
        message = odd_value(message, dice)
    data = json.dumps(message, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    return damaged(data, dice) if dice.random() < 0.4 else data


def topic(dice: Dice) -> str:
    levels = [
        dice.choice(("frigate", "axis", "door", "person", "snapshot", "", "$SYS", "x\x1b[2J"))
    ]
    levels += [dice.choice(("door", "a" * 3000, "7", "snapshot", "\u202e")) for _ in range(3)]
    return "/".join(levels[: dice.randrange(1, 5)])


INTERPRETER: list[Interpreter] = []


def mqtt_case(seed: int, number: int) -> None:
    """Each goes to the interpreter of those before, which remembers what they said."""
    dice = Dice(f"{seed} {number}")
    if not INTERPRETER:
        mqtt = Mqtt(mqtt_topic=("axis/{camera}/+", "frigate/#", "#"))
        INTERPRETER.append(Interpreter(Topics.from_settings(Settings(mqtt=mqtt))))
    for _ in range(10):
        said = ""
        try:
            found = INTERPRETER[0].read(
                topic(dice), payload(dice), retained=dice.random() < 0.1, received=1.8e9
            )
        except ZmhookError as error:
            found, said = [], str(error)
        assert said.isprintable(), said
        assert len(said) < 2000, said
        assert all(isinstance(one, BestSnapshot | Amendment) for one in found)


# -- the process -----------------------------------------------------------------------------------

KINDS: dict[str, Callable[[int, int], None]] = {
    "pictures": picture_case,
    "settings": settings_case,
    "mqtt": mqtt_case,
}


def too_slow(*_: object) -> None:
    raise TimeoutError(f"not done in {SECONDS} s")


def attempt(case: Callable[[int, int], None], seed: int, number: int) -> str:
    """Return what was lost; "" for a case that survived."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        case(seed, number)
    except ZmhookError as error:
        return "" if str(error).isprintable() else f"an error that is not one line: {error!r}"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def main(kind: str, seed: int, first: int, count: int) -> None:
    signal.signal(signal.SIGALRM, too_slow)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for number in range(first, first + count):
        print(number, flush=True)
        if lost := attempt(KINDS[kind], seed, number):
            print(json.dumps(lost), flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
