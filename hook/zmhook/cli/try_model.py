"""`python -m zmhook.cli.try_model NAME CONFIG`: load one model, say what it is, and end."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from zmhook.cli.output import say
from zmhook.errors import SettingsError, ZmhookError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.getLogger("zmhook").addHandler(logging.NullHandler())
    from zmhook.detectors.base import find
    from zmhook.settings import load

    try:
        settings = load(args.config, args.override).for_monitor(args.monitor)
        detector = find(args.name)(settings)
        detector.load()
        has_description = detector.description != detector.name
        say(detector.description if has_description else "loaded")
        detector.close()
    except SettingsError as error:
        return _failed("; ".join(map(str, error.problems)))
    except ZmhookError as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's detector
        return _failed(f"{type(error).__name__}: {error}")
    return 0


def _failed(why: str) -> int:
    say(why, error=True)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m zmhook.cli.try_model")
    parser.add_argument("name")
    parser.add_argument("config")
    parser.add_argument("--monitor", type=int)
    parser.add_argument("--override", action="append", default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main())
