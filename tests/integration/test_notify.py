"""Messages and films through the real process: a real broker, web servers, and sudden deaths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec import structs

from zmhook.decide import Decided
from zmhook.detection import Box, Decision, Detection, FrameInfo
from zmhook.errors import Undelivered
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.jobs import enqueue as module
from zmhook.jobs.enqueue import enqueue, jobs_for, start
from zmhook.jobs.spool import Spool
from zmhook.notify.mqtt import Note, publish
from zmhook.settings import Animation, General, Mqtt, Notify, Secret, Settings

pytestmark = pytest.mark.integration

PATIENCE = 30.0


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    general = General(
        base_data_path=str(tmp_path),
        base_zm_conf_path=str(tmp_path),
        log_path=str(tmp_path / "logs"),
    )
    return Settings(general=general, notify=Notify(notify_retry_sleep=0.1))


@pytest.fixture
def decided(photo: Callable[[str], Path]) -> Callable[..., Decided]:
    data = photo("dog.jpg").read_bytes()
    image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)

    def make(event: int = 7, path: str = "") -> Decided:
        found = Detection(label="dog", confidence=0.9, box=Box(130, 220, 310, 540), model="yolo")
        decision = Decision(
            event=Event(id=event, monitor_id=3, monitor_name="Drive", path=path),
            outcome="alarm",
            detections=[found],
            frame=FrameInfo(id="snapshot", origin="test", width=768, height=576),
        )
        return Decided(decision, Frame(image, "snapshot", "test", data))

    return make


@pytest.fixture(autouse=True)
def processes(tmp_path: Path) -> Iterator[Callable[[], list[int]]]:
    """Give the processes that were started; none of them outlives its test."""
    module._started.clear()

    def pids() -> list[int]:
        return [process.pid for process in module._started if process.poll() is None]

    yield pids
    for process in module._started:
        process.kill()
        process.wait()
    module._started.clear()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.of(str(tmp_path))


def mqtt_of(broker, **more) -> Mqtt:
    given = {"mqtt_user": broker.user, "mqtt_password": Secret(broker.password)}
    return Mqtt(**{"mqtt_port": broker.port, **given, **more})


class Listener:
    """Subscribes to everything, and keeps what comes."""

    def __init__(self, broker) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.got: list[tuple[str, bytes, bool]] = []
        self.ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(broker.user, broker.password)
        self._client.on_message = lambda _, __, one: self.got.append(
            (one.topic, one.payload, one.retain)
        )
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.connect(broker.host, broker.port)
        self._client.subscribe("#", 1)
        self._client.loop_start()
        assert self.ready.wait(PATIENCE)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for name, payload, _ in self.got if name == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listen(broker) -> Iterator[Callable[[], Listener]]:
    made: list[Listener] = []

    def listen() -> Listener:
        made.append(Listener(broker))
        return made[-1]

    yield listen
    for one in made:
        one.close()


# -- the broker ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("way", ["tcp", "tls", "mutual", "websockets", "wss", "unix"])
def test_every_way_to_a_broker(way: str, version: str, broker, listen) -> None:
    files = broker.certificates
    tls = {"mqtt_tls": True, "mqtt_ca": str(files.ca)}
    ways = {
        "tcp": {},
        "tls": {"mqtt_port": broker.tls_port, **tls},
        "mutual": {
            "mqtt_port": broker.mutual_port,
            "mqtt_cert": str(files.client),
            "mqtt_cert_key": str(files.client_key),
            **tls,
        },
        "websockets": {"mqtt_port": broker.ws_port, "mqtt_transport": "websockets"},
        "wss": {"mqtt_port": broker.wss_port, "mqtt_transport": "websockets", **tls},
        "unix": {"mqtt_host": str(broker.socket), "mqtt_transport": "unix"},
    }
    listener = listen()
    notes = [Note(f"t/{number}", os.urandom(300_000 * number)) for number in range(3)]
    publish(mqtt_of(broker, mqtt_version=version, **ways[way]), notes, PATIENCE)
    until(lambda: len(listener.got) == 3)
    assert [(topic, payload) for topic, payload, _ in listener.got] == [note[:2] for note in notes]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_refused_user_is_not_tried_again(version: str, broker) -> None:
    wrong = mqtt_of(broker, mqtt_password=Secret("wr0ng-one"), mqtt_version=version)
    with pytest.raises(Undelivered, match="refuses the user 'cameras'") as caught:
        publish(wrong, [Note("t", b"")], PATIENCE)
    assert not caught.value.retry
    assert "wr0ng" not in str(caught.value)


def test_a_topic_that_the_broker_forbids_is_told(make_broker) -> None:
    made = make_broker()
    acl = made.folder / "acl"
    acl.write_text("user cameras\ntopic readwrite allowed/#\n")
    made.extra = f"acl_file {acl}"
    made.start()
    with pytest.raises(Undelivered, match="access list"):
        publish(mqtt_of(made, mqtt_version="5"), [Note("other/1", b"x")], PATIENCE)


def test_nothing_is_left_at_the_broker_but_what_is_retained(broker, listen) -> None:
    publish(mqtt_of(broker), [Note("now", b"1"), Note("kept", b"2", True)], PATIENCE)
    listener = listen()
    until(lambda: listener.payloads("kept"))
    assert listener.got == [("kept", b"2", True)]


# -- messages --------------------------------------------------------------------------------------


def test_everybody_is_told_and_the_state_goes_off(
    broker, listen, endpoint, settings, decided, spool
) -> None:
    notify = structs.replace(
        settings.notify,
        notify_mqtt=True,
        notify_mqtt_hold=1.5,
        notify_webhook=Secret(f"{endpoint.url}/hook"),
        notify_apprise=Secret(f"json://{endpoint.place}/app"),
    )
    settings = structs.replace(settings, notify=notify, mqtt=mqtt_of(broker))
    listener = listen()

    enqueue(decided(), settings, jobs_for(decided(), settings))

    until(lambda: {got.path.partition("?")[0] for got in endpoint.got} >= {"/hook", "/app"})
    until(lambda: listener.payloads("zmhook/3/state") == [b"ON", b"OFF"])
    topics = [topic for topic, _, _ in listener.got]
    assert topics.index("zmhook/3/picture") < topics.index("zmhook/3/state")
    assert len([topic for topic in topics if topic.startswith("homeassistant/")]) == 3
    until(lambda: not spool.units())

    late = listen()  # as Home Assistant after its restart
    until(lambda: late.payloads("zmhook/status"))
    assert late.payloads("zmhook/3/state") == [b"OFF"]
    assert late.payloads("zmhook/3/event") == []
    picture = np.frombuffer(late.payloads("zmhook/3/picture")[0], np.uint8)
    assert cv2.imdecode(picture, cv2.IMREAD_COLOR).shape == (576, 768, 3)
    assert json.loads(late.payloads("zmhook/3/last")[0])["labels"] == "dog"


def test_a_broker_that_comes_later(make_broker, settings, decided, tmp_path) -> None:
    made = make_broker()
    notify = structs.replace(
        settings.notify, notify_mqtt=True, notify_retry_sleep=0.5, notify_max_tries=20
    )
    given = structs.replace(settings, notify=notify, mqtt=mqtt_of(made))
    enqueue(decided(), given, ["mqtt"])
    log = tmp_path / "logs" / "zmesdetect_m3.log"
    until(lambda: log.exists() and "attempt 1" in log.read_text())
    made.start()
    listener = Listener(made)
    until(lambda: listener.payloads("zmhook/3/state"))
    listener.close()


class MemorySpool:
    """A web server whose first answers wait until they are let go."""

    def __init__(self, endpoint_type, count: int) -> None:
        self.let_go = threading.Event()
        self._left = threading.Semaphore(count)
        held = self

        class Slow(endpoint_type):
            def answer(self, posted):
                if held._left.acquire(blocking=False):
                    held.let_go.wait(PATIENCE)
                return 204, {}, b""

        self.endpoint = Slow()

    def deliveries(self) -> list[str]:
        return [got.headers["X-Zmhook-Delivery"] for got in self.endpoint.got]

    def close(self) -> None:
        self.let_go.set()
        self.endpoint.close()


@pytest.fixture
def held(endpoint_type) -> Iterator[Callable[..., MemorySpool]]:
    made: list[MemorySpool] = []

    def hold(count: int = 1) -> MemorySpool:
        made.append(MemorySpool(endpoint_type, count))
        return made[-1]

    yield hold
    for one in made:
        one.close()


def hooked(settings: Settings, url: str, **more) -> Settings:
    notify = structs.replace(settings.notify, notify_webhook=Secret(url), **more)
    return structs.replace(settings, notify=notify)


def test_one_that_hangs_holds_up_no_other(held, settings, decided, spool) -> None:
    server = held()
    given = hooked(settings, server.endpoint.url, notify_timeout=20)
    for event in (1, 2, 3):
        enqueue(decided(event), given, ["webhook"])
        until(lambda event=event: len(server.endpoint.got) == event)
    bodies = [json.loads(got.body)["event"] for got in server.endpoint.got]
    assert bodies == [1, 2, 3]
    assert {unit.job for unit in spool.units()} <= {"webhook"}
    server.let_go.set()
    until(lambda: not spool.units())
    assert len(server.endpoint.got) == 3


def test_a_killed_process_loses_no_message_and_repeats_none_that_went_out(
    held, broker, listen, settings, decided, spool, processes
) -> None:
    server, listener = held(), listen()
    given = hooked(settings, server.endpoint.url, notify_mqtt=True, notify_mqtt_hold=3600)
    given = structs.replace(given, mqtt=mqtt_of(broker))
    enqueue(decided(), given, ["mqtt", "webhook"])
    until(lambda: listener.payloads("zmhook/3/state"))
    until(lambda: server.deliveries() and len(spool.units()) == 2)  # webhook, mqtt-off
    (pid,) = processes()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes())
    assert {unit.job for unit in spool.units()} == {"webhook", "mqtt-off"}

    start(spool, ["webhook"])  # as the next event does

    until(lambda: {unit.job for unit in spool.units()} == {"mqtt-off"})
    first, second = server.deliveries()
    assert first == second
    assert listener.payloads("zmhook/3/state") == [b"ON"]


def test_an_answer_costs_the_same_whoever_is_down(settings, decided, spool) -> None:
    """A hundred events at once: as many processes as there are places, no more."""
    given = hooked(settings, "http://127.0.0.1:9/", notify_max_tries=1)
    for event in range(100):
        enqueue(decided(event), given, ["webhook"])
    assert sum(process.poll() is None for process in module._started) <= 3
    until(lambda: not spool.units())


def test_a_job_that_never_ends_is_cut_off_and_the_process_goes_on(tmp_path, settings) -> None:
    """The process begins anew in its place, and what hung is not tried for ever."""
    script = f"""
