"""`zmhook notify`: send a test notification through every configured channel."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from zmhook.cli.arguments import (
    Parser,
    absolute_config,
    add_config,
    add_monitor,
)
from zmhook.cli.output import complain, say
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.jobs.work import Work
    from zmhook.settings import Settings

ALL_WORKED, SOME_FAILED, NOTHING_SET = 0, 1, 2
LABEL = "test"
WIDTH, HEIGHT = 640, 360


class Channel(NamedTuple):
    """A way to send notifications: its name for people, and what sends through it."""

    name: str
    send: Callable[[], None]


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    from zmhook.settings import load

    config = absolute_config(args.config)
    settings = load(config).apply().for_monitor(args.monitor)
    become_owner(*folders_of(settings))
    every = list(channels(invented_alarm(settings, args.monitor)))
    if not every:
        complain(
            f"{config}: [notify] has no channel: set notify_mqtt, notify_webhook or notify_apprise"
        )
        return NOTHING_SET
    sent = [_send(channel) for channel in every]
    return ALL_WORKED if all(sent) else SOME_FAILED


def _send(channel: Channel) -> bool:
    began = time.monotonic()
    try:
        channel.send()
    except ZmhookError as error:
        say(f"failed  {channel.name}: {error}")
        return False
    say(f"sent    {channel.name} ({(time.monotonic() - began) * 1000:.0f} ms)")
    return True


def channels(work: Work) -> Iterator[Channel]:
    notify = work.settings.notify
    if notify.notify_mqtt:
        from zmhook.net import mqtt as client

        yield Channel(f"mqtt {client.name(work.settings.mqtt)}", partial(_by_mqtt, work))
    if notify.notify_webhook:
        yield Channel("webhook", partial(_by_webhook, work))
    from zmhook.settings.notify import addresses_of, scheme_of

    for number, address in enumerate(addresses_of(notify.notify_apprise.reveal()), 1):
        scheme = scheme_of(address)
        yield Channel(f"apprise {number} ({scheme}://...)", partial(_by_apprise, work, number))


def _by_mqtt(work: Work) -> None:
    """Publish an alarm, and its end at once."""
    from zmhook.notify import mqtt

    mqtt.send(work)
    mqtt.switch_off(work)


def _by_webhook(work: Work) -> None:
    from zmhook.notify import webhook

    webhook.send(work)


def _by_apprise(work: Work, number: int) -> None:
    from zmhook.notify import apprise

    apprise.send_to(work, number)


def invented_alarm(settings: Settings, monitor: int | None) -> Work:
    """Return an invented alarm: a grey picture with one box."""
    import numpy as np

    from zmhook import __version__
    from zmhook.detection import Box, Decision, Detection, FrameInfo
    from zmhook.event import Event
    from zmhook.frame import Frame
    from zmhook.jobs.work import Work

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


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook notify",
        description="Test the notifications that [notify] configures.",
        examples=["zmhook notify test"],
    )
    test = parser.add_command(
        "test",
        "send a test notification through every configured channel",
        examples=["zmhook notify test", "zmhook notify test -m 5"],
        epilog="Exit code: 0 all sent, 1 some failed, 2 no channel is configured.",
    )
    add_config(test)
    add_monitor(test, "use the settings of this monitor")
    return parser
