"""Command-line arguments: the parser, and the options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from zmhook import CONFIG
from zmhook.exit_codes import MISUSED
from zmhook.printable import one_line
from zmhook.text.names import did_you_mean
from zmhook.text.numbers import parsed, parsed_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST = 2**53
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
TIME = "2026-03-20, '2026-03-20 10:17', or 30m, 2h, 7d (ago)"
"""How a point in time is written."""

_CLOSE = 0.75
"""How similar a flag is that is suggested; those of other hooks are less."""
_AGO = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)


class Parser(argparse.ArgumentParser):
    """Parses a command's arguments; a mistake is one line that suggests what was meant.

    `examples` are command lines that the help ends with.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        epilog = options.pop("epilog", None) or ""
        if examples:
            title = "example" if len(examples) == 1 else "examples"
            lines = "\n".join([f"{title}:", *(f"  {example}" for example in examples)])
            epilog = f"{lines}\n\n{epilog}".rstrip()
        options.setdefault("formatter_class", _Formatter)
        super().__init__(epilog=epilog or None, **options)
        self.commands: dict[str, Parser] = {}
        self._subparsers_action: Any = None

    def add_command(self, name: str, summary: str, description: str = "", **options: Any) -> Parser:
        """Add a subcommand, `args.action`; the summary is for the list and its own help."""
        if not self.commands:
            self._subparsers_action = self.add_subparsers(
                dest="action", metavar="COMMAND", title="commands"
            )
        text = f"{summary[0].upper()}{summary[1:]}. {description}".rstrip()
        command = self._subparsers_action.add_parser(
            name, help=summary, description=text, **options
        )
        self.commands[name] = command
        return self.commands[name]

    def options(self) -> list[argparse.Action]:
        """Return the options that the help shows."""
        shown = (action for action in self._actions if action.help != argparse.SUPPRESS)
        return [action for action in shown if action.option_strings]

    def flags(self) -> list[str]:
        """Return the spellings of these options."""
        return [flag for action in self.options() for flag in action.option_strings]

    def parse_args(  # type: ignore[override]  # its overloads are for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Return the parsed arguments; exit with status 2 when any is wrong.

        A group of commands without one shows what there is, with the same status.
        """
        parsed_args, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(f"unknown argument {self.unknown_words(unknown, parsed_args)}")
        if self.commands and parsed_args.action is None:
            self.print_help(sys.stderr)
            self.exit(MISUSED)
        return parsed_args

    def _get_option_tuples(self, option_string: str) -> list[Any]:
        """Return what an abbreviation may stand for; an older spelling makes nothing ambiguous."""
        matches = super()._get_option_tuples(option_string)
        meant = {match[0].dest for match in matches}
        return matches[:1] if len(meant) == 1 else matches

    def unknown_words(self, unknown: Sequence[str], parsed_args: Any = None) -> str:
        """Name unknown flags, but not their values, which may be secret; suggest known ones."""
        flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        rest = len(unknown) - len(flags)
        names = [*flags, *([f"{rest} more" if flags else unknown[0]] if rest else [])]
        command = self.commands.get(getattr(parsed_args, "action", ""))
        known = [*self.flags(), *(command.flags() if command else ())]
        close = did_you_mean(flags[0], known, _CLOSE) if flags else ""
        return f"{one_line(', '.join(names))}{close}"

    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"{self.prog}: {one_line(message)} (--help shows the arguments)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        close = did_you_mean(str(value), known)
        hint = close or f"; choose from {', '.join(known)}"
        raise argparse.ArgumentError(action, f"unknown: '{value}'{hint}")


class _Formatter(argparse.HelpFormatter):
    """Wraps the paragraphs of descriptions, and leaves indented lines as they are.

    A list of commands has no line that says only COMMAND.
    """

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no other
            return super()._format_action(action)
        commands = action._get_subactions()  # noqa: SLF001 - as argparse's own formatters do
        return self._join_parts([self._format_action(command) for command in commands])

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            paragraph
            if "\n" in paragraph
            else super(_Formatter, self)._fill_text(paragraph, width, indent)
            for paragraph in paragraphs
        )


def program(command: str, script: str) -> str:
    """Return the name that a command was called by: that of its script, or `zmhook COMMAND`."""
    return script if sys.argv[0].endswith(script) else f"zmhook {command}"


# -- options that commands share -------------------------------------------------------------------


def add_option(
    parser: argparse.ArgumentParser, *names: str, hidden: Iterable[str] = (), **options: Any
) -> None:
    """Add an option; `hidden` are older spellings of it, which the help does not show."""
    action = parser.add_argument(*names, **options)
    if hidden:
        options |= {"dest": action.dest, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        parser.add_argument(*hidden, **options)


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        default=os.environ.get("ZMHOOK_CONFIG", CONFIG),
        metavar="FILE",
        help="configuration file (default: %(default)s)",
    )


def add_override(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; may be repeated",
    )


def add_monitor(parser: argparse.ArgumentParser, text: str, **options: Any) -> None:
    """Add `-m/--monitor`; its older spelling is `--monitorid`."""
    options = {"type": monitor_argument, "metavar": "MONITOR", "help": text, **options}
    add_option(parser, "-m", "--monitor", hidden=["--monitorid"], **options)


def add_json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=text)


def add_period(parser: argparse.ArgumentParser, since: str | None = None) -> None:
    default = f"; default: {since}" if since else ""
    parser.add_argument(
        "--since",
        type=moment_argument,
        default=since,
        metavar="TIME",
        help=f"from this time on: {TIME}{default}",
    )
    parser.add_argument("--until", type=moment_argument, metavar="TIME", help="up to this time")


def add_limit(parser: argparse.ArgumentParser, limit: int) -> None:
    parser.add_argument(
        "--limit",
        type=number_argument,
        default=limit,
        metavar="N",
        help="only the newest N (0: all; default: %(default)s)",
    )


def absolute_config(config: str) -> str:
    """Return the configuration's path as a hook would name it: that names the socket."""
    return os.path.abspath(config)  # noqa: PTH100 - resolve() would follow links, hooks do not


# -- types of arguments ----------------------------------------------------------------------------


def moment(text: str, now: float) -> float:
    """Return seconds since the epoch for `2h` (ago), a date, or a date with a time.

    Without a time zone it is local time. The `ValueError` says what to write.
    """
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * SECONDS[ago[2]]
    from datetime import datetime

    try:
        # Python 3.10 does not know Z.
        return datetime.fromisoformat(re.sub("Z$", "+00:00", text)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"'{text}' is not a time: write {TIME}") from None


def moment_argument(text: str) -> float:
    """Read an argument as `moment`, for argparse."""
    try:
        return moment(text, time.time())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def event_argument(text: str) -> int:
    """Read an event id, for argparse."""
    try:
        return parsed(text, "event")
    except ValueError as error:
        raise argparse.ArgumentTypeError(_without_name(error)) from None


def monitor_argument(text: str) -> int | None:
    """Read a monitor id, or an empty text for an unknown one, for argparse."""
    try:
        return parsed_or_none(text, "monitor")
    except ValueError as error:
        raise argparse.ArgumentTypeError(_without_name(error)) from None


def _without_name(error: ValueError) -> str:
    """Return what is wrong with an argument; argparse puts the argument's name before it."""
    return str(error).partition(": ")[2]


def number_argument(text: str) -> int:
    """Read a count, for argparse; a database takes no more than 2^53."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < LARGEST:
        raise argparse.ArgumentTypeError(f"expected a whole number, got '{text}'")
    return number
