"""A real collector with a real broker: by every way, in every trouble, nothing lost or twice."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

TOPIC = "cameras/drive/track"


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("way", ["tcp", "tls", "mutual", "websockets", "secure websockets", "unix"])
def test_collects_by_every_way(
    broker, collector, certificates, track, way: str, version: str
) -> None:
    tls = {"mqtt_tls": "yes", "mqtt_ca": certificates.ca}
    own = {"mqtt_cert": certificates.client, "mqtt_cert_key": certificates.client_key}
    websockets = {"mqtt_transport": "websockets"}
    collector.mqtt |= {"mqtt_version": version} | {
        "tcp": {},
        "tls": {"mqtt_port": broker.tls_port, **tls},
        "mutual": {"mqtt_port": broker.mutual_port, **tls, **own},
        "websockets": {"mqtt_port": broker.ws_port, **websockets},
        "secure websockets": {"mqtt_port": broker.wss_port, **websockets, **tls},
        "unix": {"mqtt_transport": "unix", "mqtt_host": broker.socket},
    }[way]
    collector.listening()
    broker.publish(TOPIC, track(1), track(2, label="Car"))
    collector.has(1, 2)
    assert {row.camera for row in collector.rows()} == {"drive"}
    assert {row.label for row in collector.rows()} == {"Human", "Car"}
    assert collector.stop() == 0


def test_what_was_said_while_it_was_away_is_collected(broker, collector, track) -> None:
    collector.listening().stop()
    broker.publish(TOPIC, track(1), track(2))
    broker.restart()
    broker.publish(TOPIC, track(3))
    collector.start()
    collector.has(1, 2, 3)


def test_version_5_keeps_the_session_too(broker, collector, track) -> None:
    collector.mqtt["mqtt_version"] = "5"
    collector.listening().kill()
    broker.publish(TOPIC, track(1))
    collector.start()
    collector.has(1)


def test_a_broker_that_is_not_there_yet(make_broker, make_collector, track, until) -> None:
    broker = make_broker()
    collector = make_collector(broker).start()
    until(lambda: "Connection refused" in collector.log(), "it says why")
    broker.start()
    until(lambda: "subscribed to" in collector.log(), "listening")
    broker.publish(TOPIC, track(1))
    collector.has(1)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_broker_that_goes_and_comes_back(broker, collector, track, until, end: str) -> None:
    collector.listening()
    broker.publish(TOPIC, track(1))
    collector.has(1)
    getattr(broker, end)()
    until(lambda: "the connection is lost" in collector.log(), "it says so")
    broker.start()
    broker.publish(TOPIC, track(2), track(3))
    collector.has(1, 2, 3)
    errors = [line for line in collector.log().splitlines() if " ERROR " in line]
    assert len(errors) <= 2  # the connection is lost; perhaps: the broker is not there


def test_killed_again_and_again_nothing_is_lost_or_twice(
    make_broker, make_collector, track, until
) -> None:
    broker = make_broker(durable=False)
    broker.start()
    collector = make_collector(broker).listening()
    numbers = range(300)
    for start in (0, 100, 200):
        broker.publish(TOPIC, *map(track, numbers[start : start + 100]))
        stored = sum(collector.tracks().values())
        until(lambda least=stored: sum(collector.tracks().values()) > least, "it is at work")
        collector.kill()
        collector.start()
    collector.has(*numbers)
    found = [row.number for row in collector.rows()]
    assert found == list(range(found[0], found[0] + 300))


def test_a_message_every_millisecond(make_broker, make_collector, track) -> None:
    broker = make_broker(durable=False)
    broker.start()
    collector = make_collector(broker)
    collector.mqtt["mqtt_queue"] = 5
    collector.listening()
    broker.publish(TOPIC, *map(track, range(1000)))
    collector.has(*range(1000))


def test_a_wrong_password_is_told_once_and_tried_again(broker, collector, track, until) -> None:
    collector.mqtt["mqtt_password"] = "wr0ng-w0rd"
    collector.start()
    until(lambda: "refuses the user 'cameras': check mqtt_user" in collector.log(), "it says so")
    broker.set_password("wr0ng-w0rd")
    broker.stop()
    broker.start()
    until(lambda: "subscribed to" in collector.log(), "listening")
    assert "wr0ng-w0rd" not in collector.log()
    assert str(broker.port) in collector.log()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"mqtt_password": "wrong"}, "refuses the user 'cameras': check mqtt_user"),
        ({"mqtt_user": ""}, "set mqtt_user and mqtt_password"),
        ({"mqtt_host": "nowhere.invalid"}, "no such host"),
        ({"mqtt_port": 1}, "check mqtt_host and mqtt_port"),
        ({"mqtt_ca": "/nowhere", "mqtt_tls": "yes"}, "[mqtt] mqtt_ca: /nowhere"),
        ({"mqtt_transport": "websockets", "mqtt_path": "/x"}, "check mqtt_path"),
    ],
)
def test_check_says_what_to_change(broker, collector, root, more, says: str) -> None:
    collector.mqtt |= more
    done = check(collector)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("port", "more", "says"),
    [
        ("tls_port", {}, "mqtt_ca"),
        ("mutual_port", {"mqtt_ca": "ca"}, "set mqtt_cert and mqtt_cert_key"),
        ("port", {"mqtt_ca": "ca"}, "mqtt_transport and mqtt_tls"),
    ],
)
def test_check_says_what_is_wrong_with_tls(
    broker, collector, certificates, port: str, more: dict[str, str], says: str
) -> None:
    files = {key: getattr(certificates, value) for key, value in more.items()}
    collector.mqtt |= {"mqtt_port": getattr(broker, port), "mqtt_tls": "yes", **files}
    done = check(collector)
    assert done.returncode == 1
    assert says in done.stderr


def test_check_takes_nothing_from_a_collector_that_runs(broker, collector, track) -> None:
    collector.listening()
    done = check(collector)
    assert done.returncode == 0
    assert "subscribed to cameras/+/track" in done.stdout
    broker.publish(TOPIC, track(1))
    collector.has(1)
    assert "lost" not in collector.log()


def check(collector) -> subprocess.CompletedProcess[str]:
    import sys

    script = collector.root / "bin" / "zm_snapshots.py"
    return subprocess.run(
        [sys.executable, script, "--check", "-c", collector.configure()],
        cwd=collector.folder,
        env=collector.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_topic_that_is_refused(make_broker, make_collector, until, version: str) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("optional: this Mosquitto has no plugin that refuses subscriptions")
    broker = make_broker()
    rules = broker.folder / "rules.json"
    broker.extra = f"plugin {plugin}\nplugin_opt_config_file {rules}"
    init = ["mosquitto_ctrl", "dynsec", "init", rules, broker.user, broker.password]
    subprocess.run(init, check=True)
    content = json.loads(rules.read_text())
    access = content["roles"][0]["acls"]
    access[:] = [one for one in access if one["topic"] != "#"]
    rules.write_text(json.dumps(content))
    broker.start()
    collector = make_collector(broker)
    collector.mqtt["mqtt_version"] = version
    collector.start()
    until(lambda: "subscribe to cameras/+/track: check mqtt_topic" in collector.log(), "it says so")
    allow = {"command": "addRoleACL", "rolename": "admin", "acltype": "subscribePattern"}
    command = {**allow, "topic": "cameras/#", "allow": True}
    broker.publish("$CONTROL/dynamic-security/v1", json.dumps({"commands": [command]}))
    until(lambda: "subscribed to cameras/+/track" in collector.log(), "it is tried again")


def test_broken_messages_among_good_ones(broker, collector, track, until) -> None:
    collector.listening()
    bad = [b"{", b"[" * 100_000, b"\xff\xd8\xff", track(7, image=b"no picture"), b'{"a": 1}']
    broker.publish(TOPIC, track(1), *bad, *bad, track(2))
    collector.has(1, 2)
    collector.stop()
    counts = collector.status().counts
    assert counts.received == 12
    assert sum(counts.unusable.values()) == 10
    warnings = [line for line in collector.log().splitlines() if "only counted" in line]
    assert len(warnings) == len(counts.unusable)


def test_nothing_that_arrives_vanishes(broker, collector, track, picture, until) -> None:
    """Cameras, scripts and Frigate on one broker: each message has become of something."""
    text = base64.b64encode(picture(5)).decode()
    plate = {"id": "1.5-a", "camera": "drive", "label": "car", "start_time": time.time() - 2}
    after = plate | {"recognized_license_plate": ["AB123CD", 0.94]}
    sent = {
        TOPIC: [track(1), track(1), track(2) + b"\0", track(3).replace(b"3.0", b"NaN"), b"{", b"1"],
        "detectx/crop/B8A44F000000": [json.dumps({"label": "truck", "image": text}).encode()],
        "dataq/temperature": [b'{"value": 3}', b"21.5"],
        "frigate/events": [json.dumps({"type": "new", "after": after}).encode()],
        "frigate/drive/car/snapshot": [picture(6), b"cut"],
        "frigate/available": [b"online"],
        "frigate/stats": [b'{"cpu": 3}'],
        "frigate/drive/detect/state": [b"ON"],
        "frigate/drive/car": [b"1"],
    }
    collector.mqtt["mqtt_topic"] = "cameras/{camera}/track, detectx/#, dataq/#, frigate/#"
    collector.listening()
    for topic, payloads in sent.items():
        broker.publish(topic, *payloads)
    number = sum(map(len, sent.values()))
    until(lambda: collector.status().counts.received == number, "all are counted")
    collector.stop()
    status = collector.status()
    counts = status.counts
    assert (status.waiting, counts.messages.received) == (0, number)
    assert {topic: own.received for topic, own in counts.topics.items()} == {
        topic: len(payloads) for topic, payloads in sent.items()
    }
    assert (counts.messages.stored, counts.messages.repeated) == (5, 1)
    assert (counts.messages.no_picture, counts.messages.unusable) == (5, 5)
    unused = {(one.topic, one.reason) for one in counts.unused}
    assert unused == {
        (TOPIC, "JSON cut short"),
        (TOPIC, "neither a picture nor a JSON object"),
        ("dataq/temperature", "JSON without a picture"),
        ("dataq/temperature", "neither a picture nor a JSON object"),
        ("frigate/drive/car/snapshot", "neither a picture nor a JSON object"),
    }
    assert collector.log().count("only counted") == len(unused)
    [car] = [row for row in collector.rows() if row.topic == "frigate/drive/car/snapshot"]
    assert (car.attributes["license_plate"], car.attributes["license_plate_score"]) == (
        "AB123CD",
        0.94,
    )


def test_a_message_that_is_too_large(broker, collector, track) -> None:
    collector.mqtt["mqtt_max_message"] = 1
    collector.listening()
    broker.publish(TOPIC, b"x" * 20_000_000, track(1))
    collector.has(1)
    collector.stop()
    assert collector.status().counts.unusable == {"too large": 1}


def test_a_large_message_is_stored(broker, collector, track, photo: Callable[[str], Path]) -> None:
    image = photo("dog.jpg").read_bytes()
    large = image + b"\0" * (14_000_000 - len(image))
    collector.mqtt["mqtt_max_message"] = 20
    collector.listening()
    broker.publish(TOPIC, track(1, image=large))
    collector.has(1)
    assert collector.rows()[0].size == 14_000_000


def test_a_full_disk_is_waited_for(broker, collector, track, until) -> None:
    collector.snapshots["snapshot_disk_reserve"] = 1_000_000_000
    collector.listening()
    broker.publish(TOPIC, *map(track, range(50)))
    until(lambda: "snapshot_disk_reserve" in collector.log(), "it says why")
    assert collector.rows() == []
    collector.stop()
    collector.snapshots["snapshot_disk_reserve"] = 1
    collector.start()
    collector.has(*range(50))
    assert collector.log().count("messages wait until it works") == 1


def test_what_is_not_wanted_is_counted(broker, collector, track) -> None:
    collector.snapshots |= {"snapshot_classes": "human", "snapshot_min_score": 0.5}
    collector.listening()
    broker.publish(
        TOPIC,
        track(1, label="Car"),
        track(2, duration=1.0),
        track(3, classes=[{"type": "Human", "score": 0.3}]),
        track(4),
    )
    collector.has(4)
    collector.stop()
    assert collector.status().counts.filtered == {
        "snapshot_classes": 1,
        "snapshot_min_duration": 1,
        "snapshot_min_score": 1,
    }


def test_topics_that_are_not_named_any_more_are_left(broker, collector, track) -> None:
    collector.mqtt["mqtt_topic"] = "old/track, cameras/{camera}/track"
    collector.listening().stop()
    collector.mqtt["mqtt_topic"] = "cameras/{camera}/track"
    collector.listening()
    broker.publish("old/track", track(1))
    broker.publish(TOPIC, track(2))
    collector.has(2)


def test_signals(broker, collector, track, until) -> None:
    collector.listening()
    broker.publish(TOPIC, track(1))
    collector.has(1)
    collector.signal(signal.SIGUSR1)
    until(lambda: "1 messages: 1 stored" in collector.log(), "counts are logged")
    collector.signal(signal.SIGHUP)
    until(lambda: "restart the collector" in collector.log(), "it says what to do")
    assert collector.stop() == 0
    assert collector.status().ended


def test_a_second_collector_of_a_store_does_not_start(broker, collector, make_collector) -> None:
    collector.listening()
    second = make_collector(broker)
    second.mqtt["mqtt_client_id"] = "another"
    second.start()
    assert second.process.wait(30) == 1
    assert "another collector" in second.log()


def early(number: int, image: bytes) -> bytes:
    """Return an `object_snapshot`, which has no class."""
    content = {
        "channel_id": 1,
        "id": f"image-{number}",
        "object_track_id": f"track-{number}",
        "crop_box": {"left": 0.4, "top": 0.4, "right": 0.6, "bottom": 0.9},
        "data": base64.b64encode(image).decode(),
    }
    return json.dumps(content).encode()


def frame(number: int, label: str) -> bytes:
    detection = {
        "object_track_id": f"track-{number}",
        "bounding_box": {"left": 0.4, "top": 0.4, "right": 0.6, "bottom": 0.9},
        "class": {"type": label, "score": 0.8},
        "image_id": f"image-{number}",
    }
    return json.dumps({"channel_id": 1, "detections": [detection]}).encode()


@pytest.mark.parametrize("first", ["picture", "class"])
@pytest.mark.parametrize("together", [True, False])
def test_the_class_may_come_in_another_message(
    broker, collector, picture, until, first: str, together: bool
) -> None:
    collector.snapshots["snapshot_classes"] = "human"
    collector.listening()
    pictures = [early(number, picture(number)) for number in (1, 2)]
    classes = [frame(1, "Human"), frame(2, "Car")]
    order = (pictures, classes) if first == "picture" else (classes, pictures)
    if together:
        broker.publish(TOPIC, *order[0], *order[1])
    else:
        broker.publish(TOPIC, *order[0])
        until(lambda: collector.status().counts.received == 2, "the first are read")
        broker.publish(TOPIC, *order[1])
    until(lambda: collector.status().counts.filtered == {"snapshot_classes": 1}, "one is not kept")
    collector.has(1)
    assert [row.label for row in collector.rows()] == ["Human"]
    assert len(list(collector.store.glob("0000/*.jpg"))) == 1
