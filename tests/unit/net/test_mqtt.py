"""The client that paho makes of `[mqtt]`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zmhook.errors import BrokerError, MissingPart
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