import os, time
from zmhook.jobs import kinds, job_process
from zmhook.jobs.spool import Spool
from zmhook.jobs.work import pack
from zmhook.settings import General, Settings
from zmhook.decide import Decided
from zmhook.detection import Decision
from zmhook.event import Event

class Hang(kinds.JobKind):
    def function(self):
        return lambda work: time.sleep(3600)

kinds.KINDS["hang"] = Hang("", lambda _: 3, lambda _: 0, lambda _: 0.1)
spool = Spool({str(spool_folder(tmp_path))!r})
general = General(base_data_path={str(tmp_path)!r}, base_zm_conf_path={str(tmp_path)!r},
                  log_path={str(tmp_path / "logs")!r})
decided = Decided(Decision(event=Event(id=7), outcome="alarm"), None)
spool.add(*pack(decided, Settings(general=general)), ["hang"], None)
job_process.JobProcess(spool, "messages", spool.slot("messages", 1)).run()
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=PATIENCE, env=environment())
    assert done.returncode == 0
    log = (tmp_path / "logs" / "zmesdetect.log").read_text()
    assert "event 7: hang: took more than 0.1 s and was cut off" in log
    assert "event 7: hang was given up: this version of zmhook does not know it" in log
    assert Spool(spool_folder(tmp_path)).units() == []


