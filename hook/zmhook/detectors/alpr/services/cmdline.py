"""A program that reads plates and prints JSON, as OpenALPR's `alpr -j FILE` does.

It is started without a shell, as the leader of a process group of its own: when its time is over,
or it prints without end, whatever it has started ends with it.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zmhook.detectors.alpr.services.base import Plate, PlateServiceError, floor, upload
from zmhook.detectors.alpr.services.open_alpr import fits, plates
from zmhook.errors import DetectorError
from zmhook.printable import one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

MAX_OUTPUT = 1 << 20
"""Bytes that it may print."""
MOST_LINES = 1000
"""Lines of it that are looked at, one by one."""
LARGEST = 8192
MOST_BYTES = 32 << 20
_STEP = 0.05
_QUOTED = 160


class CommandLine:
    """Runs `openalpr_cmdline_binary` for each picture."""

    def __init__(self, settings: Settings) -> None:
        self._alpr = settings.alpr
        self._floor = floor(self._alpr.openalpr_cmdline_min_confidence)
        self._command: list[str] = []
        self.description = self._alpr.openalpr_cmdline_binary

    def load(self) -> None:
        alpr = self._alpr
        try:
            arguments = shlex.split(alpr.openalpr_cmdline_params)
        except ValueError as error:
            text = f"[alpr] openalpr_cmdline_params: {str(error).lower()}; close the quotes"
            raise DetectorError(text) from None
        self._command = [alpr.openalpr_cmdline_binary, *arguments]

    def read(
        self, image: npt.NDArray[np.uint8], deadline: Deadline, *, of_vehicle: bool
    ) -> list[Plate]:
        """Return the plates that it reads in a BGR picture `(height, width, 3)`."""
        del of_vehicle  # it takes any picture
        sent = upload(image, LARGEST, MOST_BYTES)
        with tempfile.TemporaryDirectory(prefix="zmhook-alpr-") as folder:
            file = Path(folder, "frame.jpg")
            file.write_bytes(sent.data)
            seconds = min(self._alpr.alpr_timeout, deadline.left())
            printed = _printed([*self._command, str(file)], seconds)
        return plates(_answer(printed, self._command[0]), sent, self._floor)

    def close(self) -> None:
        """Do nothing: no program is left running."""


def _printed(command: list[str], seconds: float) -> str:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            text = f"[alpr] openalpr_cmdline_binary: {command[0]}: {error.strerror}"
            raise PlateServiceError("the program cannot be started", text) from None
        try:
            code = _waited(process, seconds, (out, errors), command[0])
        finally:
            _end(process)
        text = _read(out)
        if code:
            why = " ".join((_read(errors) or text).split())[-_QUOTED:]
            raise PlateServiceError("the program failed", f"{command[0]} ended with {code}: {why}")
        return text


def _waited(
    process: subprocess.Popen[bytes], seconds: float, files: tuple[IO[bytes], ...], name: str
) -> int:
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        try:
            return process.wait(max(0.0, min(_STEP, left)))
        except subprocess.TimeoutExpired:
            pass
        if left <= 0:
            text = f"{name} did not end within {seconds:.3g} s ([alpr] alpr_timeout)"
            raise PlateServiceError("no answer in time", text)
        if any(os.fstat(file.fileno()).st_size > MAX_OUTPUT for file in files):
            raise PlateServiceError(
                "answer not understood", f"{name} printed more than {MAX_OUTPUT} bytes"
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MAX_OUTPUT).decode("utf-8", "replace")


def _answer(printed: str, name: str) -> dict[str, Any]:
    """Return the first JSON object with results; programs print other lines as well."""
    lines = printed.split("\n", MOST_LINES)[:MOST_LINES]
    for text in (*lines, printed[max(0, printed.find("{")) :]):
        with suppress(ValueError, RecursionError):
            content = json.loads(text)
            if isinstance(content, dict) and fits(content):
                return content
    quote = one_line(printed, _QUOTED)
    raise PlateServiceError(
        "answer not understood", f"{name} prints no JSON with 'results': '{quote}'"
    )
