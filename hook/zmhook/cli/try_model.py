"""`python -m zmhook.cli.try_model NAME CONFIG`: load one model, say what it is, and end.

`--json` says it as JSON, for the doctor; with `--run` a picture is put through it, too.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import TYPE_CHECKING

from zmhook.cli.output import say, say_json
from zmhook.errors import SettingsError, ZmhookError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.base import Detector
    from zmhook.doctor.networks import Tried

TIMES = 3
"""Pictures, of which the fastest counts: the first one finds caches cold."""


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    warnings = _Warnings()
    logging.getLogger("zmhook").addHandler(warnings)
    from zmhook.detectors.base import find
    from zmhook.settings import load

    try:
        settings = load(args.config, args.override).apply().for_monitor(args.monitor)
        detector = find(args.name)(settings)
        detector.load()
        tried = _tried(detector, runs=args.run)
        tried.notes = warnings.texts
        detector.close()
    except SettingsError as error:
        return _failed("; ".join(map(str, error.problems)))
    except ZmhookError as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's detector
        return _failed(f"{type(error).__name__}: {error}")
    if args.json or args.run:
        say_json(tried, indent=None)
    else:
        say(tried.description)
    return 0


def _tried(detector: Detector, *, runs: bool) -> Tried:
    from zmhook.doctor.networks import Tried

    has_description = detector.description != detector.name
    tried = Tried(detector.description if has_description else "loaded")
    if runs:
        from zmhook.doctor.picture import frame

        tried.labels = [detection.label for detection in detector.detect([frame()])[0]]
        tried.ms = min(_milliseconds(detector) for _ in range(TIMES - 1))
    return tried


def _milliseconds(detector: Detector) -> float:
    from zmhook.doctor.picture import frame

    began = time.perf_counter()
    detector.detect([frame()])
    return (time.perf_counter() - began) * 1000


class _Warnings(logging.Handler):
    """What the model warns of, such as that it does not run on what was asked for."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def _failed(why: str) -> int:
    say(why, error=True)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m zmhook.cli.try_model")
    parser.add_argument("name")
    parser.add_argument("config")
    parser.add_argument("--monitor", type=int)
    parser.add_argument("--override", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
