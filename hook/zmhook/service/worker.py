"""A worker process: owns models, decides one event at a time.

It talks with the supervisor over the socket that is its stdin, and ends when that closes. Run as
`python -m zmhook.service.worker`.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import FrameNotNeeded, FrameUnavailable, SettingsError, ZmhookError
from zmhook.frames.base import FrameSource
from zmhook.process import environment, startup
from zmhook.service.wire import (
    HEAD,
    DecideJob,
    DecideResult,
    FetchedPicture,
    FrameData,
    FrameRequest,
    InferJob,
    InferResult,
    LoadModels,
    LogLine,
    Message,
    Ready,
    packed,
    unpacked,
)
from zmhook.settings.model import from_plain
from zmhook.text.unexpected import lacks_resources, logged

if TYPE_CHECKING:
    from zmhook.chain import Chain
    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.base import Pending

log = logging.getLogger(__name__)

CHAINS = 8
"""Chains that a worker keeps: monitors with other models have others."""


class Wire:
    """Blocking messages to and from the supervisor; sending is safe from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._stream = connection.makefile("rb")

    def send(self, message: Message) -> None:
        with self._lock:
            self._connection.sendall(packed(message))

    def receive(self) -> Message:
        """Return the next message; raises `EOFError` when the supervisor has gone."""
        return unpacked(self._exactly(*HEAD.unpack(self._exactly(HEAD.size))))

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Worker:
    """Takes jobs until the supervisor goes."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.chains: OrderedDict[str, tuple[str, Chain]] = OrderedDict()

    def run(self) -> None:
        while True:
            message = self.wire.receive()
            if isinstance(message, LoadModels):
                self._prepare(message)
            elif isinstance(message, DecideJob):
                self._decide(message)
            elif isinstance(message, InferJob):
                self.wire.send(self._infer(message))
            self.wire.send(Ready(_rss_mb(), self._loaded()))

    def _prepare(self, message: LoadModels) -> None:
        try:
            self._chain(message.settings, message.fingerprint).load()
        except ZmhookError as error:
            # The event that needs it will say so again; here it is only early.
            log.warning("%s", error)

    def _decide(self, job: DecideJob) -> None:
        from zmhook.deadline import Deadline
        from zmhook.decide import Decided, decide_event
        from zmhook.detection import Decision
        from zmhook.report import publish

        try:
            settings = from_plain(job.settings)
        except SettingsError as error:  # the package of a section is gone
            self.wire.send(DecideResult(Decision.undecided(job.event, str(error))))
            return
        try:
            chain = self._chain(job.settings, job.fingerprint)
            source = _Handed(self.wire, job.picture)
            deadline = Deadline(job.seconds)
            decided = decide_event(
                job.event, settings, deadline=deadline, chain=chain, source=source
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker goes on
            is_ours = isinstance(error, ZmhookError)
            why = str(error) if is_ours else logged(log, error, job.event)
            decision = Decision.undecided(job.event, why)
            decided = Decided(decision, None, lacks_resources=lacks_resources(error))
        self.wire.send(DecideResult(decided.decision, decided.lacks_resources))
        try:
            publish(decided, settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker goes on
            logged(log, error, f"{job.event}: the report is incomplete")

    def _infer(self, job: InferJob) -> InferResult:
        from zmhook.deadline import Deadline
        from zmhook.service.inference_runner import InferenceRunner

        try:
            chain = self._chain(job.settings, job.fingerprint)
            pixels = from_plain(job.settings).general.max_picture_pixels
            return InferenceRunner(chain, job, Deadline(job.seconds), pixels).run()
        except ZmhookError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker goes on
            why = logged(log, error)
        return InferResult(errors=dict.fromkeys(job.task.models, why))

    def _chain(self, settings: dict[str, Any], fingerprint: str) -> Chain:
        """Return the chain of these settings, which is the same for many monitors."""
        from zmhook.chain import Chain

        key = _models_key(settings)
        made_of, chain = self.chains.pop(key, ("", None))
        if chain and made_of != fingerprint:
            chain.close()
            chain = None
        if chain is None:
            self._make_room()
            chain = Chain.from_settings(from_plain(settings))
        self.chains[key] = fingerprint, chain
        return chain

    def _make_room(self) -> None:
        """Close the chain unused for longest."""
        while len(self.chains) >= CHAINS:
            self.chains.popitem(last=False)[1][1].close()

    def _loaded(self) -> list[str]:
        models = [name for _, chain in self.chains.values() for name in chain.loaded()]
        return list(dict.fromkeys(models))


class _Handed(FrameSource):
    """A source of pictures that asks the supervisor for all but the first."""

    def __init__(self, wire: Wire, first: FetchedPicture) -> None:
        self.wire = wire
        self.first = first

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        from zmhook.frame import Picture
        from zmhook.frames.base import Pending

        deadline.check(f"fetching {frame_id}")
        picture = self.first if self.first.id == frame_id else self._ask(frame_id)
        if picture.pause is not None:
            return Pending(FrameUnavailable(picture.error), picture.pause, picture.cheap)
        if not picture.needed:
            raise FrameNotNeeded(picture.error)
        if picture.error:
            raise FrameUnavailable(picture.error)
        return Picture(picture.data, picture.id, picture.origin, picture.crop)

    def _ask(self, frame_id: str) -> FetchedPicture:
        self.wire.send(FrameRequest(frame_id))
        answer = self.wire.receive()
        if not isinstance(answer, FrameData):
            raise FrameUnavailable(f"{frame_id}: the service answered something else")
        return answer.picture


class _LogToSupervisor(logging.Handler):
    """The supervisor writes the log, so that an event's lines stand in one place."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self._wire.send(LogLine(record.levelno, text, record.pathname, record.lineno))


def _models_key(settings: dict[str, Any]) -> str:
    """Return what makes one chain another; monitors differ mostly in the rest."""
    from zmhook.detectors.base import BUILT_IN

    models = settings["general"]["models"]
    if not set(models) <= set(BUILT_IN):
        return repr(settings)
    # Gemini is asked these questions, and blurs faces as [face] finds them.
    more = [settings["prompts"], settings["face"]] if "gemini" in models else []
    more += [settings["plates"]] if "alpr" in models else []
    folder = settings["general"]["base_data_path"]
    more += [settings["general"]["reduced_decoding"]]
    where = [settings["remote"]]
    if settings["remote"]["ml_gateway_mode"] == "url":
        where.append(settings["general"])  # the portal's addresses and its login are sent
    return repr([folder, where, [(name, settings[name]) for name in models], more])


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    startup.prepare(startup.HOOK_UMASK)
    environment.trust_environment()
    startup.end_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    wire = Wire(connection)
    root = logging.getLogger("zmhook")
    root.setLevel(logging.DEBUG)
    root.addHandler(_LogToSupervisor(wire))
    root.propagate = False
    try:
        Worker(wire).run()
    except (EOFError, OSError):
        # Skip taking the models apart: the process ends here.
        os._exit(0)


if __name__ == "__main__":
    main()
