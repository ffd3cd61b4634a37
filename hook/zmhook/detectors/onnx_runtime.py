"""Run ONNX files with ONNX Runtime: quiet, without telemetry, leaving the cores to others.

Why a file cannot be run, engines say in ways of their own, or not at all: `refusal` reads it from
the head of the file (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import mmap
import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import DetectorError, MissingPart, ModelFileError
from zmhook.printable import one_line
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from zmhook.detectors.model_files import ModelFile

ERRORS_ONLY = 3
"""Of ONNX Runtime's own log, which it writes to stderr past Python's logging."""

CPU = "CPUExecutionProvider"


def runtime(what: str, extra: str) -> Any:
    """Import ONNX Runtime for `what`, which the `extra` installs.

    Raises `MissingPart`, or `DetectorError` when it is there and does not work.
    """
    # From 1.29 on it tells its vendor about each model and machine, unless this is set before it
    # is imported. What a home's cameras run on is nobody's business.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise DetectorError(f"onnxruntime cannot be imported: {error}") from error
        raise MissingPart(what, "onnxruntime", extra) from None
    except ImportError as error:
        raise DetectorError(f"onnxruntime cannot be imported: {error}") from error
    onnxruntime.set_default_logger_severity(ERRORS_ONLY)
    return onnxruntime


def open_session(ort: Any, file: ModelFile, threads: int, providers: Sequence[str] = (CPU,)) -> Any:
    """Open a file to run on so many threads; raises `ModelFileError` with what is wrong with it."""
    try:
        # ONNX Runtime's own fallback from GPU to CPU prints to stdout, where only the answer may
        # stand.
        return ort.InferenceSession(
            str(file.path), _options(ort, threads), providers=list(providers), enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise refusal(file, error, f"ONNX Runtime {ort.__version__}", reason(error)) from error


def _options(ort: Any, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = ERRORS_ONLY
    # Between two layers threads wait for each other for microseconds: there they may spin,
    # which saves a tenth of the time. Afterwards the cores are ZoneMinder's.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    _share_memory(ort)
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def reason(error: Exception) -> str:
    """Return ONNX Runtime's message in one line, without the file's name, which we give."""
    return one_line(str(error).rpartition("failed:")[2], 300)


@cache
def _share_memory(ort: Any) -> None:
    """Have all sessions of this process take their memory from one arena, once.

    A worker may keep one network twice, for one thread and for several, and uses one at a time.
    """
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    # No limit, grown by what is asked for rather than doubled, the library's own sizes.
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(0, 1, -1, -1))


# -- why a file cannot be run ----------------------------------------------------------------------

# Numbers of fields. Of the model, the graph, its nodes and their attributes, and a tensor.
_GRAPH = 7
_INITIALIZER = 5
_NODE, _ATTRIBUTE, _TENSOR, _SUBGRAPH = 1, 5, 5, 6
_EXTERNAL = 13
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10
_DEEPEST = 4
"""Graphs within graphs."""
LONGEST_REASON = 200

_IR = re.compile(r"model IR version: (\d+), max supported IR version: (\d+)")
_OPSET = re.compile(
    r"[Oo]pset (\d+) is under development.*?domain (\S*) is till opset (\d+)", re.DOTALL
)
_NO_OPERATOR = (
    re.compile(r"([\w.:]+)\(-?\d+\) is not a registered function/op"),
    re.compile(r"No Op registered for (\w+)"),
    re.compile(r"Could not find an implementation for (\w+)"),
    re.compile(r"No conversion rule found for operations: ([\w.:]+)"),
)


class External(NamedTuple):
    """Weights that lie in another file: its name as the model has it, and the bytes needed."""

    name: str
    end: int


def refusal(file: ModelFile, error: Exception, engine: str, reason: str) -> ModelFileError:
    """Return why `engine` (its name and version) cannot open `file`, in one line.

    `reason` is the engine's own message in short, for what nothing else explains.
    """
    message = str(error)
    why = _missing(file.path) or _newer(message, engine) or _no_operator(message, engine)
    if why:
        return ModelFileError(f"{file} {why}")
    return ModelFileError(
        f"{file} is damaged or no ONNX network that {engine} understands "
        f"({reason[:LONGEST_REASON]}); {file.again}"
    )


def external(path: Path) -> list[External]:
    """Return the files beside `path` that hold its weights; empty where it cannot be read."""
    try:
        with (
            reading(path, follow=True) as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            # A copy: nothing may point into the map when it is closed.
            tensors = [_external(data[begin:end]) for begin, end in _tensors_elsewhere(data)]
    except (OSError, ValueError):
        return []
    longest: dict[str, int] = {}
    for start in tensors:
        longest[start.name] = max(start.end, longest.get(start.name, 0))
    return [External(name, end) for name, end in longest.items() if name]


def _missing(path: Path) -> str:
    for start in external(path):
        beside = path.parent / start.name
        name = one_line(start.name)
        try:
            size = beside.stat().st_size
        except OSError:
            return (
                f"has its weights in another file, {name}, which is missing beside it: "
                f"copy that to {path.parent}, too"
            )
        if size < start.end:
            return (
                f"has its weights in another file, {name}, which is cut short ({size} bytes, "
                f"{start.end} are needed): copy both again"
            )
    return ""


def _newer(message: str, engine: str) -> str:
    match = _IR.search(message)
    if match:
        return _is_newer(engine, f"IR version {match[1]}, understood up to {match[2]}")
    match = _OPSET.search(message)
    if match:
        domain = f" of {match[2]}" if match[2] != "ai.onnx" else ""
        return _is_newer(engine, f"opset {match[1]}{domain}, understood up to {match[3]}")
    return ""


def _is_newer(engine: str, what: str) -> str:
    kind = engine.rpartition(" ")[0] or engine
    return (
        f"is made for a newer {kind} than {engine.rpartition(' ')[2]}: {what}; "
        f"update {kind}, or export the network again for an older opset"
    )


def _no_operator(message: str, engine: str) -> str:
    for pattern in _NO_OPERATOR:
        match = pattern.search(message)
        if match:
            return (
                f"needs {match[1]}, which {engine} does not have: "
                "export the network again for it, or update it"
            )
    return ""


def _tensors_elsewhere(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Yield where the tensors are that have their bytes in another file."""
    for number, begin, end in _fields(data, 0, len(data)):
        if number == _GRAPH:
            yield from _in_graph(data, begin, end, _DEEPEST)


