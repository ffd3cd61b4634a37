"""`zmhook camera setup`, `status` and `undo`: configure an Axis camera."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zmhook.camera.axis import Axis, CameraState
from zmhook.camera.camera_client import CameraClient, CameraLogin
from zmhook.camera.plan import MQTT, SetupRequest, changes
from zmhook.camera.setup import (
    backup_path,
    carry_out,
    load_backup,
    put_back,
    undo_plan,
    wait_until_connected,
)
from zmhook.cli.camera_broker import broker_of, host_and_port, password_from, readable_settings
from zmhook.cli.output import say
from zmhook.errors import CameraError
from zmhook.exit_codes import DONE
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from zmhook.camera.plan import CameraBroker, Change
    from zmhook.cli.tables import Block
    from zmhook.settings import Mqtt, Settings

PASSWORD = "ZMHOOK_CAMERA_PASSWORD"  # noqa: S105 - its name


def setup(args: argparse.Namespace) -> int:
    settings = readable_settings(args.config)
    axis = _axis(args)
    try:
        state = axis.state()
        requested = _requested(args, settings.mqtt, state)
        todo = changes(state, requested)
        sets_broker = any(change.part == MQTT for change in todo)
        if requested.broker.password and not args.https and sets_broker:
            say("note: the broker's password goes to the camera unencrypted; --https encrypts it")
        if args.dry_run:
            _print_calls(axis, todo)
        else:
            _set_up(axis, todo, args, settings)
        _say_all(_section(requested.topic, args.monitor))
        if not args.dry_run:
            _expect_connection(axis, requested.broker, args.wait)
        return DONE
    finally:
        axis.close()


def status(args: argparse.Namespace) -> int:
    from zmhook.cli.tables import show

    settings = readable_settings(args.config)
    axis = _axis(args)
    try:
        show(_status(axis.state(), axis.base), sys.stdout)
    finally:
        axis.close()
    become_owner(*folders_of(settings))
    known = load_backup(_file(settings, args.host), args.host)
    say(f"undo would restore: {', '.join(known.parts) or 'nothing'}")
    return DONE


def undo(args: argparse.Namespace) -> int:
    settings = readable_settings(args.config)
    file = _file(settings, args.host)
    axis = _axis(args)
    try:
        become_owner(*folders_of(settings))
        known = load_backup(file, args.host)
        if not known.parts:
            raise CameraError(f"{file}: not found, so there is no setup of {args.host} to undo")
        way = undo_plan(axis.state(), known)
        if args.dry_run:
            _print_calls(axis, way.changes)
        else:
            put_back(axis, way, file, args.host, say)
        for note in way.notes:
            say(f"note: {note}")
        return DONE
    finally:
        axis.close()


# -- setup ---------------------------------------------------------------------------------------


def _set_up(axis: Axis, todo: list[Change], args: argparse.Namespace, settings: Settings) -> None:
    if not todo:
        say(f"{axis.base}: already set up")
        return
    become_owner(*folders_of(settings))
    carry_out(axis, todo, _file(settings, args.host), args.host, say)


def _print_calls(axis: Axis, todo: Iterable[Change]) -> None:
    calls = [request.shown(axis.base) for change in todo for request in change.requests]
    _say_all(calls or [f"{axis.base}: nothing would be changed"])


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _section(topic: str, monitor: int | None) -> Iterator[str]:
    parts = topic.split("/")
    yield ""
    yield "Add this to objectconfig.ini, to map the topic to this camera:"
    yield ""
    yield f"[mqtt-topic-{parts[-2] if len(parts) > 1 else parts[0]}]"
    yield f"topic = {topic}"
    if monitor:
        yield f"monitor = {monitor}"
    else:
        yield "# its monitor id in ZoneMinder"
        yield "#monitor ="


def _expect_connection(axis: Axis, broker: CameraBroker, seconds: float) -> None:
    connection = wait_until_connected(axis, seconds)
    if connection:
        raise CameraError(
            f"{axis.base}: set up, but after {seconds:.3g} s its connection to {broker} is"
            f" '{connection}': check the broker's address, firewalls, user and password"
        )
    say()
    say(f"The camera is connected to {broker}.")


# -- status --------------------------------------------------------------------------------------


def _status(state: CameraState, base: str) -> Iterator[Block]:
    from zmhook.cli.tables import Table

    device, client = state.device, state.client
    yield f"{device.name or 'camera'} at {base}"
    yield f"serial number {device.serial or 'unknown'}, AXIS OS {device.firmware or 'unknown'}"
    active = "active" if client.active else "inactive"
    yield f"MQTT client: {active}, {client.connection}, {_target(state)}"
    yield f"best snapshots: {_snapshots(state)}"
    rows = [
        (
            publisher.id,
            publisher.data_source_key,
            _topic(publisher.mqtt_topic, prefixed=publisher.use_topic_prefix),
            str(publisher.qos),
        )
        for publisher in state.publishers
    ]
    if rows:
        head = ("id", "data source", "topic", "qos")
        yield Table("Publishers", head, rows, frozenset({3}), wrapped=frozenset({1, 2}))
    else:
        yield "publishers: none"
    yield Table("Data sources", ("key",), [(key,) for key in state.sources])


def _target(state: CameraState) -> str:
    server = state.client.server
    if not server.get("host"):
        return "no broker"
    address = f"{server.get('protocol', 'tcp')}://{server['host']}:{server.get('port', '')}"
    return f"{address} {f'as {state.client.user}' if state.client.user else 'anonymous'}"


def _snapshots(state: CameraState) -> str:
    if state.snapshots is None:
        return "not supported by this firmware"
    margin = "with" if state.snapshots.margin else "without"
    return f"on, {margin} margin" if state.snapshots.enabled else "off"


def _topic(topic: str, *, prefixed: bool) -> str:
    return f"(prefix)/{topic}" if prefixed else topic


# -- camera --------------------------------------------------------------------------------------


def _file(settings: Settings, host: str) -> Path:
    return backup_path(settings.general.base_data_path, host)


def _axis(args: argparse.Namespace) -> Axis:
    host_and_port(args.host, "--host")
    password = password_from(
        args.password_file, PASSWORD, f"Password of {args.user} at {args.host}"
    )
    if password is None:
        raise CameraError(f"no password for '{args.user}': give --password-file or set ${PASSWORD}")
    base = f"{'https' if args.https else 'http'}://{args.host}"
    login = CameraLogin(args.user, password, basic=args.basic)
    return Axis(CameraClient(base, login, verify=not args.insecure, seconds=args.timeout))


def _requested(args: argparse.Namespace, mqtt: Mqtt, state: CameraState) -> SetupRequest:
    topic = args.topic or f"axis/{state.device.serial or 'camera'}/track"
    return SetupRequest(broker_of(args, mqtt), topic, args.channel, args.format)
