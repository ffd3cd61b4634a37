"""`zmhook camera setup`, `status` and `undo`: what they read, do and print."""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.camera import memory
from zmhook.camera.axis import Axis, State
from zmhook.camera.camera_client import CameraClient, CameraLogin
from zmhook.camera.plan import MQTT, PORTS, WEBSOCKETS, Broker, Wanted, changes
from zmhook.camera.setup import carry_out, put_back, wait_until_connected
from zmhook.camera.undo import way_back
from zmhook.cli import passwords
from zmhook.cli.output import say
from zmhook.cli.where import CONFIG
from zmhook.errors import CameraError
from zmhook.process.privilege import become_owner
from zmhook.settings import Mqtt, Settings, load
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from zmhook.camera.plan import Change
    from zmhook.cli.tables import Block
    from zmhook.settings import Secret

DONE = 0
LOGIN, BROKER_LOGIN = "ZMHOOK_CAMERA_PASSWORD", "ZMHOOK_BROKER_PASSWORD"
HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
HIGHEST_PORT = 65535


def setup(args: argparse.Namespace) -> int:
    settings = settings_of(args.config)
    axis = _axis(args)
    try:
        state = axis.state()
        wanted = _wanted(args, settings.mqtt, state)
        todo = changes(state, wanted)
        if wanted.broker.password and not args.https and any(one.part == MQTT for one in todo):
            say("note: the broker's password goes to the camera readable; --https encrypts it")
        if args.dry_run:
            _print_calls(axis, todo)
        else:
            _set_up(axis, todo, args, settings)
        _say_all(_section(wanted.topic, args.monitor))
        if not args.dry_run:
            _expect_connection(axis, wanted.broker, args.wait)
        return DONE
    finally:
        axis.close()


def status(args: argparse.Namespace) -> int:
    from zmhook.cli.tables import show

    settings = settings_of(args.config)
    axis = _axis(args)
    try:
        show(_status(axis.state(), axis.base), sys.stdout)
    finally:
        axis.close()
    become_owner(*folders_of(settings))
    known = memory.load(_file(settings, args.host), args.host)
    say(f"undo would put back: {', '.join(known.parts) or 'nothing'}")
    return DONE


def undo(args: argparse.Namespace) -> int:
    settings = settings_of(args.config)
    file = _file(settings, args.host)
    axis = _axis(args)
    try:
        become_owner(*folders_of(settings))
        known = memory.load(file, args.host)
        if not known.parts:
            raise CameraError(f"{file}: is not there, so no set-up of {args.host} is known")
        way = way_back(axis.state(), known)
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
        say(f"{axis.base}: everything is set up already")
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
    yield "For objectconfig.ini, so that the snapshots are known to be this camera's:"
    yield ""
    yield f"[mqtt-topic-{parts[-2] if len(parts) > 1 else parts[0]}]"
    yield f"topic = {topic}"
    if monitor:
        yield f"monitor = {monitor}"
    else:
        yield "# the number of its monitor in ZoneMinder"
        yield "#monitor ="


def _expect_connection(axis: Axis, broker: Broker, seconds: float) -> None:
    connection = wait_until_connected(axis, seconds)
    if connection:
        raise CameraError(
            f"{axis.base}: is set up, but after {seconds:.3g} s its connection to {broker} is"
            f" '{connection}': does the broker listen there, is a firewall between, are user and"
            " password right?"
        )
    say()
    say(f"The camera is connected to {broker}.")


# -- status --------------------------------------------------------------------------------------


def _status(state: State, base: str) -> Iterator[Block]:
    from zmhook.cli.tables import Table

    device, client = state.device, state.client
    yield f"{device.name or 'a camera'} at {base}"
    yield f"serial number {device.serial or 'unknown'}, AXIS OS {device.firmware or 'unknown'}"
    active = "active" if client.active else "inactive"
    yield f"MQTT client: {active}, {client.connection}, {_target(state)}"
    yield f"snapshots of objects: {_snapshots(state)}"
    rows = [
        (
            one.id,
            one.data_source_key,
            _topic(one.mqtt_topic, prefixed=one.use_topic_prefix),
            str(one.qos),
        )
        for one in state.publishers
    ]
    if rows:
        yield Table("Publishers", ("id", "data source", "topic", "qos"), rows, frozenset({3}))
    else:
        yield "publishers: none"
    yield Table("Data sources", ("key",), [(key,) for key in state.sources])


