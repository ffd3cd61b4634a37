"""A paho client for the broker of `[mqtt]`, ready to connect."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from zmhook.errors import BrokerError, MissingPart
from zmhook.process.environment import use_system_store

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from paho.mqtt.client import Client
    from paho.mqtt.properties import Properties

    from zmhook.settings import Mqtt


CONNECT_SECONDS = 10.0
PORTS = {
    ("tcp", False): 1883,
    ("tcp", True): 8883,
    ("websockets", False): 9001,
    ("websockets", True): 443,
}
MOST_IN_FLIGHT = 65_535


def port(mqtt: Mqtt) -> int:
    """Return the port; paho wants one for a unix socket, too."""
    return mqtt.mqtt_port or PORTS.get((mqtt.mqtt_transport, mqtt.mqtt_tls), 1883)


def name(mqtt: Mqtt) -> str:
    """Return the broker's address for people."""
    if mqtt.mqtt_transport == "unix":
        return mqtt.mqtt_host
    host = f"[{mqtt.mqtt_host}]" if ":" in mqtt.mqtt_host else mqtt.mqtt_host
    path = mqtt.mqtt_path if mqtt.mqtt_transport == "websockets" else ""
    return f"{host}:{port(mqtt)}{path}"


def require() -> None:
    """Raise `MissingPart` when paho is not installed."""
    try:
        import paho.mqtt.client  # noqa: F401 - whether it is there is the question
    except ImportError:
        raise MissingPart("the collector of snapshots", "paho-mqtt", "mqtt") from None


def make(mqtt: Mqtt, trouble: Callable[[str], None], *, lasting: bool = True) -> Client:
    """Return a client with a persistent session, which acknowledges only when it is told to.

    Unless it is `lasting` the broker forgets the session when the connection ends; `connect` must
    be told, too. `trouble` is told what paho says of errors on the network, in its words. Raises
    `BrokerError` when certificates cannot be read.
    """
    from paho.mqtt.client import Client, MQTTv5, MQTTv311
    from paho.mqtt.enums import CallbackAPIVersion

    is_5 = mqtt.mqtt_version == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=mqtt.mqtt_client_id,
        clean_session=None if is_5 else not lasting,
        protocol=MQTTv5 if is_5 else MQTTv311,
        transport=mqtt.mqtt_transport,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = CONNECT_SECONDS
    client.enable_logger(_reason(trouble))
    # With this set, paho leaves writing to the thread that runs its loop: acknowledgements come
    # from another (paho 2, Client._packet_queue).
    client.on_socket_register_write = lambda *_: None
    if mqtt.mqtt_user:
        client.username_pw_set(mqtt.mqtt_user, mqtt.mqtt_password.reveal() or None)
    if mqtt.mqtt_transport == "websockets":
        client.ws_set_options(path=mqtt.mqtt_path)
    if mqtt.mqtt_tls:
        client.tls_set_context(_context(mqtt))
        client.tls_insecure_set(not mqtt.mqtt_verify)
    return client


def connect(client: Client, mqtt: Mqtt, *, lasting: bool = True) -> None:
    """Connect; the broker's answer comes later. Raises what sockets and TLS raise."""
    host, number, seconds = mqtt.mqtt_host, port(mqtt), mqtt.mqtt_keepalive
    if mqtt.mqtt_version == "5":
        properties = _properties(mqtt, mqtt.mqtt_session_expiry if lasting else 0)
        client.connect(host, number, seconds, clean_start=not lasting, properties=properties)
    else:
        client.connect(host, number, seconds)


def _properties(mqtt: Mqtt, expiry: int) -> Properties:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = expiry
    properties.ReceiveMaximum = min(mqtt.mqtt_queue, MOST_IN_FLIGHT)
    return properties


def _context(mqtt: Mqtt) -> ssl.SSLContext:
    import ssl

    use_system_store()
    context = ssl.create_default_context()
    if not mqtt.mqtt_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if mqtt.mqtt_ca:
        _load("mqtt_ca", mqtt.mqtt_ca, lambda: context.load_verify_locations(mqtt.mqtt_ca))
    if mqtt.mqtt_cert:
        # An encrypted key would be asked for on the terminal: a daemon has none.
        _load(
            "mqtt_cert, mqtt_cert_key",
            f"{mqtt.mqtt_cert}, {mqtt.mqtt_cert_key or 'the same file'}",
            lambda: context.load_cert_chain(mqtt.mqtt_cert, mqtt.mqtt_cert_key or None, ""),
        )
    return context


def _load(keys: str, files: str, load: Callable[[], None]) -> None:
    try:
        load()
    except OSError as error:  # ssl.SSLError is one
        why = getattr(error, "reason", None) or error.strerror or str(error)
        raise BrokerError(f"[mqtt] {keys}: {files}: cannot be used ({why})") from None


class _Last(logging.Handler):
    def __init__(self, trouble: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._trouble = trouble

    def emit(self, record: logging.LogRecord) -> None:
        self._trouble(record.getMessage())


def _reason(trouble: Callable[[str], None]) -> logging.Logger:
    """Return a logger of our own, outside the tree: paho's words are not for our log."""
    logger = logging.Logger("paho", logging.ERROR)  # noqa: LOG001
    logger.addHandler(_Last(trouble))
    return logger


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
        f"{_address(mqtt)}: it does not allow {who} to subscribe to {', '.join(refused)}: check"
        " mqtt_topic, and the broker's access list"
    )


def _address(mqtt: Mqtt) -> str:
    return f"broker {name(mqtt)}"


def _because(reason: str) -> str:
    return f" ({reason.rpartition(': ')[2]})" if reason else ""


def _of_error(error: BaseException, mqtt: Mqtt) -> str:
    import ssl

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
        return f"no answer within {CONNECT_SECONDS:g} seconds: check {where}"
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
        return "it does not accept anonymous clients: set mqtt_user and mqtt_password"
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