def spool_folder(base: Path) -> Path:
    return base / "state" / "spool"


def environment() -> dict[str, str]:
    import zmhook

    return {**os.environ, "PYTHONPATH": str(Path(zmhook.__file__).parent.parent)}


# -- a film ----------------------------------------------------------------------------------------


def test_a_film_is_made_beside_the_messages(
    settings, decided, tmp_path, photo, spool, held
) -> None:
    folder = tmp_path / "events" / "7"
    folder.mkdir(parents=True)
    now = time.time() - 60
    for number in range(1, 31):
        path = folder / f"{number:05}-capture.jpg"
        path.write_bytes(photo("dog.jpg").read_bytes())
        os.utime(path, (now + number / 10, now + number / 10))
    animation = Animation(
        create_animation=True, animation_types=("mp4", "gif"), animation_width=320
    )
    server = held()
    given = hooked(structs.replace(settings, animation=animation), server.endpoint.url)
    enqueue(decided(path=str(folder)), given, ["webhook", "animation"])
    until((folder / "objdetect.gif").exists)
    assert {unit.job for unit in spool.units()} <= {"webhook", "animation"}
    server.let_go.set()
    until(lambda: not spool.units())
    capture = cv2.VideoCapture(str(folder / "objdetect.mp4"))
    done, image = capture.read()
    capture.release()
    assert done
    assert image.shape == (240, 320, 3)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


