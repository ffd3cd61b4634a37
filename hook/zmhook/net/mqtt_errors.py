"""Why there is no connection to the broker, in a line that says what to change."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from zmhook.net import mqtt as client

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings import Mqtt

# Reason codes of MQTT 5.0, section 2.4; paho gives those of 3.1.1 the same numbers.
UNSUPPORTED_VERSION = 132
BAD_CLIENT_ID = 133
BAD_PASSWORD = 134
NOT_AUTHORISED = 135
BANNED = 138
TAKEN_OVER = 142

_NOT_SPOKEN = (
    "it does not answer as an MQTT broker would: check mqtt_port, mqtt_transport and mqtt_tls"
)


def of_error(error: BaseException, mqtt: Mqtt) -> str:
    """Say why connecting failed."""
    return f"{_address(mqtt)}: {_of_error(error, mqtt)}"


def of_answer(code: int, text: str, mqtt: Mqtt) -> str:
    """Say why the broker refused us: `code` is that of its CONNACK or DISCONNECT."""
    return f"{_address(mqtt)}: {_of_code(code, text, mqtt)}"


def of_silence(mqtt: Mqtt) -> str:
    return f"{_address(mqtt)}: {_NOT_SPOKEN}"


def of_loss(reason: str, mqtt: Mqtt, *, accepted: bool) -> str:
    """Say why a connection ended: `told` is what paho says, `accepted` whether we were let in."""
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return f"{_address(mqtt)}: it wants a certificate of ours: set mqtt_cert and mqtt_cert_key"
    if "[SSL" in reason and "ALERT" in reason:
        return f"{_address(mqtt)}: it refuses our certificate ({reason}): check mqtt_cert"
    if accepted:
        return f"{_address(mqtt)}: the connection is lost{_because(reason)}"
    return f"{_address(mqtt)}: it ended the connection: {_NOT_SPOKEN}"


def of_rivalry(mqtt: Mqtt) -> str:
    """Say why a connection may be lost again and again, soon after it was made."""
    return (
        f"{_address(mqtt)}: it ends our connections soon after they are made: does another client "
        f"have the name '{mqtt.mqtt_client_id}'? Each collector needs an mqtt_client_id of its own"
    )


def of_subscription(refused: Iterable[str], mqtt: Mqtt) -> str:
    who = f"the user '{mqtt.mqtt_user}'" if mqtt.mqtt_user else "us"
    return (
        f"{_address(mqtt)}: it does not let {who} listen to {', '.join(refused)}: check mqtt_topic,"
        " and the broker's access list"
    )


def _address(mqtt: Mqtt) -> str:
    return f"broker {client.name(mqtt)}"


def _because(reason: str) -> str:
    return f" ({reason.rpartition(': ')[2]})" if reason else ""


def _of_error(error: BaseException, mqtt: Mqtt) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not accepted ({error.verify_message}): set mqtt_ca to the file of "
            "its authority, mqtt_host to the name in it, or mqtt_verify = no"
        )
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "reason", None) or str(error)
        return f"TLS fails ({why}): check mqtt_tls, mqtt_port and mqtt_cert"
    if isinstance(error, socket.gaierror):
        return f"there is no such host ({error.strerror}): check mqtt_host"
    return _of_system(error, mqtt)


def _of_system(error: BaseException, mqtt: Mqtt) -> str:
    where = "mqtt_host" if mqtt.mqtt_transport == "unix" else "mqtt_host and mqtt_port"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return f"it ended the connection: {_NOT_SPOKEN}"
    if isinstance(error, TimeoutError):
        return f"no answer within {client.CONNECT_SECONDS:g} seconds: check {where}"
    if "WebSocket" in str(error):
        return (
            "there is no websocket of a broker: check mqtt_path, mqtt_port and mqtt_transport"
            f" ({error})"
        )
    if isinstance(error, OSError):
        return f"{error.strerror or error}: is it running? check {where}"
    return f"it cannot be connected to ({error}): check {where}"


def _of_code(code: int, text: str, mqtt: Mqtt) -> str:
    if code in (BAD_PASSWORD, NOT_AUTHORISED, BANNED) and not mqtt.mqtt_user:
        return "it lets nobody in without a name: set mqtt_user and mqtt_password"
    if code in (BAD_PASSWORD, NOT_AUTHORISED, BANNED):
        return f"it refuses the user '{mqtt.mqtt_user}': check mqtt_user and mqtt_password"
    if code == BAD_CLIENT_ID:
        return f"it refuses the name '{mqtt.mqtt_client_id}': change mqtt_client_id"
    if code == UNSUPPORTED_VERSION:
        return f"it does not speak MQTT {mqtt.mqtt_version}: change mqtt_version"
    if code == TAKEN_OVER:
        return (
            f"another client took the name '{mqtt.mqtt_client_id}': each collector needs an "
            "mqtt_client_id of its own"
        )
    return f"it says: {text}"
