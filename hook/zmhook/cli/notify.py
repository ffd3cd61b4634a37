"""`zmhook notify`: try out whom an alarm is told to."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from zmhook.cli import where
from zmhook.cli.arguments import Parser
from zmhook.cli.moment import monitor_argument
from zmhook.cli.output import complain, say
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from zmhook.jobs.work import Work
    from zmhook.settings import Settings

ALL_WORKED, SOME_FAILED, NOTHING_SET = 0, 1, 2
LABEL = "test"
WIDTH, HEIGHT = 640, 360


class Target(NamedTuple):
    """One that is told: its name for people, and what sends to it."""

    name: str
    send: Callable[[], None]


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    from zmhook.settings import load

    config = where.absolute(args.config)
    settings = load(config).for_monitor(args.monitor)
    become_owner(*folders_of(settings))
    targets = list(_targets(_work(settings, args.monitor)))
    if not targets:
        complain(
            f"{config}: [notify] tells nobody: set notify_mqtt, notify_webhook or notify_apprise"
        )
        return NOTHING_SET
    worked = [_try(target) for target in targets]
    return ALL_WORKED if all(worked) else SOME_FAILED


def _try(target: Target) -> bool:
    began = time.monotonic()
    try:
        target.send()
    except ZmhookError as error:
        say(f"failed  {target.name}: {error}")
        return False
    say(f"sent    {target.name} ({(time.monotonic() - began) * 1000:.0f} ms)")
    return True


def _targets(work: Work) -> Iterator[Target]:
    notify = work.settings.notify
    if notify.notify_mqtt:
        from zmhook.net import mqtt as client

        yield Target(f"mqtt {client.name(work.settings.mqtt)}", partial(_by_mqtt, work))
    if notify.notify_webhook:
        yield Target("webhook", partial(_by_webhook, work))
    from zmhook.settings.notify import addresses_of, scheme_of

    for number, address in enumerate(addresses_of(notify.notify_apprise.reveal()), 1):
        scheme = scheme_of(address)
        yield Target(f"apprise {number} ({scheme}://...)", partial(_by_apprise, work, number))


def _by_mqtt(work: Work) -> None:
    """Publish as an alarm does; the state goes off again at once."""
    from zmhook.notify import mqtt

    mqtt.send(work)
    mqtt.switch_off(work)


def _by_webhook(work: Work) -> None:
    from zmhook.notify import webhook

    webhook.send(work)


def _by_apprise(work: Work, number: int) -> None:
    from zmhook.notify import apprise

    apprise.send_to(work, number)


def _work(settings: Settings, monitor: int | None) -> Work:
    """Return an alarm that never was: a grey picture with one box."""
    import numpy as np

    from zmhook.detection import Box, Decision, Detection, FrameInfo
    from zmhook.event import Event
    from zmhook.frame import Frame
    from zmhook.jobs.work import Work
    from zmhook.version import __version__

    box = Box(WIDTH // 4, HEIGHT // 4, WIDTH * 3 // 4, HEIGHT * 3 // 4)
    decision = Decision(
        event=Event(monitor_id=monitor, cause="zmhook notify test"),
        outcome="alarm",
        detections=[Detection(label=LABEL, confidence=1.0, box=box, model="none")],
        frame=FrameInfo(id="snapshot", origin="zmhook notify test", width=WIDTH, height=HEIGHT),
        version=__version__,
    )
    image = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
    return Work(decision, settings, frame=Frame(image, "snapshot", "zmhook notify test"))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook notify", description="Try out whom an alarm is told to ([notify])."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    test = actions.add_parser(
        "test",
        help="send a test message everywhere; exit code 0 all sent, 1 some failed, 2 none set",
    )
    where.add_config(test)
    test.add_argument(
        "-m",
        "--monitor",
        type=monitor_argument,
        metavar="N",
        help="as monitor N, with the settings of [monitor-N]",
    )
    return parser
