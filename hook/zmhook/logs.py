"""Write the log through ZoneMinder's own log system, or to a rotating file; and to stderr.

On a machine with ZoneMinder the component is `zmesdetect_m<mid>` (`zmesdetect` without a
monitor) and pyzm writes to file, syslog and database as ZoneMinder's options say. Opening all
that takes longer than looking at a picture, so it happens in a thread of its own: records wait
in a bounded queue, and `Logs.close` gives the thread a bounded time to write them.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from zmhook.printable import lines, one_line, printable, shortened
from zmhook.process.privilege import is_only_ours, is_root
from zmhook.settings.model import without_secrets
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from zmhook.settings import Settings

QUEUE_SIZE = 10_000
CLOSE_TIMEOUT = 5.0
FILE_BYTES = 5_000_000
FILE_COUNT = 3
MOST_SINKS = 32
LONGEST = 10_000
"""Characters of a record, or of a line of a traceback."""

log = logging.getLogger("zmhook")


def component(monitor_id: int | None) -> str:
    return "zmesdetect" if monitor_id is None else f"zmesdetect_m{monitor_id}"


class Logs:
    """The log of one process. `close` once at the end.

    A record may carry a `monitor_id` of its own, and goes to that monitor's component. `in_force`
    returns all settings whose secrets are masked; without it those of `settings` are.
    """

    def __init__(
        self,
        settings: Settings,
        monitor_id: int | None,
        *,
        debug: bool = False,
        in_force: Callable[[], Iterable[Settings]] | None = None,
    ) -> None:
        self._settings = settings
        self._component = component(monitor_id)
        self._debug = debug
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(QUEUE_SIZE)
        # A sink that fails (no syslog socket, a full disk) must not print tracebacks.
        logging.raiseExceptions = False
        log.handlers.clear()
        log.setLevel(logging.DEBUG)
        log.propagate = False
        clean = _Clean(in_force or (lambda: [settings]), debug=debug)
        for handler in (self._stderr(), _ToQueue(self._queue)):
            handler.addFilter(clean)
            log.addHandler(handler)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Write what is waiting, for at most `timeout` seconds."""
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _stderr(self) -> logging.Handler:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("zmhook: %(levelname)s: %(message)s"))
        if self._debug:
            handler.setLevel(logging.DEBUG)
        else:
            handler.setLevel(logging.INFO if sys.stderr.isatty() else logging.ERROR)
        return handler

    def _write(self) -> None:
        sinks: OrderedDict[str, Sink] = OrderedDict()
        self._sink(sinks, self._component)
        while (record := self._queue.get()) is not None:
            # A log must never be what ends an event.
            with contextlib.suppress(Exception):
                self._sink(sinks, self._component_of(record)).write(record)
        for sink in sinks.values():
            with contextlib.suppress(Exception):
                sink.close()

    def _component_of(self, record: logging.LogRecord) -> str:
        monitor_id = getattr(record, "monitor_id", None)
        return self._component if monitor_id is None else component(monitor_id)

    def _sink(self, sinks: OrderedDict[str, Sink], name: str) -> Sink:
        if name not in sinks:
            if len(sinks) >= MOST_SINKS:
                with contextlib.suppress(Exception):
                    sinks.popitem(last=False)[1].close()
            sinks[name] = _open_sink(self._settings, name, debug=self._debug)
        sinks.move_to_end(name)
        return sinks[name]


class Sink(Protocol):
    """A destination of the thread that writes."""

    def write(self, record: logging.LogRecord) -> None: ...

    def close(self) -> None: ...


class _ZoneMinder:
    """Through pyzm, which knows ZoneMinder's levels, debug targets and tables."""

    def __init__(self, name: str, conf_path: str, *, debug: bool) -> None:
        from pyzm.log import ZMLogAdapter, setup_zm_logging

        override: dict[str, object] = {"conf_path": conf_path}
        if is_root() and not is_only_ours(_zoneminder_logs(conf_path)):
            # pyzm opens the file by its name, and gives what it opened to the web server's user.
            override |= {"log_level_file": -5, "log_debug_file": " "}
        if debug:
            override |= {"log_debug": 1, "log_level_debug": 1, "log_level_file": 1}
        shared = logging.getLogger("pyzm")
        before = shared.handlers[:]
        config = setup_zm_logging(name=name, override=override).get_config()
        # pyzm has one logger for a process; a service writes for many monitors.
        own = logging.getLogger(f"zoneminder.{name}")
        own.setLevel(logging.DEBUG)
        own.propagate = False
        own.handlers, shared.handlers = shared.handlers, before
        self._adapter = ZMLogAdapter(own, config, name)

    def write(self, record: logging.LogRecord) -> None:
        text, caller = record.getMessage(), _Caller.of(record)
        if record.levelno <= logging.DEBUG:
            self._adapter.Debug(1, text, caller=caller)
        elif record.levelno <= logging.INFO:
            self._adapter.Info(text, caller=caller)
        elif record.levelno <= logging.WARNING:
            self._adapter.Warning(text, caller=caller)
        else:
            self._adapter.Error(text, caller=caller)

    def close(self) -> None:
        self._adapter.close()


