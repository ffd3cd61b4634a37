"""`zm_detect.py`: one event in, one detection string out.

The exit code is 0 when something was detected, 1 when nothing was, 2 when no decision could be
made.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from zmhook.cli.answer import FOUND, NOTHING, UNDECIDED, Answer
from zmhook.cli.arguments import Parser
from zmhook.cli.called import called
from zmhook.cli.output import complain, say
from zmhook.cli.unread import let_readers_go
from zmhook.deadline import Deadline, reserve, usable
from zmhook.errors import RightsError, SettingsError, ZmhookError
from zmhook.printable import one_line, plain_json
from zmhook.process import startup
from zmhook.text.ids import parsed, parsed_or_none
from zmhook.text.names import spelled
from zmhook.text.unexpected import unexpected
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.cli.ask import Answered
    from zmhook.cli.guard import Progress
    from zmhook.decide import Decided
    from zmhook.detection import Decision
    from zmhook.event import Event
    from zmhook.frames.file import FileSource
    from zmhook.logs import Logs
    from zmhook.settings import Config, Settings

CLOSE_TIMEOUT = 5.0
LEAST_CLOSE = 0.5
"""Seconds that the log has in any case: it says why an event was not decided in time."""
NOT_WRITTEN = "the answer could not be written"
CONFIG = "/etc/zm/objectconfig.ini"

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    startup.prepare(startup.HOOK_UMASK)
    let_readers_go()
    args, unknown = _parser().parse_known_args(argv)
    args.unknown = unknown
    if args.annotation:
        startup.silence_stderr()
    if args.bareversion:
        say(__version__)
        return 0
    if args.check_config:
        return _check_config(args)
    if args.file is None and args.eventid is None:
        _parser().error(f"give --eventid, or --file for a picture without an event{_unknown(args)}")
    if args.annotation and args.file is None:
        _parser().error("--annotation is about one picture: give --file")
    if args.explain:
        return _explain(args)
    from zmhook.cli.guard import Guard, Progress

    began = called()
    return Guard(began).run(
        lambda progress: _Run(args, began, progress).run(),
        lambda why: _Run(args, began, Progress(), undecided=why).run(),
    )


class _Run:
    """One event, from the arguments to the exit code; the standard files must be open."""

    def __init__(
        self, args: argparse.Namespace, began: float, progress: Progress, undecided: str = ""
    ) -> None:
        self.args = args
        self.progress = progress
        self.undecided = undecided
        self.answer = Answer()
        self.code: int | None = None
        self.event, self.mistake = _event(args)
        self.settings, self.settings_error, self.refused = _settings(args, self.event.monitor_id)
        seconds = self.settings.general.event_deadline
        self.deadline = Deadline(usable(seconds), since=began)
        self.end = began + seconds
        progress.must_end(self.end - reserve(seconds) / 2, self.end)
        self.file: str | FileSource = ""
        if self.refused is None:
            self.file, self.refused = _settled(self.settings, args.file)
        progress.end_with_parent()
        self.logs = self._logs()

    def run(self) -> int:
        from zmhook.process.limits import Watchdog

        if self.refused:
            return self._refuse(self.refused)
        if self.undecided:  # the guard answers, and ends itself in time
            return self._run_closed()
        spare = reserve(self.settings.general.event_deadline)
        watchdog = Watchdog(self.deadline.left(), self._expired, spare / 4, spare)
        try:
            return self._run_closed()
        finally:
            watchdog.stop()

    def _run_closed(self) -> int:
        try:
            return self._run()
        finally:
            self._close(min(CLOSE_TIMEOUT, max(LEAST_CLOSE, self.end - time.monotonic())))

    def _run(self) -> int:
        self._warn_of_unknown()
        if self.mistake:
            log.error("%s", self.mistake)
            return self._answer("", UNDECIDED)
        if self.args.undelivered:
            log.error("%s: %s: %s", self.event, NOT_WRITTEN, self.args.undelivered)
            return self._answer("", UNDECIDED)
        answered = self._ask_service()
        if answered is not None:
            return self._answer(answered.line, answered.code)
        decided = self._decide()
        code = self._give(decided.decision)
        if not self.args.annotation:
            self._report(decided)
        return code

    def _warn_of_unknown(self) -> None:
        """Take no notice of arguments of other hooks but say so, on stderr and in the log."""
        if not self.args.unknown:
            return
        text = f"called with arguments that mean nothing here{_unknown(self.args)}"
        log.warning("%s", text)
        if not sys.stderr.isatty():  # there the log shows warnings itself
            complain(text, "zm_detect.py")

    def _refuse(self, why: RightsError) -> int:
        """Answer as for every event that nobody can decide; nothing is opened for it."""
        from zmhook.detection import Decision

        logging.getLogger("zmhook").addHandler(logging.NullHandler())  # it is said once, here
        complain(self.mistake or why, "zm_detect.py")
        if self.mistake:
            return self._answer("", UNDECIDED)
        return self._give(Decision.undecided(self.event, str(why)))

    def _logs(self) -> Logs | None:
        from zmhook.logs import Logs

        if self.refused:
            return None
        return Logs(self.settings, self.event.monitor_id, debug=self.args.debug)

    def _close(self, seconds: float) -> None:
        if self.logs is not None:
            self.logs.close(seconds)

    def _ask_service(self) -> Answered | None:
        """Let the service decide, starting it when there is none; None: decide here."""
        if not self.args.ask_service or self.settings_error or self.undecided:
            return None
        if not self.settings.service.use_service:
            return None
        try:
            from zmhook.cli.ask import ask

            return ask(self.event, self.settings, self.args.config, self.deadline)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, we can decide here
            self._trace(error)
            log.warning("the service cannot be asked: %s", error)
            return None

    def _decide(self) -> Decided:
        """Every failure ends as an undecided event, so that `on_failure` has the last word."""
        from zmhook.decide import Decided
        from zmhook.detection import Decision

        try:
            if self.settings_error:
                raise self.settings_error
            if self.undecided:
                raise ZmhookError(self.undecided)
            self.deadline.check("starting, or waiting for the service")
            import numpy  # noqa: F401, ICN001 - without it, cv2 would print lines of its own

            from zmhook.decide import decide_event

            return decide_event(
                self.event,
                self.settings,
                deadline=self.deadline,
                file=self.file,
                dry=self.args.annotation,
            )
        except ZmhookError as error:
            self._trace(error)
            errors = [str(error)]
        except Exception as error:  # noqa: BLE001 - the last line of defence for an alarm
            self._trace(error)
            errors = [unexpected(error)]
        return Decided(Decision.undecided(self.event, *errors), None)

    def _give(self, decision: Decision) -> int:
        from zmhook.render.line import annotation_line, detection_line
        from zmhook.render.summary import log_decision

        shape = annotation_line if self.args.annotation else detection_line
        line = shape(decision, self.settings)
        log_decision(decision, line)
        text = plain_json(decision.to_json()) if self.args.json else line
        is_answer = self.args.annotation and bool(line)
        return self._answer(text, FOUND if is_answer else _code(decision, line))

    def _answer(self, text: str, code: int) -> int:
        """Print it, and return the exit code that goes with what was printed first."""
        try:
            if self.answer.give(text):
                self.code = code
        except OSError as error:
            # Whoever takes our exit code for "detected" would miss the line.
            log.error("%s: %s: %s", self.event, NOT_WRITTEN, error.strerror)  # noqa: TRY400
            self.code = UNDECIDED
        code = UNDECIDED if self.code is None else self.code
        self.progress.answered(code)
        return code

    def _report(self, decided: Decided) -> None:
        from zmhook.report import publish

        try:
            publish(decided, self.settings, notes=self.args.notes, output=self.args.output_path)
        except Exception as error:  # noqa: BLE001 - the answer is out; nothing may change it now
            self._trace(error)
            log.error("%s: the report is incomplete: %s", self.event, error)  # noqa: TRY400

    def _expired(self) -> None:
        """Answer in place of a run that is stuck, then end the process as it is."""
        from zmhook.detection import Decision

        seconds = self.settings.general.event_deadline
        if self.code is None:
            message = f"no decision after {seconds:g} s ([general] event_deadline)"
            self.code = self._give(Decision.undecided(self.event, message))
        else:
            what = "%s: the report is incomplete: %g s ([general] event_deadline) are over"
            log.error(what, self.event, seconds)
        self._close(max(0.0, self.end - time.monotonic()) / 2)
        os._exit(self.code)

    @staticmethod
    def _trace(error: Exception) -> None:
        log.debug("where it happened", exc_info=error)


def _settled(settings: Settings, file: str | None) -> tuple[str | FileSource, RightsError | None]:
    from zmhook.cli.given import settle

    try:
        return settle(settings, file), None
    except RightsError as error:
        return "", error


def _event(args: argparse.Namespace) -> tuple[Event, str]:
    """Return the event, and what is wrong with its numbers."""
    from zmhook.event import Event

    mistake = ""
    event_id = monitor_id = None
    try:
        if args.eventid is not None:
            event_id = parsed(args.eventid, "event")
        monitor_id = parsed_or_none(args.monitorid, "monitor")
    except ValueError as error:
        mistake = str(error)
    event = Event(
        id=event_id,
        monitor_id=monitor_id,
        monitor_name=_text(args.monitorname),
        cause=_text(args.reason),
        path=spelled(args.eventpath),
    )
    return event, mistake


def _unknown(args: argparse.Namespace) -> str:
    """Name the arguments that are not known, without what may be their values."""
    names = [word.partition("=")[0] for word in args.unknown if word.startswith("-")]
    rest = len(args.unknown) - len(names)
    words = [*names, *([f"{rest} more"] if rest else [])]
    return f"; not known: {one_line(', '.join(words))}" if words else ""


def _text(argument: str) -> str:
    """Replace bytes that are not UTF-8, which Python hands over as surrogates."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _settings(
    args: argparse.Namespace, monitor_id: int | None
) -> tuple[Settings, SettingsError | None, RightsError | None]:
    """Read the configuration; what is wrong with it is told once there is a log to tell it to.

    The last of what is returned is why root does not read it.

    Such an event still fails as `on_failure` says, when that much could be read.
    """
    from zmhook.settings import Settings, load

    config: Config | None
    try:
        config, wrong = load(args.config, args.override), None
    except RightsError as refused:
        return Settings(), None, refused
    except SettingsError as error:
        config, wrong = error.config, error
    return (config.for_monitor(monitor_id) if config else Settings()), wrong, None


