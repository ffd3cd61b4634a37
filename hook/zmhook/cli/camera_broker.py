"""The broker and passwords of `zmhook camera`: from the command line, else from [mqtt]."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook import CONFIG
from zmhook.camera.plan import PORTS, WEBSOCKETS, CameraBroker
from zmhook.errors import CameraError
from zmhook.settings import Mqtt, Settings, load
from zmhook.settings.section import Secret

if TYPE_CHECKING:
    import argparse

PASSWORD_VARIABLE = "ZMHOOK_BROKER_PASSWORD"  # noqa: S105 - its name
HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
HIGHEST_PORT = 65535
LARGEST = 4096
"""Bytes of a password file that are read."""


def readable_settings(config: str) -> Settings:
    """Read the configuration, or return the defaults if there is none at the usual path."""
    if config == CONFIG and not Path(config).exists():
        return Settings()
    return load(config).apply().general


def broker_of(args: argparse.Namespace, mqtt: Mqtt) -> CameraBroker:
    """Return the broker as the camera reaches it; what is not given comes from `[mqtt]`."""
    protocol = args.transport or _protocol(mqtt)
    host, port = host_and_port(args.broker, "--broker") if args.broker else _known(mqtt, args)
    same = not args.transport or args.transport == _protocol(mqtt)
    usual = mqtt.mqtt_port if same and mqtt.mqtt_transport != "unix" else 0
    user = mqtt.mqtt_user if args.broker_user is None else args.broker_user
    return CameraBroker(
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
    """Return the host of `[mqtt]`, or this machine's address in the camera's network."""
    if mqtt.mqtt_transport != "unix" and not _is_local(mqtt.mqtt_host):
        return mqtt.mqtt_host, 0
    return own_address(host_and_port(args.host, "--host")[0]), 0


def _is_local(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_address(camera: str) -> str:
    """Return the address that this machine has in the camera's network; nothing is sent."""
    try:
        addresses = socket.getaddrinfo(camera.strip("[]"), 80, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = addresses[0]
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
    prompt = f"Password of {user} at the broker (empty: keep the camera's)"
    return password_from(args.broker_password_file, PASSWORD_VARIABLE, prompt) or None


def host_and_port(text: str, flag: str) -> tuple[str, int]:
    match = HOST.fullmatch(text)
    port = int(match["port"] or 0) if match else 0
    if not match or port > HIGHEST_PORT:
        raise CameraError(f"{flag} '{text}': expected a name or an address, such as 192.0.2.7:80")
    return match["name"], port


# -- passwords -----------------------------------------------------------------------------------


def password_from(file: str | None, variable: str, prompt: str) -> Secret | None:
    """Return the password; None without a file, a variable and a terminal for a prompt.

    Never from a flag: all users of the machine see those in the list of processes.

    Raises `CameraError` when the file cannot be used.
    """
    if file:
        return _first_line(file)
    if os.environ.get(variable):
        return Secret(os.environ[variable])
    if sys.stdin.isatty():
        from getpass import getpass

        return Secret(getpass(f"{prompt}: "))
    return None


def _first_line(file: str) -> Secret:
    """Return the first line of a file."""
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(LARGEST).decode()
    except OSError as error:
        raise CameraError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CameraError(f"{file}: expected a password in UTF-8 on the first line") from None
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise CameraError(f"{file}: expected a password on the first line, which is empty")
    return Secret(password)
