"""`zmhook snapshots run` and `zm_snapshots.py`: collect the best snapshots that cameras send."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from zmhook import CONFIG
from zmhook.cli.output import say
from zmhook.errors import BrokerError, ZmhookError
from zmhook.exit_codes import FAILED
from zmhook.process import startup
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of
from zmhook.snapshots import environment

if TYPE_CHECKING:
    import argparse

    from zmhook.settings import Config, Settings

log = logging.getLogger("zmhook.snapshots")

CHECK_SECONDS = 30.0


def run(args: argparse.Namespace) -> int:
    """Collect until a signal ends it; raises what makes it impossible to start."""
    hidden = startup.conceal(secret_arguments(args))
    config = settings_of(args)
    settings = config.general
    become_owner(*folders_of(settings))
    if args.check:
        return _check(settings)
    return _run(config, hidden=hidden, debug=args.debug)


def settings_of(args: argparse.Namespace) -> Config:
    """Return the settings, with those of the flags; a configuration that is named must exist."""
    named = args.config or os.environ.get("ZMHOOK_CONFIG")
    return environment.read(
        named or CONFIG,
        must_exist=bool(named),
        overrides=args.override,
        flags={name.flag: getattr(args, name.flag.replace("-", "_")) for name in environment.NAMES},
        file=args.environment,
    )


def _run(config: Config, *, hidden: bool, debug: bool) -> int:
    from zmhook.logs import Logs
    from zmhook.snapshots.collector import SIGNALS, Collector

    logs = Logs(config.general, None, debug=debug)
    try:
        for warning in config.warnings:
            log.warning("%s", warning)
        if not hidden:
            log.warning(
                "a password given as an argument is visible to all users of this machine (ps)"
            )
        with startup.Signals(SIGNALS) as signals:
            Collector(config).run(signals)
    except ZmhookError as error:
        log.error("%s", error)  # noqa: TRY400 - it was made to be read
        return FAILED
    finally:
        logs.close()
    return 0


def _check(settings: Settings) -> int:
    """Connect with another client id, which takes nothing from a running collector; report.

    Raises `BrokerError`, and `SnapshotError` for unknown handlers.
    """
    from msgspec import structs

    from zmhook.net import mqtt as client
    from zmhook.snapshots import handler
    from zmhook.snapshots.broker import Broker
    from zmhook.snapshots.message_queue import MessageQueue
    from zmhook.snapshots.topics import Topics

    for name in handler.names(settings.snapshots):
        handler.find(name)
    logging.getLogger("zmhook").addHandler(logging.NullHandler())  # printed once, below
    mqtt = structs.replace(
        settings.mqtt, mqtt_client_id=f"{settings.mqtt.mqtt_client_id}-check-{os.getpid()}"
    )
    topics = Topics.from_settings(settings).filters()
    broker = Broker(mqtt, topics, MessageQueue(1, 1), lasting=False)
    broker.start()
    broker.settled.wait(CHECK_SECONDS)
    problem = broker.problem if broker.settled.is_set() else "no response from the broker"
    broker.end(CHECK_SECONDS)
    if problem:
        raise BrokerError(problem)
    say(f"broker {client.name(mqtt)}: subscribed to {', '.join(topics)}")
    say(f"snapshots are stored in {settings.snapshots.snapshot_path}")
    return 0


def secret_arguments(args: argparse.Namespace) -> list[str]:
    from zmhook.settings.keys import find

    texts = [args.api_key, args.broker_password]
    for override in args.override:
        name, _, value = override.partition("=")
        key = find(name.rpartition(".")[2].strip().lower())
        if key is not None and key.is_secret:
            texts.append(value)
    return [text for text in texts if text]
