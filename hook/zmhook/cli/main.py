"""`zmhook`: one name for all commands. Each is imported only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from zmhook.cli.output import NotPrinted, complain, say, say_rest, settle
from zmhook.cli.unread import let_readers_go
from zmhook.errors import SettingsError, ZmhookError
from zmhook.process import startup
from zmhook.text.unexpected import unexpected
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "detect": ("zmhook.cli.detect", "look at one event, as zm_detect.py does"),
    "train-faces": ("zmhook.cli.train_faces", "learn the known faces, as zm_train_faces.py does"),
    "explain": ("zmhook.cli.explain", "look at an event again, say what became of each box"),
    "serve": ("zmhook.cli.serve", "keep the models loaded, in the foreground"),
    "service": ("zmhook.cli.service", "status, stop or restart of what keeps the models loaded"),
    "describe": ("zmhook.cli.describe", "try the describing model on pictures, and its budget"),
    "models": ("zmhook.cli.models", "list, fetch and verify model files"),
    "remote": ("zmhook.cli.remote", "how the other machines are that models run on"),
    "snapshots": ("zmhook.cli.snapshots", "keep what cameras send over MQTT, and look at it"),
    "camera": ("zmhook.cli.camera", "have an Axis camera send snapshots, or stand in for one"),
    "history": ("zmhook.cli.history", "what was decided for each event, and why"),
    "notify": ("zmhook.cli.notify", "send a test message to all whom an alarm is told to"),
    "config": ("zmhook.cli.config", "check the configuration, print its reference"),
}
"""Each command's module, whose `main(argv)` returns the exit code, and what it does."""

FAILED, MISUSED, UNDECIDED, INTERRUPTED = 1, 2, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    startup.prepare()
    let_readers_go()
    try:
        return _main(argv)
    except NotPrinted as error:
        complain(str(error))
        return FAILED
    finally:
        settle()


def _main(argv: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    command = given[0] if given else "--help"
    if command in ("-h", "--help", "help"):
        for line in _help():
            say(line)
        return 0
    if command in ("-v", "--version"):
        say(f"zmhook {__version__}")
        return 0
    if command not in COMMANDS:
        complain(f"there is no command '{command}'; zmhook --help shows them")
        return MISUSED
    return _run(command, given[1:])


def _run(command: str, argv: list[str]) -> int:
    """Call the command. What went wrong is told in a line, or a line for each problem."""
    # 1 is an answer there: nothing was detected.
    failed = UNDECIDED if command == "detect" else FAILED
    try:
        module = import_module(COMMANDS[command][0])
        code: int = module.main(argv)
        say_rest()
    except SettingsError as error:
        for problem in error.problems:
            complain(str(problem))
        return failed
    except ZmhookError as error:
        complain(str(error))
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
    lines = [f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items()]
    return [
        "usage: zmhook COMMAND [ARGUMENTS]",
        "",
        *lines,
        "",
        "zmhook COMMAND --help shows a command's arguments; zmhook --version the version.",
    ]


if __name__ == "__main__":
    sys.exit(main())
