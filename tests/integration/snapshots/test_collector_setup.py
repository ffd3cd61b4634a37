"""Started as the earlier collector was; what ships; handlers of one's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

TOPIC = "cameras/drive/track"
SECONDS = 30

HANDLERS = """
import os, time
from pathlib import Path
from zmhook.detection import Box, Detection

class Finds:
    def __init__(self, settings):
        pass
    def on_snapshot(self, snapshot, picture):
        box = Box(0, 0, snapshot.width, snapshot.height)
        size = {"bytes": len(picture)}
        return [Detection(label="fox", confidence=0.5, box=box, model="mine", attributes=size)]
    def close(self):
        Path("closed").touch()

class Raises(Finds):
    def on_snapshot(self, snapshot, picture):
        raise RuntimeError("no luck")

class Hangs(Finds):
    def on_snapshot(self, snapshot, picture):
        time.sleep(1000)

class Environment(Finds):
    def on_snapshot(self, snapshot, picture):
        os.system("env > environment")
"""


def earlier(broker, collector, *flags: str) -> None:
    """Start it as the earlier collector was started; its port was fixed."""
    collector.environment["ZMHOOK_CONFIG"] = ""
    more = [
        "-O",
        f"mqtt.mqtt_port={broker.port}",
        "-O",
        f"general.log_path={collector.folder}/logs",
    ]
    more += ["-O", f"general.base_zm_conf_path={collector.folder}"]
    more += ["-O", f"general.base_data_path={collector.folder}"]
    more += ["-O", "snapshots.snapshot_disk_reserve=1"]
    collector.listening(*flags, *more)


def test_the_earlier_flags(broker, collector, track) -> None:
    collector.store = collector.folder / "pictures"
    flags = ["-k", "AIza-t0p-s3cret", "-u", broker.user, "-p", broker.password]
    earlier(broker, collector, *flags, "-b", broker.host, "-t", "track_topic", "-s", "pictures")
    command = Path(f"/proc/{collector.process.pid}/cmdline").read_text()
    assert broker.password not in command
    assert "AIza" not in command
    assert broker.user in command
    broker.publish("track_topic", track(1), qos=0)
    collector.has(1)
    assert broker.password not in collector.log() + collector.said()


def test_the_earlier_file(broker, collector, track) -> None:
    collector.store = collector.folder / "my images"
    (collector.folder / "environment.env").write_text(
        f"MQTT_USER={broker.user}\nMQTT_PASS='{broker.password}'\nMQTT_HOST={broker.host}\n"
        "MQTT_TOPIC=some/topic\nIMAGE_PATH='my images'\nGEMINI_API_KEY=AIza-t0p-s3cret\n"
    )
    (collector.folder / "own.py").write_text(HANDLERS)
    earlier(broker, collector, "-O", "snapshots.snapshot_handlers=own:Environment")
    broker.publish("some/topic", track(1))
    collector.has(1)
    collector.stop()
    child = (collector.folder / "environment").read_text()
    assert "AIza" not in child
    assert broker.password not in child


def test_the_earlier_variables_and_its_store(broker, collector, track, picture, until) -> None:
    collector.store = collector.folder / "images"
    (collector.store / "0000").mkdir(parents=True)
    (collector.store / "index").write_text("6")
    for number in range(6):
        name = f"image_{number:05}_car.jpg"
        (collector.store / "0000" / name).write_bytes(picture(1000 + number))
    collector.environment |= {"MQTT_USER": broker.user, "MQTT_PASS": broker.password}
    earlier(broker, collector)
    broker.publish("track_topic", track(1))
    until(lambda: "track-1" in collector.tracks(), "it is stored")
    assert [row.number for row in collector.rows()] == list(range(7))
    assert collector.rows()[6].track_id == "track-1"


def test_a_configuration_that_is_wrong_is_told(broker, collector) -> None:
    collector.mqtt["mqtt_version"] = "4"
    collector.start()
    assert collector.process.wait(SECONDS) == 1
    assert "[mqtt] mqtt_version" in collector.said()
    assert "Traceback" not in collector.said()


def test_a_handler_that_is_not_there_is_told(broker, collector) -> None:
    collector.snapshots["snapshot_handlers"] = "nope"
    collector.start()
    assert collector.process.wait(SECONDS) == 1
    assert "there is no handler 'nope'" in collector.said()


def test_handlers_that_find_raise_and_hang(broker, collector, track, until) -> None:
    (collector.folder / "own.py").write_text(HANDLERS)
    collector.snapshots |= {
        "snapshot_handlers": "own:Finds, own:Raises, own:Hangs",
        "snapshot_handler_timeout": 0.2,
    }
    collector.listening()
    broker.publish(TOPIC, track(1), track(2))
    collector.has(1, 2)
    until(lambda: all(row.description for row in collector.rows()), "they are described")
    row = collector.rows()[0]
    assert row.description == {"mine": f"fox 50% (bytes {row.size})"}
    until(lambda: "own:Hangs: 0000/image_00000" in collector.log(), "it is given up")
    until(lambda: "own:Raises: 0000/image_00000" in collector.log(), "it is told")
    broker.publish(TOPIC, track(3))
    collector.has(1, 2, 3)
    assert collector.stop() == 0
    handlers = collector.status().counts.handlers
    assert handlers["own:Finds"].done == 3
    assert handlers["own:Raises"].failed == 3
    assert handlers["own:Hangs"].hung >= 1
    assert (collector.folder / "closed").exists()


def test_describe_without_a_key_stops_nothing(broker, collector, track, until) -> None:
    collector.snapshots["describe"] = "yes"
    collector.listening()
    broker.publish(TOPIC, track(1))
    collector.has(1)
    until(lambda: "handler describe: 0000/" in collector.log(), "it says why")
    assert collector.stop() == 0
    assert collector.status().counts.handlers["describe"].failed == 1


def test_list_show_and_status(broker, collector, track, until) -> None:
    collector.listening()
    broker.publish(TOPIC, track(1), track(2, label="Car"))
    collector.has(1, 2)
    until(lambda: collector.status().counts.stored == 2, "it says so")
    done = zmhook(collector, "list", "--json")
    assert {row["label"] for row in json.loads(done.stdout)} == {"Human", "Car"}
    assert "track-1" in zmhook(collector, "show", "0").stdout
    done = zmhook(collector, "status")
    assert done.returncode == 0
    assert "connected since" in done.stdout
    collector.kill()
    done = zmhook(collector, "status")
    assert done.returncode == 1
    assert "ended unexpectedly" in done.stdout


def zmhook(collector, *command: str) -> subprocess.CompletedProcess[str]:
    config = str(collector.folder / "objectconfig.ini")
    return subprocess.run(
        [sys.executable, "-m", "zmhook.cli.main", "snapshots", *command, "-c", config],
        env={**collector.environment, "PYTHONPATH": str(collector.root / "hook")},
        cwd=collector.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_two_with_the_same_name_are_told(broker, make_collector, tmp_path, until) -> None:
    first = make_collector(broker)
    first.mqtt["mqtt_version"] = "5"
    first.listening()
    second = make_collector(broker)
    second.mqtt["mqtt_version"] = "5"
    second.snapshots["snapshot_path"] = second.store = tmp_path / "second"
    second.start()
    until(lambda: "another client have the name 'zmhook-snapshots'" in first.log(), "it says so")


def test_a_full_disk_that_gets_room_again(broker, collector, track, until, tmp_path) -> None:
    free = os.statvfs(tmp_path)
    room = free.f_bavail * free.f_frsize
    ballast = tmp_path / "ballast"
    try:
        descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(descriptor, 0, 600_000_000)
        os.close(descriptor)
    except OSError:
        pytest.skip("optional: there is no room to fill")
    collector.snapshots["snapshot_disk_reserve"] = (room - 300_000_000) // 1_000_000
    collector.mqtt["mqtt_queue"] = 5
    collector.listening()
    broker.publish(TOPIC, *map(track, range(40)))
    until(lambda: "snapshot_disk_reserve" in collector.log(), "it says why")
    until(lambda: collector.status().store_problem, "it says so")
    ballast.unlink()
    collector.has(*range(40))
    assert collector.log().count("messages wait until it works") == 1
    assert collector.stop() == 0


def test_the_end_is_bounded_while_the_store_fails(broker, collector, track, until) -> None:
    collector.snapshots["snapshot_disk_reserve"] = 1_000_000_000
    collector.listening()
    broker.publish(TOPIC, track(1))
    until(lambda: "messages wait until it works" in collector.log(), "it waits")
    assert collector.stop() == 0
    assert collector.rows() == []


def test_the_example_of_a_broker_works(root: Path, broker, collector, track) -> None:
    """Its listeners and its password file, on this test's ports."""
    broker.stop()
    text = (root / "examples" / "mosquitto.conf").read_text()
    passwords = re.search(r"^password_file \S+$", text, re.MULTILINE)[0]
    for what, ours in (
        (passwords, f"password_file {broker.passwords}"),
        ("listener 1883", f"listener {broker.port} 127.0.0.1"),
        ("listener 9001", f"listener {broker.ws_port} 127.0.0.1"),
    ):
        assert f"\n{what}\n" in text
        text = text.replace(what, ours)
    broker.folder.joinpath("example.conf").write_text(f"user root\n{text}")
    process = subprocess.Popen(
        ["mosquitto", "-c", broker.folder / "example.conf"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        collector.mqtt |= {"mqtt_transport": "websockets", "mqtt_port": broker.ws_port}
        collector.listening()
        broker.publish(TOPIC, track(1))
        collector.has(1)
    finally:
        process.terminate()
        process.wait(SECONDS)


def test_the_unit_starts_it(root: Path) -> None:
    unit = (root / "systemd" / "zmhook-snapshots.service").read_text()
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    from zmhook.cli.snapshots import make_parser

    words = command.partition("=")[2].split()
    assert words[:2] == ["@ZMHOOK@", "snapshots"]
    assert make_parser().parse_args(words[2:]).config == "@CONFIG@"
    assert "Restart=always" in unit
