"""`zmhook snapshots run`: collect the snapshots that cameras send; `zm_snapshots.py` does this."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from zmhook.cli import where
from zmhook.cli.arguments import Parser
from zmhook.cli.output import say
from zmhook.errors import BrokerError, ZmhookError
from zmhook.process import argv as concealed
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of
from zmhook.snapshots import environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.settings import Config, Settings

log = logging.getLogger("zmhook.snapshots")

FAILED = 1
CHECK_SECONDS = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 at a proper end; raises what makes it impossible to begin."""
    args = _parser().parse_args(argv)
    hidden = concealed.conceal(_secrets(args))
    config = settings_of(args)
    settings = config.general
    become_owner(*folders_of(settings))
    if args.check:
        return _check(settings)
    return _run(config, hidden=hidden, debug=args.debug)


def settings_of(args: argparse.Namespace) -> Config:
    """Return what holds, with the flags; a configuration that was named must be there."""
    named = args.config or os.environ.get("ZMHOOK_CONFIG")
    return environment.read(
        named or where.CONFIG,
        must_exist=bool(named),
        overrides=args.override,
        flags={name.flag: getattr(args, name.flag) for name in environment.NAMES},
        file=args.environment,
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `settings_of` looks at."""
    add = parser.add_argument
    add("-c", "--config", help=f"objectconfig.ini (default: {where.CONFIG}; there need be none)")
    add("-k", "--api_key", metavar="KEY", help="Gemini's key (GEMINI_API_KEY)")
    add("-u", "--mqtt_username", metavar="USER", help="user at the broker (MQTT_USER)")
    add("-p", "--mqtt_password", metavar="PASSWORD", help="that user's password (MQTT_PASS)")
    add("-b", "--mqtt_host", metavar="HOST", help="the broker (MQTT_HOST)")
    add("-t", "--mqtt_topic", metavar="TOPIC", help="what to listen to (MQTT_TOPIC)")
    add("-s", "--storage", metavar="FOLDER", help="where snapshots go (IMAGE_PATH)")
    add(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="another setting of objectconfig.ini; may be given more than once",
    )
    add(
        "--environment",
        default=environment.FILE,
        metavar="FILE",
        help="file with the names in brackets above (default: %(default)s, here)",
    )


def _run(config: Config, *, hidden: bool, debug: bool) -> int:
    from zmhook.logs import Logs
    from zmhook.process.signals import Signals
    from zmhook.snapshots.collector import SIGNALS, Collector

    logs = Logs(config.general, None, debug=debug)
    try:
        for warning in config.warnings:
            log.warning("%s", warning)
        if not hidden:
            log.warning("this system shows a password given as an argument to every user: ps")
        with Signals(SIGNALS) as signals:
            Collector(config).run(signals)
    except ZmhookError as error:
        log.error("%s", error)  # noqa: TRY400 - it was made to be read
        return FAILED
    finally:
        logs.close()
    return 0


def _check(settings: Settings) -> int:
    """Connect as somebody else, who takes nothing from a collector that runs, and say how it went.

    Raises `BrokerError`, and `SnapshotError` for handlers that are not there.
    """
    from msgspec import structs

    from zmhook.net import mqtt as client
    from zmhook.snapshots.broker import Broker
    from zmhook.snapshots.handlers import base
    from zmhook.snapshots.message import Waiting
    from zmhook.snapshots.topics import Topics

    for name in base.names(settings.snapshots):
        base.find(name)
    logging.getLogger("zmhook").addHandler(logging.NullHandler())  # the problem is told once, below
    mqtt = structs.replace(
        settings.mqtt, mqtt_client_id=f"{settings.mqtt.mqtt_client_id}-check-{os.getpid()}"
    )
    topics = Topics.from_settings(settings).filters()
    broker = Broker(mqtt, topics, Waiting(1, 1), lasting=False)
    broker.start()
    broker.settled.wait(CHECK_SECONDS)
    problem = broker.problem if broker.settled.is_set() else "the broker does not answer"
    broker.end(CHECK_SECONDS)
    if problem:
        raise BrokerError(problem)
    say(f"broker {client.name(mqtt)}: listening to {', '.join(topics)}")
    say(f"snapshots go to {settings.snapshots.snapshot_path}")
    return 0


def _secrets(args: argparse.Namespace) -> list[str]:
    from zmhook.settings.keys import find

    texts = [args.api_key, args.mqtt_password]
    for override in args.override:
        place, _, value = override.partition("=")
        key = find(place.rpartition(".")[2].strip().lower())
        if key is not None and key.is_secret:
            texts.append(value)
    return [text for text in texts if text]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook snapshots run",
        description="Keep the best snapshots that cameras send over MQTT. What is not given here is"
        " looked up in the environment, then in environment.env, then in objectconfig.ini.",
    )
    add_settings(parser)
    parser.add_argument(
        "--check", action="store_true", help="connect, say whether that works, and end"
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log everything")
    return parser


if __name__ == "__main__":
    sys.exit(main())
