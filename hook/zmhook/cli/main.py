"""`zmhook`: one name for all commands. Each is imported only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from zmhook import __version__
from zmhook.cli.output import (
    NotPrinted,
    complain,
    discard_unwritable,
    ignore_closed_pipes,
    say,
    say_rest,
)
from zmhook.cli.rights import advised
from zmhook.errors import SettingsError, ZmhookError
from zmhook.exit_codes import FAILED, INTERRUPTED, MISUSED, UNDECIDED
from zmhook.process import startup
from zmhook.text.names import did_you_mean
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """A command: its module, whose `main(argv)` returns the exit code, and its line in the help."""

    module: str
    group: str
    summary: str


_EVENTS, _MODELS, _SERVICE = "Events", "Models and faces", "Service and servers"
_CAMERAS, _SETUP = "Cameras", "Setup"
COMMANDS = {
    "detect": Command("zmhook.cli.detect", _EVENTS, "run detection on one event"),
    "explain": Command(
        "zmhook.cli.explain", _EVENTS, "run detection again and explain every kept and dropped box"
    ),
    "status": Command(
        "zmhook.cli.status", _EVENTS, "show whether it is on, and each monitor's last event"
    ),
    "history": Command("zmhook.cli.history", _EVENTS, "show past decisions and the reasons"),
    "models": Command("zmhook.cli.models", _MODELS, "list, download, verify and fit model files"),
    "train-faces": Command("zmhook.cli.train_faces", _MODELS, "train the faces of known people"),
    "describe": Command(
        "zmhook.cli.describe", _MODELS, "describe pictures with the [gemini] settings"
    ),
    "service": Command(
        "zmhook.cli.service", _SERVICE, "show, stop or restart the background service"
    ),
    "serve": Command("zmhook.cli.serve", _SERVICE, "run the detection service in the foreground"),
    "watch": Command("zmhook.cli.watch", _SERVICE, "call the hook for ZoneMinder's new events"),
    "remote": Command("zmhook.cli.remote", _SERVICE, "show the status of remote inference servers"),
    "snapshots": Command(
        "zmhook.cli.snapshots", _CAMERAS, "collect and show the best snapshots that cameras send"
    ),
    "camera": Command(
        "zmhook.cli.camera", _CAMERAS, "set up an Axis camera for best snapshots, or simulate one"
    ),
    "doctor": Command(
        "zmhook.cli.doctor", _SETUP, "check everything, and say what to type where it is wrong"
    ),
    "config": Command(
        "zmhook.cli.config", _SETUP, "check the configuration, or migrate an older one"
    ),
    "notify": Command(
        "zmhook.cli.notify", _SETUP, "send a test notification through every configured channel"
    ),
    "completion": Command(
        "zmhook.cli.completion", _SETUP, "print a completion script for bash or zsh"
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    startup.prepare()
    ignore_closed_pipes()
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except NotPrinted as error:
        complain(str(error))
        return FAILED
    finally:
        discard_unwritable()


def _main(argv: list[str]) -> int:
    command, *arguments = argv or ["--help"]
    if command == "help" and arguments:
        command, arguments = arguments[0], ["--help"]
    if command in ("-h", "--help", "help"):
        for line in _help():
            say(line)
        return 0
    if command in ("-v", "--version"):
        say(f"zmhook {__version__}")
        return 0
    if command not in COMMANDS:
        close = did_you_mean(command, COMMANDS)
        complain(f"there is no command '{command}'{close} (zmhook --help lists the commands)")
        return MISUSED
    return _run(command, arguments)


def _run(command: str, argv: list[str]) -> int:
    """Call the command; an error is one line, or one for each problem of the configuration."""
    # Exit code 1 of detect is an answer: nothing was detected.
    failed = UNDECIDED if command == "detect" else FAILED
    try:
        module = import_module(COMMANDS[command].module)
        code: int = module.main(argv)
        say_rest()
    except SettingsError as error:
        for problem in error.problems:
            complain(advised(problem))
        return failed
    except ZmhookError as error:
        complain(advised(error))
        return failed
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except Exception as error:
        if "--debug" in argv or "-d" in argv:
            raise
        complain(unexpected(error))
        return UNDECIDED
    return code


def _help() -> list[str]:
    width = max(map(len, COMMANDS))
    lines = ["usage: zmhook COMMAND [ARGUMENTS]"]
    for group, commands in groupby(COMMANDS.items(), key=lambda item: item[1].group):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<{width}}  {command.summary}" for name, command in commands]
    return [
        *lines,
        "",
        "zmhook COMMAND --help shows a command's arguments, zmhook --version the version.",
    ]


if __name__ == "__main__":
    sys.exit(main())
