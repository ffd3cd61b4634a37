"""ONNX Runtime as all our networks use it: quiet, telling nobody, leaving the cores to others."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from zmhook.errors import DetectorError, MissingPart
from zmhook.printable import one_line

ERRORS_ONLY = 3
"""Of ONNX Runtime's own log, which it writes to stderr past Python's logging."""

CPU = "CPUExecutionProvider"
NAME = "ONNX Runtime"


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


def session_options(ort: Any, threads: int) -> Any:
    """Return the options of a session that runs on so many threads."""
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
