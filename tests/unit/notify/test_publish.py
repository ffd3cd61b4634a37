"""What a broker does when all is well is in tests/integration/test_notify.py."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

from zmhook.errors import MissingPart, Undelivered
from zmhook.notify.publish import Note, publish
from zmhook.settings import Mqtt, Secret

NOTE = Note("t", b"x")


def test_without_the_package(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(MissingPart, match="paho-mqtt"):
        publish(Mqtt(), [NOTE], 1)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Undelivered, match=rf"127\.0\.0\.1:{port}: .*refused") as caught:
            publish(Mqtt(mqtt_port=port), [NOTE], 1)
    assert caught.value.retry


def test_one_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(Undelivered, match="does not answer as an MQTT broker") as caught:
            publish(Mqtt(mqtt_port=port), [NOTE], 0.2)
    assert caught.value.retry


def test_one_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Undelivered) as caught:
            publish(Mqtt(mqtt_port=server.getsockname()[1]), [NOTE], 2)
        thread.join()
    assert caught.value.retry


def test_a_certificate_that_cannot_be_read(tmp_path) -> None:
    wrong = Mqtt(mqtt_tls=True, mqtt_ca=str(tmp_path / "no.pem"), mqtt_password=Secret("pw"))
    with pytest.raises(Undelivered, match="mqtt_ca") as caught:
        publish(wrong, [NOTE], 1)
    assert not caught.value.retry