# -- by hand ---------------------------------------------------------------------------------------


def notify_test(config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zmhook.cli.main", "notify", "test", "-c", str(config), *more]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment()
    )


def test_by_hand(broker, listen, endpoint, config) -> None:
    path = config(
        rest=f"[mqtt]\nmqtt_port = {broker.port}\nmqtt_user = {broker.user}\n"
        f"mqtt_password = {broker.password}\n[notify]\nnotify_mqtt = yes\n"
        f"notify_webhook = {endpoint.url}/hook/s3cr3t\n[monitor-4]\nnotify_mqtt_prefix = four\n"
    )
    listener = listen()
    done = notify_test(path, "--monitor", "4")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"sent    mqtt 127.0.0.1:{broker.port} (")
    assert second.startswith("sent    webhook (")
    assert listener.payloads("four/4/state") == [b"ON", b"OFF"]
    assert json.loads(endpoint.got[0].body)["labels"] == ["test"]


def test_by_hand_what_does_not_work_is_told(endpoint, config) -> None:
    endpoint.answers.append((403, {}, b""))
    path = config(
        rest=f"[notify]\nnotify_webhook = {endpoint.url}/hook/s3cr3t\n"
        f"notify_apprise = nonsense://pa55 json://{endpoint.place}\n"
    )
    done = notify_test(path)
    assert done.returncode == 1
    webhook, nonsense, right = done.stdout.splitlines()
    assert webhook.startswith("failed  webhook: [notify] notify_webhook")
    assert "status 403" in webhook
    assert nonsense.startswith("failed  apprise 1 (nonsense://...)")
    assert right.startswith("sent    apprise 2 (json://...)")
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "pa55" not in done.stdout + done.stderr


def test_by_hand_nobody_is_told(config) -> None:
    done = notify_test(config())
    assert (done.returncode, done.stdout) == (2, "")
    assert "[notify] has no channel" in done.stderr
