"""`zmhook detect` and `zm_detect.py`: one event in, one detection string out.

The exit code is 0 when something was detected, 1 when nothing was, 2 when no decision could be
made.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from zmhook import __version__
from zmhook.cli.arguments import (
    Parser,
    add_config,
    add_json,
    add_monitor,
    add_option,
    add_override,
    program,
)
from zmhook.cli.output import Answer, complain, ignore_closed_pipes, say
from zmhook.cli.rights import advised
from zmhook.deadline import Deadline, reserve, usable
from zmhook.errors import RightsError, SettingsError, ZmhookError
from zmhook.exit_codes import DETECTED, NOTHING, UNDECIDED
from zmhook.printable import plain_json
from zmhook.process import startup
from zmhook.text.names import spelled
from zmhook.text.numbers import parsed, parsed_or_none
from zmhook.text.unexpected import unexpected

SCRIPT = "zm_detect.py"
"""Called with the arguments of other hooks too, which it ignores."""

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
"""The least seconds for the log: it says why an event was not decided in time."""
NOT_WRITTEN = "the answer could not be written"

_EXAMPLES = (
    "zmhook detect 1022 5",
    "zmhook detect --file photo.jpg -O general.models=yolo --explain",
)
_SCRIPT_EXAMPLES = ("zm_detect.py -e 1022 -m 5", "zm_detect.py --file photo.jpg --explain")

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    startup.prepare(startup.HOOK_UMASK)
    ignore_closed_pipes()
    args = parse(argv)
    if args.annotation:
        startup.silence_stderr()
    if args.bareversion:
        say(__version__)
        return 0
    if args.check_config:
        return _check_config(args)
    if args.file is None and args.event is None:
        unknown = f"; unknown: {args.unknown}" if args.unknown else ""
        make_parser().error(
            f"give an event id (-e), or --file for a picture without an event{unknown}"
        )
    if args.annotation and args.file is None:
        make_parser().error("--annotation needs a picture: give --file")
    if args.explain:
        return _explain(args)
    from zmhook.cli.guard import Guard, Progress, called_at

    began = called_at()
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
            self.file, self.refused = _picture(self.settings, args.file)
        progress.end_with_parent()
        self.logs = self._logs()

    def run(self) -> int:
        from zmhook.process.limits import Watchdog

        if self.refused:
            return self._refuse(self.refused)
        if self.undecided:  # the guard is answering, and ends itself in time
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
        if not self.args.annotation and not self._report(decided) and self.args.file is not None:
            # The picture was what was asked for. An event's alarm does not fail with it.
            code = UNDECIDED
            self.progress.answered(code)
        return code

    def _warn_of_unknown(self) -> None:
        """Ignore arguments of other hooks, but say so on stderr and in the log."""
        if not self.args.unknown:
            return
        text = f"unknown arguments ignored: {self.args.unknown}"
        log.warning("%s", text)
        if not sys.stderr.isatty():  # there the log shows warnings itself
            complain(text, self.args.program)

    def _refuse(self, why: RightsError) -> int:
        """Answer as for any undecided event, without opening anything."""
        from zmhook.detection import Decision

        logging.getLogger("zmhook").addHandler(logging.NullHandler())  # printed once, below
        complain(self.mistake or why, self.args.program)
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
        """Let the service decide, and start it if there is none; return None to decide here."""
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
            errors = [advised(error) if sys.stderr.isatty() else str(error)]
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
        return self._answer(text, DETECTED if is_answer else _code(decision, line))

    def _answer(self, text: str, code: int) -> int:
        """Print the line once, and return the exit code of what was printed first."""
        try:
            if self.answer.give(text):
                self.code = code
        except OSError as error:
            # A caller that sees "detected" would miss the line.
            log.error("%s: %s: %s", self.event, NOT_WRITTEN, error.strerror)  # noqa: TRY400
            self.code = UNDECIDED
        code = UNDECIDED if self.code is None else self.code
        self.progress.answered(code)
        return code

    def _report(self, decided: Decided) -> bool:
        """Publish it; return whether the picture that was asked for was written, if one was."""
        from zmhook.report import publish

        output = self.args.output_path
        try:
            return publish(decided, self.settings, notes=self.args.notes, output=output)
        except Exception as error:  # noqa: BLE001 - the answer is out; nothing may change it now
            self._trace(error)
            log.error("%s: the report is incomplete: %s", self.event, error)  # noqa: TRY400
            return not output

    def _expired(self) -> None:
        """Answer in place of a run that is stuck, then end the process at once."""
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


def _picture(settings: Settings, file: str | None) -> tuple[str | FileSource, RightsError | None]:
    from zmhook.cli.explain import read_and_become_owner

    try:
        return read_and_become_owner(settings, file), None
    except RightsError as error:
        return "", error


def _event(args: argparse.Namespace) -> tuple[Event, str]:
    """Return the event, and the mistake in its ids."""
    from zmhook.event import Event

    mistake = ""
    event_id = monitor_id = None
    try:
        if args.event is not None:
            event_id = parsed(args.event, "event")
        monitor_id = parsed_or_none(args.monitor, "monitor")
    except ValueError as error:
        mistake = str(error)
    event = Event(
        id=event_id,
        monitor_id=monitor_id,
        monitor_name=_text(args.monitor_name),
        cause=_text(args.reason),
        path=spelled(args.event_path),
    )
    return event, mistake


def _text(argument: str) -> str:
    """Replace bytes that are not UTF-8, which Python hands over as surrogates."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _settings(
    args: argparse.Namespace, monitor_id: int | None
) -> tuple[Settings, SettingsError | None, RightsError | None]:
    """Read the configuration; return its settings, what is wrong with it, why root refuses it.

    With a broken configuration the event still fails as `on_failure` says, if that can be read.
    """
    from zmhook.cli.explain import load_for
    from zmhook.settings import Settings

    config: Config | None
    try:
        config, wrong = load_for(args.config, args.override, args.file), None
    except RightsError as refused:
        return Settings(), None, refused
    except SettingsError as error:
        config, wrong = error.config and error.config.apply(), error
    settings = config.for_monitor(monitor_id) if config else Settings()
    return (_unrecorded(settings) if wrong else settings), wrong, None