def _in_graph(data: mmap.mmap, begin: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
    for number, first, last in _fields(data, begin, end):
        if number == _INITIALIZER and _is_elsewhere(data, first, last):
            yield first, last
        elif number == _NODE and depth:
            yield from _in_node(data, first, last, depth)


def _in_node(data: mmap.mmap, begin: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
    for number, first, last in _fields(data, begin, end):
        if number != _ATTRIBUTE:
            continue
        for kind, start, other in _fields(data, first, last):
            if kind == _TENSOR and _is_elsewhere(data, start, other):
                yield start, other
            elif kind == _SUBGRAPH:
                yield from _in_graph(data, start, other, depth - 1)


def _is_elsewhere(data: mmap.mmap, begin: int, end: int) -> bool:
    return any(number == _EXTERNAL for number, _, _ in _fields(data, begin, end))


def _external(tensor: bytes) -> External:
    words: dict[bytes, bytes] = {}
    for number, begin, end in _fields(tensor, 0, len(tensor)):
        if number == _EXTERNAL:
            pair = {kind: tensor[start:other] for kind, start, other in _fields(tensor, begin, end)}
            words[pair.get(_KEY, b"")] = pair.get(_VALUE, b"")
    extent = [int(words.get(key, b"0") or b"0") for key in (b"offset", b"length")]
    return External(words.get(b"location", b"").decode("utf-8", "replace"), sum(extent))


def _fields(data: bytes | mmap.mmap, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, begin and end of each field that has bytes; raises `ValueError` for rubbish."""
    at = begin
    while at < end:
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == _BYTES:
            length, at = _varint(data, at, end)
            if length > end - at:
                raise ValueError("a field ends behind its message")
            yield number, at, at + length
            at += length
        elif kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise ValueError(f"there is no kind {kind} of fields")


def _varint(data: bytes | mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * count)
        if not byte & 0x80:
            return value, at
    raise ValueError("a number without an end")
