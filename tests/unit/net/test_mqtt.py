"""The client that paho makes of `[mqtt]`."""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path

import pytest

from zmhook.errors import BrokerError, MissingPart
from zmhook.net import mqtt
from zmhook.net import mqtt as client
from zmhook.settings import Mqtt, Secret


@pytest.mark.parametrize(
    ("mqtt", "number", "name"),
    [
        (Mqtt(), 1883, "127.0.0.1:1883"),
        (Mqtt(mqtt_tls=True), 8883, "127.0.0.1:8883"),
        (Mqtt(mqtt_transport="websockets"), 9001, "127.0.0.1:9001/mqtt"),
        (Mqtt(mqtt_transport="websockets", mqtt_tls=True), 443, "127.0.0.1:443/mqtt"),
        (Mqtt(mqtt_port=5, mqtt_host="::1"), 5, "[::1]:5"),
        (Mqtt(mqtt_transport="unix", mqtt_host="/run/m"), 1883, "/run/m"),
    ],
)
def test_the_usual_ports(mqtt: Mqtt, number: int, name: str) -> None:
    assert client.port(mqtt) == number
    assert client.name(mqtt) == name


@pytest.mark.parametrize(("version", "protocol"), [("3.1.1", 4), ("5", 5)])
def test_version_and_login(version: str, protocol: int) -> None:
    made = client.make(
        Mqtt(mqtt_version=version, mqtt_user="u", mqtt_password=Secret("p")), lambda _: None
    )
    assert made._protocol == protocol
    assert (made.username, made.password) == ("u", "p")
    assert made._manual_ack


def test_what_paho_says_goes_to_us_alone(caplog) -> None:
    said: list[str] = []
    made = client.make(Mqtt(), said.append)
    made._easy_log(8, "trouble with %s", "x")
    assert said == ["trouble with x"]
    assert caplog.records == []


@pytest.mark.parametrize("key", ["mqtt_ca", "mqtt_cert"])
def test_certificates_that_cannot_be_used(tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_text("no certificate")
    for file in ("file", "nowhere"):
        with pytest.raises(BrokerError, match=rf"\[mqtt\] {key}.*{file}.*cannot be used"):
            client.make(Mqtt(mqtt_tls=True, **{key: str(tmp_path / file)}), lambda _: None)


def test_without_checking_any_certificate_will_do() -> None:
    context = client._context(Mqtt(mqtt_verify=False))
    assert not context.check_hostname
    assert context.verify_mode == 0


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(MissingPart, match="paho-mqtt"):
        client.require()


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
    text = mqtt.of_error(error, MQTT)
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
    text = mqtt.of_answer(code, "Quota exceeded", MQTT)
    assert says in text
    assert "s3cret" not in text


def test_nobody_is_let_in_without_a_name() -> None:
    assert "set mqtt_user and mqtt_password" in mqtt.of_answer(135, "", Mqtt())
    assert "allow us to subscribe to a, b" in mqtt.of_subscription(["a", "b"], Mqtt())


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
    assert says in mqtt.of_loss(told, MQTT, accepted=accepted)
