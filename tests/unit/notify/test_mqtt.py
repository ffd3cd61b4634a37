"""What a broker does when all is well is in tests/integration/test_notify.py."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from datetime import datetime

import pytest
from msgspec import json

from zmhook.detection import Decision
from zmhook.errors import MissingPart, Undelivered
from zmhook.jobs.spool import Spool, Unit
from zmhook.jobs.work import Work
from zmhook.notify import mqtt
from zmhook.notify.mqtt import Note, discovery, publish
from zmhook.settings import Mqtt, Secret


@pytest.fixture
def published(monkeypatch) -> list[Note]:
    notes: list[Note] = []
    monkeypatch.setattr(mqtt, "publish", lambda _mqtt, sent, _seconds: notes.extend(sent))
    return notes


def by_topic(notes: list[Note]) -> dict[str, Note]:
    return {note.topic: note for note in notes}


def test_what_is_published(work, published) -> None:
    made = work(
        job="mqtt", event={"cause": "Motion"}, notify_mqtt_hold=30, notify_mqtt_discovery="no"
    )
    mqtt.send(made)

    notes = by_topic(published)
    assert [(note.topic, note.retain) for note in published] == [
        ("zmhook/status", True),
        ("zmhook/3/picture", True),
        ("zmhook/3/event", False),
        ("zmhook/3/last", True),
        ("zmhook/3/state", True),
    ]
    assert notes["zmhook/status"].payload == b"online"
    assert notes["zmhook/3/picture"].payload.startswith(b"\xff\xd8")
    assert Decision.from_json(notes["zmhook/3/event"].payload) == made.decision
    assert notes["zmhook/3/state"].payload == b"ON"
    last = json.decode(notes["zmhook/3/last"].payload)
    assert (last["labels"], last["event"], last["cause"]) == ("dog, person", "7", "Motion")
    until = datetime.fromisoformat(last["until"]).timestamp()
    assert until == pytest.approx(time.time() + 30, abs=20)


def test_prefix_and_an_unknown_monitor(work, published) -> None:
    mqtt.send(work(notify_mqtt_prefix="/home/cameras/", event={"monitor_id": None}))
    topics = [note.topic for note in published]
    assert "home/cameras/unknown/state" in topics
    assert not any(topic.startswith("homeassistant/") for topic in topics)


@pytest.mark.parametrize("prefix", ["", "/", "a/#", "+/b", "a\0"])
def test_a_prefix_that_cannot_be_published_to(prefix: str, work, published) -> None:
    with pytest.raises(Undelivered, match="notify_mqtt_prefix") as caught:
        mqtt.send(work(notify_mqtt_prefix=prefix))
    assert not caught.value.retry
    assert published == []


def test_no_picture(work, published) -> None:
    mqtt.send(work(notify_picture=False))
    assert not [note.topic for note in published if "picture" in note.topic]


def test_the_state_goes_off_later(work, published, tmp_path) -> None:
    """One job does it, the newest alarm's."""
    made, spool = work(job="mqtt", notify_mqtt_hold=100), Spool(tmp_path / "spool")
    for entry in ("1732212345000-0123abcd-m3", "1732212345678-0123abcd-m3"):
        spool.folder.mkdir(exist_ok=True)
        unit = Unit(entry, "mqtt", 1, 0.0)
        mqtt.send(Work(made.decision, made.settings, unit=unit, spool=spool))
    spool.add_unit(Unit("1732212345000-0123abcd-m4", "mqtt-off", 0, 0.0))  # of another monitor

    waiting = sorted(unit for unit in spool.units() if unit.monitor == "3")
    assert [(unit.entry, unit.job) for unit in waiting] == [
        ("1732212345678-0123abcd-m3", "mqtt-off")
    ]
    assert waiting[0].due == pytest.approx(time.time() + 100, abs=20)
    assert len(spool.units()) == 2

    published.clear()
    mqtt.switch_off(made)
    assert published == [Note("zmhook/3/state", b"OFF", True)]


def configs(work, monitor: int | None = 3, **more) -> dict[str, dict]:
    notes = list(
        discovery(work(**more).settings, monitor, "Drive", f"zm hook/{monitor}", "zm hook/status")
    )
    assert all(isinstance(note, Note) and note.retain for note in notes)
    return {note.topic: json.decode(note.payload) for note in notes}


def test_the_entities_of_a_monitor(work) -> None:
    found = configs(work, notify_mqtt_hold=59.5)
    assert list(found) == [
        "homeassistant/binary_sensor/zm_hook_3/alarm/config",
        "homeassistant/sensor/zm_hook_3/labels/config",
        "homeassistant/image/zm_hook_3/picture/config",
    ]
    # Only these characters are allowed in its topics.
    assert all(re.fullmatch(r"[\w/-]+", topic, re.ASCII) for topic in found)
    alarm, labels, picture = found.values()
    assert (alarm["state_topic"], alarm["device_class"]) == ("zm hook/3/state", "motion")
    assert alarm["off_delay"] == 60
    assert labels["state_topic"] == "zm hook/3/last"
    assert labels["value_template"] == "{{ value_json.labels[:255] }}"
    assert (picture["image_topic"], picture["content_type"]) == ("zm hook/3/picture", "image/jpeg")


def test_they_are_one_device_each_with_a_name_of_its_own(work) -> None:
    found = configs(work, general={"portal": "https://zm/zm", "user": "me"})
    assert len({one["unique_id"] for one in found.values()}) == 3
    assert len({json.encode(one["device"]) for one in found.values()}) == 1
    alarm = found["homeassistant/binary_sensor/zm_hook_3/alarm/config"]
    assert alarm["device"]["name"] == "Drive"
    assert alarm["device"]["identifiers"] == ["zm_hook_3"]
    assert alarm["device"]["configuration_url"] == "https://zm/zm"
    assert alarm["availability_topic"] == "zm hook/status"
    assert alarm["origin"]["name"] == "zmhook"


@pytest.mark.parametrize("prefix", ["no", "No", "off", "", "/"])
def test_switched_off(prefix: str, work) -> None:
    assert configs(work, notify_mqtt_discovery=prefix) == {}


def test_not_for_a_monitor_that_nobody_knows(work) -> None:
    assert configs(work, None) == {}


def test_no_picture_no_image(work) -> None:
    assert len(configs(work, notify_picture=False)) == 2


def test_another_prefix(work) -> None:
    assert all(topic.startswith("ha/x/") for topic in configs(work, notify_mqtt_discovery="ha/x/"))


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
