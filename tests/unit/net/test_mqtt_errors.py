"""Why there is no connection, in words that say what to change."""

from __future__ import annotations

import socket
import ssl

import pytest

from zmhook.net import mqtt_errors
from zmhook.settings import Mqtt, Secret

MQTT = Mqtt(mqtt_host="b.example", mqtt_user="u", mqtt_password=Secret("s3cret"))


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "text")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "refused: is it running? check mqtt_h"),
        (socket.gaierror(-2, "Name or service not known"), "no such host (Name or service"),
        (TimeoutError("timed out"), "no answer within 10 seconds: check mqtt_host and mqtt_port"),
        (ConnectionResetError(104, "reset"), "does not answer as an MQTT broker would"),
        (untrusted(), "not accepted (self-signed certificate): set mqtt_ca"),
        (ssl.SSLError(1, "wrong version number"), "check mqtt_tls, mqtt_port"),
        (OSError("WebSocket handshake error"), "check mqtt_path"),
        (UnicodeError("label too long"), "it cannot be connected to (label too long)"),
    ],
)
def test_errors(error: Exception, says: str) -> None:
    text = mqtt_errors.of_error(error, MQTT)
    assert says in text
    assert text.startswith("broker b.example:1883: ")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (132, "does not speak MQTT 3.1.1: change mqtt_version"),
        (133, "change mqtt_client_id"),
        (134, "refuses the user 'u': check mqtt_user and mqtt_password"),
        (135, "refuses the user 'u': check mqtt_user and mqtt_password"),
        (142, "each collector needs an mqtt_client_id of its own"),
        (151, "it says: Quota exceeded"),
    ],
)
def test_answers(code: int, says: str) -> None:
    text = mqtt_errors.of_answer(code, "Quota exceeded", MQTT)
    assert says in text
    assert "s3cret" not in text


def test_nobody_is_let_in_without_a_name() -> None:
    assert "set mqtt_user and mqtt_password" in mqtt_errors.of_answer(135, "", Mqtt())
    assert "let us listen to a, b" in mqtt_errors.of_subscription(["a", "b"], Mqtt())


@pytest.mark.parametrize(
    ("told", "accepted", "says"),
    [
        ("", True, "the connection is lost"),
        ("failed to receive: [Errno 104] reset", True, "is lost ([Errno 104] reset)"),
        ("", False, "check mqtt_port, mqtt_transport and mqtt_tls"),
        ("x: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] y", False, "set mqtt_cert and mqtt_cert_key"),
        ("x: [SSL: TLSV1_ALERT_UNKNOWN_CA] y", False, "check mqtt_cert"),
    ],
)
def test_losses(told: str, accepted: bool, says: str) -> None:
    assert says in mqtt_errors.of_loss(told, MQTT, accepted=accepted)