def _code(decision: Decision, line: str) -> int:
    if decision.outcome == "undecided":
        return FOUND if line else UNDECIDED
    return FOUND if decision.outcome == "alarm" else NOTHING


def _check_config(args: argparse.Namespace) -> int:
    from zmhook.cli.config import check

    return check(args.config, args.override)


def _explain(args: argparse.Namespace) -> int:
    from zmhook.cli.explain import explain
    from zmhook.cli.given import settle
    from zmhook.settings import load

    event, mistake = _event(args)
    try:
        if args.unknown:
            complain(f"arguments that mean nothing here{_unknown(args)}", "zm_detect.py")
        if mistake:
            raise ZmhookError(mistake)
        settings = load(args.config, args.override).for_monitor(event.monitor_id)
        file = settle(settings, args.file)
        return explain(event, settings, file, args.output_path)
    except ZmhookError as error:
        complain(error, "zm_detect.py")
        return UNDECIDED


class _Parser(Parser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNDECIDED, f"{self.prog}: {one_line(message)} (--help shows the arguments)\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="zm_detect.py",
        description="Look at an event's pictures and print the detection string.",
        epilog="Exit code: 0 detected, 1 nothing detected, 2 no decision could be made.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "-c",
        "--config",
        default=os.environ.get("ZMHOOK_CONFIG", CONFIG),
        help="objectconfig.ini (default: %(default)s)",
    )
    # Numbers are read by zmhook.text.ids, once there is a log to tell of what is none.
    add("-e", "--eventid", metavar="EID", help="the event to look at")
    add(
        "-m",
        "--monitorid",
        default="",
        metavar="MID",
        help="its monitor; picks the [monitor-MID] settings",
    )
    add("--monitorname", default="", metavar="NAME", help="the monitor's name")
    add(
        "-p",
        "--eventpath",
        default="",
        metavar="FOLDER",
        help="the event's folder; objdetect.jpg is written there",
    )
    add("-r", "--reason", default="", metavar="CAUSE", help="the event's cause")
    add("-n", "--notes", action="store_true", help="write the result into the event's notes")
    add("-f", "--file", metavar="PICTURE", help="look at this picture instead of an event's")
    add(
        "-o",
        "--output-path",
        default="",
        metavar="FOLDER",
        help="write the annotated picture there too",
    )
    add(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; may be repeated",
    )
    add("-d", "--debug", action="store_true", help="show everything on stderr, with tracebacks")
    add("--json", action="store_true", help="print the whole decision as JSON instead of the line")
    add(
        "--explain", action="store_true", help="say of each box what became of it, remember nothing"
    )
    add(
        "--annotation",
        action="store_true",
        help="for ZoneMinder's annotation editor, with --file: a line, and exit code 0, also when"
        " nothing is found; nothing on stderr; remember nothing",
    )
    add("--check-config", action="store_true", help="check the configuration and do nothing else")
    add("--ask-service", action="store_true", help=argparse.SUPPRESS)
    add("--undelivered", default="", metavar="WHY", help=argparse.SUPPRESS)
    add("-v", "--version", action="version", version=f"zmhook {__version__}")
    add("--bareversion", action="store_true", help="print only the version number")
    return parser


if __name__ == "__main__":
    sys.exit(main())
