"""The stand-in for a camera, a real broker, and what the collector makes of the messages."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from zmhook.camera.simulated_messages import FORMATS
from zmhook.image.header import read_header
from zmhook.settings import load
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, SceneBox
from zmhook.snapshots.topics import Topics

AXIS = {
    "consolidated_track": "axis.consolidated_track.v1.beta",
    "object_track": "axis.object_track.v1",
    "object_snapshot": "axis.object_snapshot.v1",
}


class Came(NamedTuple):
    topic: str
    payload: bytes
    qos: int


class Listener:
    """Hears everything that is published."""

    def __init__(self, broker: Any) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.came: list[Came] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(broker.user, broker.password)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda *said: self.came.append(
            Came(said[2].topic, said[2].payload, said[2].qos)
        )
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        self._client.subscribe("#", qos=1)
        assert self._subscribed.wait(10)

    def until(self, count: int) -> list[Came]:
        end = time.monotonic() + 10
        while len(self.came) < count and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.came)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(broker: Any) -> Iterator[Listener]:
    one = Listener(broker)
    yield one
    one.close()


@pytest.fixture
def config(settings_file: Callable[[str], Path], broker: Any) -> Path:
    return settings_file(
        f"[mqtt]\nmqtt_host = 127.0.0.1\nmqtt_port = {broker.port}\nmqtt_user = {broker.user}\n"
        f"mqtt_password = {broker.password}\nmqtt_topic = axis/{{camera}}/track, frigate/#\n"
    )


@pytest.fixture
def simulate(zmhook: Callable[..., Any], photo: Callable[[str], Path]) -> Callable[..., Any]:
    photos = [photo(name) for name in ("dog.jpg", "two_people.jpg", "parking.jpg")]

    def run(*more: object) -> Any:
        return zmhook("simulate", "--rate", "0", "--seed", "1", "--photos", *photos, *more)

    return run


def read(config: Path, came: list[Came]) -> list[BestSnapshot | Amendment]:
    interpreter = Interpreter(Topics.from_settings(load(config).general))
    now = time.time()
    return [news for one in came for news in interpreter.read(one.topic, one.payload, received=now)]


@pytest.mark.parametrize("kind", AXIS)
def test_a_track_comes_out_as_it_went_in(
    kind: str, simulate: Callable[..., Any], config: Path, listener: Listener
) -> None:
    began = time.time()
    said = simulate("--format", kind, "--label", "Car", "--count", "4", "--camera", "yard")
    assert (said.code, said.err) == (0, "")
    came = listener.until(4)
    assert {(one.topic, one.qos) for one in came} == {("axis/yard/track", 1)}
    snapshots = read(config, came)
    assert len(snapshots) == 4
    for one in snapshots:
        assert isinstance(one, BestSnapshot)
        assert (one.format, one.label, one.camera) == (AXIS[kind], "Car", "yard")
        assert read_header(one.picture).complete
        assert one.crop
        assert began - 15 < one.taken <= time.time()
        if kind != "object_snapshot":
            assert one.start <= one.taken <= one.end
            assert one.duration == pytest.approx(one.end - one.start, abs=0.01)
            assert len(one.colours) == 2
            assert one.box.width < one.crop.width
    assert len({one.track_id for one in snapshots}) == 4


def test_a_picture_is_cut_out_where_the_message_says(
    simulate: Callable[..., Any],
    config: Path,
    listener: Listener,
    photo: Callable[[str], Path],
) -> None:
    simulate("--format", "object_track", "--count", "1", "--box", "0.5,0.25,0.7,0.75")
    [snapshot] = read(config, listener.until(1))
    assert isinstance(snapshot, BestSnapshot)
    assert snapshot.box == SceneBox(0.5, 0.25, 0.7, 0.75)
    assert snapshot.crop == SceneBox(0.48, 0.23, 0.72, 0.77)
    _, width, height, _ = read_header(photo("dog.jpg").read_bytes())
    _, cut_width, cut_height, _ = read_header(snapshot.picture)
    assert cut_width == pytest.approx(0.24 * width, abs=1)
    assert cut_height == pytest.approx(0.54 * height, abs=1)


def test_every_format_is_understood(
    simulate: Callable[..., Any], config: Path, listener: Listener
) -> None:
    said = simulate("--count", 3 * len(FORMATS))
    assert said.code == 0
    count = int(said.out.splitlines()[-1].split()[0])
    news = read(config, listener.until(count))
    formats = Counter(one.format for one in news if isinstance(one, BestSnapshot))
    assert len(formats) == len(FORMATS) - 1  # a frame's picture is an object_snapshot
    assert min(formats.values()) >= 3
    ended = {one.track_id for one in news if isinstance(one, Amendment) and one.ended}
    # The formats of several messages a track say at its end that it is over.
    assert len(ended) >= 3 * 3


def test_some_people_have_a_track_for_the_head(
    simulate: Callable[..., Any], config: Path, listener: Listener
) -> None:
    said = simulate("--format", "consolidated_track", "--label", "Human", "--count", "20")
    count = int(said.out.splitlines()[-1].split()[0])
    snapshots = [
        one for one in read(config, listener.until(count)) if isinstance(one, BestSnapshot)
    ]
    labels = Counter(one.label for one in snapshots)
    assert labels["Human"] == 20
    assert 0 < labels["Head"] < 20
    head = next(one for one in snapshots if one.label == "Head")
    body = snapshots[snapshots.index(head) - 1]
    assert (head.start, head.end) == (body.start, body.end)
    assert "face_visible" in head.attributes


def test_what_is_printed_is_what_was_sent(
    simulate: Callable[..., Any], config: Path, listener: Listener
) -> None:
    said = simulate("--format", "frigate", "--label", "Human", "--count", "1", "--seed", "2")
    assert "frigate/events, frigate/simulated/person/snapshot" in said.out
    topics = [one.topic for one in listener.until(3)]
    assert topics[:3] == [
        "frigate/events",
        "frigate/simulated/person/snapshot",
        "frigate/events",
    ]


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_wrong_password_is_one_line(
    simulate: Callable[..., Any], config: Path, tmp_path: Path, broker: Any
) -> None:
    file = tmp_path / "wrong"
    file.write_text("wr0ng-one\n")
    said = simulate("--broker-password-file", file)
    assert said.code == 1
    assert "it refuses the user 'cameras'" in said.err
    assert said.err.count("\n") == 1
    assert "wr0ng-one" not in said.out + said.err


def test_a_broker_that_is_not_there_is_one_line(
    simulate: Callable[..., Any], config: Path, broker: Any
) -> None:
    broker.stop()
    said = simulate()
    assert said.code == 1
    assert f"broker 127.0.0.1:{broker.port}: Connection refused" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "there is no such file or folder"),
        ("empty", "there are no pictures"),
        ("text.jpg", "expected a picture"),
    ],
)
def test_no_photos_is_one_line(
    zmhook: Callable[..., Any], config: Path, tmp_path: Path, path: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("hello")
    said = zmhook("simulate", "--photos", tmp_path / path)
    assert said.code == 1
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_broker_that_takes_no_such_message_is_one_line(
    make_broker: Callable[..., Any],
    settings_file: Callable[[str], Path],
    simulate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = make_broker("max_packet_size 2000")
    broker.start()
    monkeypatch.setattr("zmhook.net.mqtt.CONNECT_SECONDS", 0.5)
    settings_file(
        f"[mqtt]\nmqtt_port = {broker.port}\nmqtt_user = {broker.user}\n"
        f"mqtt_password = {broker.password}\n"
    )
    said = simulate("--count", "1", "--format", "object_track")
    assert said.code == 1
    assert "is it larger than this broker allows" in said.err
    assert said.err.count("\n") == 1


def test_version_5(
    simulate: Callable[..., Any], settings_file: Callable[[str], Path], broker: Any
) -> None:
    settings_file(
        f"[mqtt]\nmqtt_port = {broker.port}\nmqtt_user = {broker.user}\nmqtt_version = 5\n"
        f"mqtt_password = {broker.password}\n"
    )
    assert simulate("--count", "2").code == 0


def test_tls_and_websockets(
    simulate: Callable[..., Any],
    settings_file: Callable[[str], Path],
    broker: Any,
    certificates: Any,
    listener: Listener,
) -> None:
    for port, transport in ((broker.tls_port, "tcp"), (broker.wss_port, "websockets")):
        settings_file(
            f"[mqtt]\nmqtt_port = {port}\nmqtt_transport = {transport}\nmqtt_tls = yes\n"
            f"mqtt_ca = {certificates.ca}\nmqtt_user = {broker.user}\n"
            f"mqtt_password = {broker.password}\n"
        )
        said = simulate("--count", "1", "--format", "raw")
        assert (said.code, said.err) == (0, "")
    assert [one.topic for one in listener.until(2)] == ["track_topic"] * 2


def test_a_certificate_that_cannot_be_verified_is_one_line(
    settings_file: Callable[[str], Path], broker: Any, photo: Callable[[str], Path]
) -> None:
    """In a process of its own: paho leaves the socket of a failed handshake open."""
    settings_file(f"[mqtt]\nmqtt_port = {broker.tls_port}\nmqtt_tls = yes\n")
    command = [sys.executable, "-m", "zmhook.cli.main", "camera", "simulate", "--photos"]
    done = subprocess.run([*command, photo("dog.jpg")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "its certificate is not accepted" in done.stderr
    assert done.stderr.count("\n") == 1