def _zoneminder_logs(conf_path: str) -> str:
    """Return the folder of ZoneMinder's logs, as its configuration says."""
    from pathlib import Path

    log_folder = "/var/log/zm"
    for file in [Path(conf_path, "zm.conf"), *sorted(Path(conf_path, "conf.d").glob("*.conf"))]:
        with contextlib.suppress(OSError):
            for line in read(file, follow=True).decode("utf-8", "replace").splitlines():
                name, _, value = line.partition("=")
                if name.strip() == "ZM_PATH_LOGS":
                    log_folder = value.partition("#")[0].strip() or log_folder
    return log_folder


class _Caller:
    """The code position of a log call, in pyzm's form."""

    def __init__(self, filename: str, lineno: int) -> None:
        self.filename = filename
        self.lineno = lineno

    @classmethod
    def of(cls, record: logging.LogRecord) -> _Caller:
        return cls(record.pathname, record.lineno)


class _File:
    """A plain rotating file, where there is no ZoneMinder."""

    def __init__(self, name: str, folder: str, *, debug: bool) -> None:
        from pathlib import Path

        Path(folder).mkdir(parents=True, exist_ok=True)
        path = Path(folder, f"{name}.log")
        _rotate(path)
        self._handler = logging.FileHandler(path, encoding="utf-8")
        form = f"%(asctime)s {name}[%(process)d] %(levelname)s %(module)s:%(lineno)d %(message)s"
        self._handler.setFormatter(logging.Formatter(form))
        self._least = logging.DEBUG if debug else logging.INFO

    def write(self, record: logging.LogRecord) -> None:
        if record.levelno >= self._least:
            self._handler.handle(record)

    def close(self) -> None:
        self._handler.close()


def _rotate(path: Path) -> None:
    """Put a full file aside; what does it costs 10 ms to import, so only a full one pays."""
    if not path.exists() or path.stat().st_size < FILE_BYTES:
        return
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILE_COUNT, delay=True)
    handler.doRollover()
    handler.close()


class _Nowhere:
    """No log can be opened; stderr still shows what matters."""

    def write(self, record: logging.LogRecord) -> None:
        del record

    def close(self) -> None:
        pass


def _open_sink(settings: Settings, name: str, *, debug: bool) -> Sink:
    general = settings.general
    try:
        if _has_zoneminder(general.base_zm_conf_path):
            return _ZoneMinder(name, general.base_zm_conf_path, debug=debug)
        return _File(name, general.log_path, debug=debug)
    except ImportError:
        return _Nowhere()
    except Exception as error:  # noqa: BLE001 - whatever pyzm or the disk say, the event goes on
        if sys.stderr.isatty():
            sys.stderr.write(f"zmhook: no log is written: {one_line(error)}\n")
        return _Nowhere()


def _has_zoneminder(conf_path: str) -> bool:
    from pathlib import Path

    try:
        Path(conf_path, "zm.conf").open("rb").close()
    except OSError:
        return False
    return True


class _ToQueue(logging.Handler):
    """Hands a record to the thread; when it cannot keep up, the record is given up."""

    def __init__(self, to: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__(logging.DEBUG)
        self._to = to

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self._to.put_nowait(record)


class _Clean(logging.Filter):
    """The last line of defence, whatever was put into a record.

    A known secret is masked. A record is one line, with nothing in it that a terminal obeys; only
    with `debug` a traceback follows, set in, so that no line of it can pass for a record.
    """

    def __init__(self, in_force: Callable[[], Iterable[Settings]], *, debug: bool) -> None:
        super().__init__()
        self._in_force = in_force
        self._debug = debug

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error and self._debug:
            record.exc_text = self._set_in(error)
        elif error:
            text = f"{text} ({type(error).__name__}: {error}{_location(error)})"
        record.msg, record.args = printable(shortened(self._masked(text), LONGEST)), None
        record.exc_info = record.stack_info = None
        return True

    def _masked(self, text: str) -> str:
        return without_secrets(text, self._in_force())

    def _set_in(self, error: BaseException) -> str:
        import traceback

        text = self._masked("".join(traceback.format_exception(error)).rstrip())
        return "\n".join(f"    {line}" for line in lines(text, LONGEST))


def _location(error: BaseException) -> str:
    """Return where an error was raised, in the form `, name.py:12`."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    if at is None:
        return ""
    return f", {at.tb_frame.f_code.co_filename.rpartition('/')[2]}:{at.tb_lineno}"
