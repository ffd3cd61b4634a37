"""Bad pictures, weights and configurations: one clear line, exit 2, nothing lost."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def one_clear_line(said, *words: str) -> None:
    """Exit 2, nothing on stdout, one line on stderr that holds the words, no traceback."""
    assert (said.code, said.out) == (2, ""), said
    assert len(said.err.splitlines()) == 1, said.err
    assert "Traceback" not in said.err
    assert "internal error" not in said.err
    for word in words:
        assert word in said.err


def png(
    width: int, height: int, bits: int = 8, colour: int = 2, rows: bytes | None = None
) -> bytes:
    """A PNG whose header claims this size (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = zlib.compress(rows if rows is not None else b"")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


BAD_PICTURES = {
    "empty": (b"", "empty"),
    "html": (
        b"<!DOCTYPE html><html><head><title>ZM - Login</title></head></html>",
        "bytes of HTML",
    ),
    "noise": (b"\x00\x01\x02\x03" * 999, "picture"),
    "bomb": (png(20_000, 20_000), "20000"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture(name: str, config, detect, tmp_path: Path) -> None:
    data, word = BAD_PICTURES[name]
    picture = tmp_path / f"{name}.jpg"
    picture.write_bytes(data)

    one_clear_line(detect("-c", config(), "--file", picture), str(picture), word)


def test_a_truncated_picture(config, detect, photo, tmp_path: Path) -> None:
    picture = tmp_path / "cut.jpg"
    picture.write_bytes(photo("dog.jpg").read_bytes()[:100_000])

    one_clear_line(detect("-c", config(), "--file", picture), str(picture))


def test_a_picture_cut_short_in_the_event_folder(config, hook, photo, tmp_path: Path) -> None:
    folder = tmp_path / "17"
    folder.mkdir()
    (folder / "snapshot.jpg").write_bytes(photo("dog.jpg").read_bytes()[:4096])
    path = config("frame_id = snapshot\nmax_attempts = 2\nsleep_between_attempts = 0.1")

    one_clear_line(hook(path, "17", "1", "", "", folder), "snapshot.jpg")


@pytest.mark.parametrize("what", ["directory", "missing", "no permission"])
def test_a_file_that_cannot_be_read(what: str, config, bound_detect, photo, tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    if what == "directory":
        picture.mkdir()
    elif what == "no permission":
        picture.write_bytes(photo("dog.jpg").read_bytes())
        picture.chmod(0)

    one_clear_line(bound_detect("-c", config(), "--file", picture), str(picture))


BAD_WEIGHTS: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "a picture": lambda _: b"\xff\xd8\xff\xe0" + b"\0" * 4000,
}


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_bad_weights(kind: str, config, detect, model, photo, tmp_path: Path) -> None:
    weights = tmp_path / "bad.onnx"
    weights.write_bytes(BAD_WEIGHTS[kind](model("yolox_nano_416.onnx").read_bytes()))
    path = config()

    said = detect("-c", path, "--file", photo("dog.jpg"), "-O", f"yolo.weights={weights}")

    one_clear_line(said, str(weights), "weights")


def test_missing_weights(config, detect, photo, tmp_path: Path) -> None:
    said = detect(
        "-c", config(), "--file", photo("dog.jpg"), "-O", f"yolo.weights={tmp_path}/none.onnx"
    )

    one_clear_line(said, "none.onnx", "correct the setting")


def test_labels_of_the_wrong_count(config, detect, photo, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")

    said = detect("-c", config(), "--file", photo("dog.jpg"), "-O", f"yolo.labels={labels}")

    one_clear_line(said, str(labels), "2", "80")


BAD_CONFIGS = {
    "unknown key": ("[general]\nmodls = yolo\n", ("[general]", "modls", "models")),
    "wrong type": ("[general]\nwait = soon\n", ("[general]", "wait", "soon")),
    "duplicate section": ("[yolo]\n[yolo]\n", ("[yolo]", "twice")),
    "no section": ("models = yolo\n", ("section",)),
    "unknown model": ("[general]\nmodels = yolow\n", ("yolow", "yolo")),
    "bad pattern": ("[general]\ndetect_pattern = (person\n", ("detect_pattern",)),
}


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_a_bad_configuration(what: str, detect, photo, tmp_path: Path) -> None:
    text, words = BAD_CONFIGS[what]
    path = tmp_path / "bad.ini"
    path.write_text(text)

    said = detect(
        "-c", path, "--file", photo("dog.jpg"), "-O", f"general.base_data_path={tmp_path}"
    )

    one_clear_line(said, *words)


def test_a_configuration_that_is_not_there(detect, photo, tmp_path: Path) -> None:
    one_clear_line(detect("-c", tmp_path / "none.ini", "--file", photo("dog.jpg")), "none.ini")


def test_a_missing_part_names_the_extra(config, detect, photo, tmp_path: Path) -> None:
    """Without the yolo extra's package, the message says what to install."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "onnxruntime.py").write_text(
        "raise ModuleNotFoundError('not here', name='onnxruntime')\n"
    )

    said = detect("-c", config(), "--file", photo("dog.jpg"), PYTHONPATH=str(hidden))

    one_clear_line(said, "onnxruntime", "--with yolo")


def fill(path: Path) -> None:
    """Write until the disk says it is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


@pytest.fixture
def full_disk(tmp_path: Path):
    """A file system with no room left."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(
            f"optional: cannot mount a small file system here ({mounted.stderr.decode().strip()})"
        )
    try:
        fill(folder / "filler")
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_does_not_cost_the_alarm(
    config, hook, photo, event_folder, full_disk: Path
) -> None:
    """Kept pictures, log, objdetect.jpg: none can be written, the answer goes out."""
    path = config(
        f"image_path = {full_disk}/images\nlog_path = {full_disk}/logs\ndelete_after_analyze = no"
    )
    event = full_disk / "event"
    event.symlink_to(event_folder())

    said = hook(path, "17", "1", "", "", event)

    assert said.code == 0
    assert said.text.startswith("[s] detected:")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_an_event_folder_that_cannot_be_written(
    how: str, config, hook, photo, full_disk: Path, tmp_path: Path
) -> None:
    (full_disk / "filler").unlink()
    if how == "read-only":
        subprocess.run(["mount", "-o", "remount,size=1m", full_disk], check=True)
        (full_disk / "snapshot.jpg").write_bytes(photo("dog.jpg").read_bytes())
        subprocess.run(["mount", "-o", "remount,ro", full_disk], check=True)
    else:
        subprocess.run(["mount", "-o", "remount,size=168k", full_disk], check=True)
        (full_disk / "snapshot.jpg").write_bytes(photo("dog.jpg").read_bytes())

    said = hook(config(), "17", "1", "", "", full_disk)

    assert said.code == 0
    # objects.json is small enough for what is left; the picture is not there in part.
    assert {path.name for path in full_disk.iterdir()} <= {"snapshot.jpg", "objects.json"}
    assert "Traceback" not in said.err