def _unrecorded(settings: Settings) -> Settings:
    """Return the settings without a history where there is no folder for it yet.

    Without a configuration there is no telling whose folder it would be: root's is of no use to
    those who run the hooks.
    """
    from msgspec import structs

    if os.path.isdir(os.path.dirname(settings.history.history_path)):  # noqa: PTH112, PTH120
        return settings
    history = structs.replace(settings.history, record_history=False)
    return structs.replace(settings, history=history)


def _code(decision: Decision, line: str) -> int:
    if decision.outcome == "undecided":
        return DETECTED if line else UNDECIDED
    return DETECTED if decision.outcome == "alarm" else NOTHING


def _check_config(args: argparse.Namespace) -> int:
    from zmhook.cli.config import check

    return check(args.config, args.override)


def _explain(args: argparse.Namespace) -> int:
    from zmhook.cli.explain import explain, load_for, read_and_become_owner

    event, mistake = _event(args)
    try:
        if args.unknown:
            complain(f"unknown arguments ignored: {args.unknown}", args.program)
        if mistake:
            raise ZmhookError(mistake)
        config = load_for(args.config, args.override, args.file)
        settings = config.for_monitor(event.monitor_id)
        file = read_and_become_owner(settings, args.file)
        return explain(event, settings, file, args.output_path)
    except ZmhookError as error:
        complain(advised(error), args.program)
        return UNDECIDED


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; `unknown` names those of other hooks, which the script ignores."""
    parser = make_parser()
    args, unknown = parser.parse_known_args(argv)
    positional = [word for word in (args.event_word, args.monitor_word) if word is not None]
    if args.event is None and positional:
        args.event = positional.pop(0)
        if positional and not args.monitor:
            args.monitor = positional.pop(0)
    unknown += positional
    args.program = parser.prog
    args.unknown = parser.unknown_words(unknown) if unknown else ""
    if args.unknown and args.program != SCRIPT:
        # Not ignored: the value of a misspelt flag would be taken for an event.
        parser.error(f"unknown arguments: {args.unknown}")
    return args


def make_parser() -> Parser:
    """Return the parser of `zmhook detect`."""
    name = program("detect", SCRIPT)
    parser = Parser(
        prog=name,
        description="Run detection on an event's pictures, or on one picture, and print the"
        " detection string.",
        examples=_EXAMPLES if name.startswith("zmhook") else _SCRIPT_EXAMPLES,
        epilog="Exit code: 0 detected, 1 nothing detected, 2 no decision could be made, or with"
        " --file the picture of --output-path could not be written.",
        allow_abbrev=False,
    )
    _add_event(parser, positional=name.startswith("zmhook"))
    add = parser.add_argument
    add("-f", "--file", metavar="PICTURE", help="use this picture instead of an event's")
    add_config(parser)
    add_override(parser)
    add(
        "-o",
        "--output-path",
        default="",
        metavar="FOLDER",
        help="also write the annotated picture to this folder",
    )
    add("-n", "--notes", action="store_true", help="write the result into the event's notes")
    add_json(parser, "print the whole decision as JSON instead of the detection string")
    add(
        "--explain",
        action="store_true",
        help="explain why each box was kept or dropped; no state is saved",
    )
    add(
        "--annotation",
        action="store_true",
        help="for ZoneMinder's annotation editor, with --file: print a detection string and exit"
        " with 0 even when nothing is detected, print nothing on stderr, save no state",
    )
    add("--check-config", action="store_true", help="only check the configuration")
    add("-d", "--debug", action="store_true", help="log everything to stderr, with tracebacks")
    add("--ask-service", action="store_true", help=argparse.SUPPRESS)
    add("--undelivered", default="", metavar="WHY", help=argparse.SUPPRESS)
    add("-v", "--version", action="version", version=f"zmhook {__version__}")
    add("--bareversion", action="store_true", help="print only the version number")
    return parser


def _add_event(parser: Parser, *, positional: bool) -> None:
    """Add what says which event it is; the ids are parsed once there is a log for mistakes."""
    parser.set_defaults(event_word=None, monitor_word=None)
    if positional:
        # Not in the script: values of other hooks' flags, which it ignores, would be taken for ids.
        parser.add_argument("event_word", nargs="?", metavar="EVENT", help="event id, as with -e")
        parser.add_argument(
            "monitor_word", nargs="?", metavar="MONITOR", help="monitor id, as with -m"
        )
    add_option(parser, "-e", "--event", hidden=["--eventid"], metavar="EVENT", help="event id")
    add_monitor(parser, "monitor id; selects the [monitor-N] settings", type=str, default="")
    for names, hidden, metavar, text in (
        (("--monitor-name",), "--monitorname", "NAME", "monitor name"),
        (("-p", "--event-path"), "--eventpath", "FOLDER", "event folder, for objdetect.jpg"),
    ):
        add_option(parser, *names, hidden=[hidden], default="", metavar=metavar, help=text)
    parser.add_argument("-r", "--reason", default="", metavar="CAUSE", help="cause of the event")


if __name__ == "__main__":
    sys.exit(main())
