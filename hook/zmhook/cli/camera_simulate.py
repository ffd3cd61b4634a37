"""`zmhook camera simulate`: publish messages like a camera's, made from photos."""

from __future__ import annotations

import random
import secrets
import time
from contextlib import closing
from itertools import cycle
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.camera.message_sender import MessageSender
from zmhook.camera.simulated_messages import FORMATS, below, write
from zmhook.camera.simulated_track import photos, tracks
from zmhook.cli.camera_broker import (
    PASSWORD_VARIABLE,
    host_and_port,
    password_from,
    readable_settings,
)
from zmhook.cli.output import say
from zmhook.errors import CameraError
from zmhook.settings import Secret
from zmhook.snapshots.snapshot import SceneBox

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from zmhook.camera.simulated_messages import SimulatedMessage
    from zmhook.camera.simulated_track import SimulatedTrack
    from zmhook.settings import Mqtt, Settings

FRIGATE = "frigate"


def main(args: argparse.Namespace) -> int:
    settings = readable_settings(args.config)
    files = photos(args.photos)
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    topic = args.topic or topic_of(settings, args.camera, args.monitor)
    with closing(MessageSender(_mqtt(args, settings.mqtt))) as sender:
        sender.connect()
        say(f"{sender.name}, topic {topic}, seed {seed}")
        sent = 0
        for form, track in _paced(args, files, seed):
            root = FRIGATE if form == FRIGATE and not args.topic else topic
            messages = write(form, track)
            _send(sender, root, messages)
            sent += len(messages)
            say(_line(form, track, root, messages))
    say(f"{sent} messages sent and accepted by the broker")
    return 0


def _paced(
    args: argparse.Namespace, files: list[Path], seed: int
) -> Iterator[tuple[str, SimulatedTrack]]:
    """Yield the tracks with their formats, at the given rate."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    box = SceneBox(*args.box) if args.box else None
    formats = cycle(FORMATS if args.format == "all" else (args.format,))
    due = time.monotonic()
    for group in tracks(files, dice, args.count, label=args.label, box=box, camera=args.camera):
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1.0 / args.rate if args.rate else 0.0
        form = next(formats)
        yield from ((form, track) for track in group)


def _send(sender: MessageSender, topic: str, messages: list[SimulatedMessage]) -> None:
    for message in messages:
        sender.send(below(topic, message.suffix), message.payload)


def _line(form: str, track: SimulatedTrack, topic: str, messages: list[SimulatedMessage]) -> str:
    size = sum(len(message.payload) for message in messages)
    topics = ", ".join(dict.fromkeys(below(topic, message.suffix) for message in messages))
    return (
        f"{form:<18} {track.label} {track.score:.0%}, {track.end - track.start:.1f} s,"
        f" {size / 1000:.0f} kB to {topics}"
    )


def topic_of(settings: Settings, camera: str, monitor: int | None) -> str:
    """Return a topic that the collector subscribes to, with its wildcards replaced."""
    known = [section.topic for section in settings.topics]
    topic = (known or list(settings.mqtt.mqtt_topic))[0]
    if topic.startswith("$share/"):
        topic = topic.split("/", 2)[2]  # a subscription's group is no part of the topic
    if "{monitor}" in topic and monitor is None:
        raise CameraError(f"topic '{topic}': give --monitor, which replaces {{monitor}}")
    topic = topic.replace("{camera}", camera).replace("{monitor}", str(monitor))
    return topic.replace("#", camera).replace("+", camera)


def _mqtt(args: argparse.Namespace, mqtt: Mqtt) -> Mqtt:
    """Return the settings, overridden by the command line."""
    if args.broker:
        host, port = host_and_port(args.broker, "--broker")
        transport = "tcp" if mqtt.mqtt_transport == "unix" else mqtt.mqtt_transport
        mqtt = structs.replace(
            mqtt, mqtt_host=host, mqtt_port=port or mqtt.mqtt_port, mqtt_transport=transport
        )
    user = mqtt.mqtt_user if args.broker_user is None else args.broker_user
    if user == mqtt.mqtt_user and not args.broker_password_file:
        return mqtt
    prompt = f"Password of {user} at the broker"
    password = password_from(args.broker_password_file, PASSWORD_VARIABLE, prompt) if user else None
    return structs.replace(mqtt, mqtt_user=user, mqtt_password=password or Secret())