def _target(state: State) -> str:
    server = state.client.server
    if not server.get("host"):
        return "no broker"
    address = f"{server.get('protocol', 'tcp')}://{server['host']}:{server.get('port', '')}"
    return f"{address} {f'as {state.client.user}' if state.client.user else 'anonymous'}"


def _snapshots(state: State) -> str:
    if state.snapshots is None:
        return "this firmware has none"
    margin = "with" if state.snapshots.margin else "without"
    return f"on, {margin} margin" if state.snapshots.enabled else "off"


def _topic(topic: str, *, prefixed: bool) -> str:
    return f"(prefix)/{topic}" if prefixed else topic


# -- camera and broker ---------------------------------------------------------------------------


def settings_of(config: str) -> Settings:
    """Read the configuration; where there is none at the usual place, the defaults hold."""
    if config == CONFIG and not Path(config).exists():
        return Settings()
    return load(config).general


def _file(settings: Settings, host: str) -> Path:
    return memory.place(settings.general.base_data_path, host)


def _axis(args: argparse.Namespace) -> Axis:
    host_and_port(args.host, "--host")
    password = passwords.find(args.password_file, LOGIN, f"Password of {args.user} at {args.host}")
    if password is None:
        raise CameraError(
            f"the password of '{args.user}' is not known: give --password-file or ${LOGIN}"
        )
    base = f"{'https' if args.https else 'http'}://{args.host}"
    login = CameraLogin(args.user, password, basic=args.basic)
    return Axis(CameraClient(base, login, verify=not args.insecure, seconds=args.timeout))


def _wanted(args: argparse.Namespace, mqtt: Mqtt, state: State) -> Wanted:
    topic = args.topic or f"axis/{state.device.serial or 'camera'}/track"
    return Wanted(broker_of(args, mqtt), topic, args.channel, args.format)


def broker_of(args: argparse.Namespace, mqtt: Mqtt) -> Broker:
    """Return the broker as the camera reaches it: what is not given is as in `[mqtt]`."""
    protocol = args.transport or _protocol(mqtt)
    host, port = host_and_port(args.broker, "--broker") if args.broker else _known(mqtt, args)
    same = not args.transport or args.transport == _protocol(mqtt)
    usual = mqtt.mqtt_port if same and mqtt.mqtt_transport != "unix" else 0
    user = mqtt.mqtt_user if args.broker_user is None else args.broker_user
    return Broker(
        protocol,
        host,
        port or usual or PORTS[protocol],
        (args.path or mqtt.mqtt_path) if protocol in WEBSOCKETS else "",
        user,
        _broker_password(args, mqtt, user),
        args.broker_ca,
    )


def _protocol(mqtt: Mqtt) -> str:
    if mqtt.mqtt_transport == "websockets":
        return "wss" if mqtt.mqtt_tls else "ws"
    return "ssl" if mqtt.mqtt_tls and mqtt.mqtt_transport == "tcp" else "tcp"


def _known(mqtt: Mqtt, args: argparse.Namespace) -> tuple[str, int]:
    """Return the host of `[mqtt]`; where that is this machine, as the camera sees it."""
    if mqtt.mqtt_transport != "unix" and not _is_local(mqtt.mqtt_host):
        return mqtt.mqtt_host, 0
    return _own_address(host_and_port(args.host, "--host")[0]), 0


def _is_local(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_address(camera: str) -> str:
    """Return the address that this machine has in the camera's network; nothing is sent."""
    try:
        found = socket.getaddrinfo(camera.strip("[]"), 80, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise CameraError(f"{camera}: cannot be reached ({error.strerror})") from None


def _broker_password(args: argparse.Namespace, mqtt: Mqtt, user: str) -> Secret | None:
    if not user:
        return None
    if not args.broker_password_file and user == mqtt.mqtt_user and mqtt.mqtt_password:
        return mqtt.mqtt_password
    prompt = f"Password of {user} at the broker (empty: as the camera has it)"
    return passwords.find(args.broker_password_file, BROKER_LOGIN, prompt) or None


def host_and_port(text: str, flag: str) -> tuple[str, int]:
    match = HOST.fullmatch(text)
    port = int(match["port"] or 0) if match else 0
    if not match or port > HIGHEST_PORT:
        raise CameraError(f"{flag} '{text}': expected a name or an address, such as 192.0.2.7:80")
    return match["name"], port
