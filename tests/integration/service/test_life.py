"""A service comes when it is needed, belongs to nobody, notices edits, and goes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def test_the_first_event_is_decided_and_a_service_appears(site) -> None:
    said = site.hook()

    assert said.code == 0
    assert said.text.startswith("[a] detected:dog")
    site.until(site.socket.exists)
    assert stat.S_IMODE(site.socket.stat().st_mode) == 0o660
    status = site.warm()
    assert site.supervisors() == [status["pid"]]
    assert site.workers() == [worker["pid"] for worker in status["workers"]]
    assert "yolox_nano" in status["workers"][0]["models"][0]


def test_many_hooks_at_once_start_exactly_one(site, ended: Callable) -> None:
    site.write("event_deadline = 300")  # forty that load everything take long on a busy machine
    folder = site.event()
    hooks = [site.begin(str(n), str(n % 4), "Door", "Motion", folder) for n in range(40)]
    answers = {(one.code, one.out) for one in map(ended, hooks)}

    assert len(answers) == 1
    assert next(iter(answers))[0] == 0
    assert site.supervisors() == [site.warm()["pid"]]
    assert site.log().count("serving on") == 1


def test_a_service_started_by_a_hook_is_nobodys(site) -> None:
    folder = site.event()
    other = os.open(folder, os.O_RDONLY)
    os.set_inheritable(other, True)
    process = subprocess.Popen(
        [site.root / "zm_event_start.sh", "5", "1", "", "", folder],
        env=site.env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[other],
    )
    # This returns at the end of both files: nobody else may hold them open.
    out, _ = process.communicate(timeout=60)
    os.close(other)
    assert out.startswith(b"[a] detected:dog")
    site.warm()

    for pid in (*site.supervisors(), *site.workers()):
        assert os.getsid(pid) != os.getsid(0)
        assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
        files = {fd.name: str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        assert files["1"] == "/dev/null"
        assert files["2"] == "/dev/null"
        assert str(folder) not in files.values()
        assert not [name for name in files.values() if name.endswith(".start")]
    assert Path(f"/proc/{site.supervisors()[0]}/fd/0").readlink() == Path("/dev/null")
    assert os.getsid(site.workers()[0]) == site.supervisors()[0]


def test_a_daemon_with_every_file_closed_starts_one_too(site) -> None:
    hook, folder = site.root / "zm_event_start.sh", site.event()
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" 5 1 "" "" "$1" <&- >&- 2>&-', hook, folder],
        env=site.env,
        cwd="/",
        timeout=60,
    )
    assert done.returncode == 0
    site.warm()
    assert site.hook(folder).code == 0


def test_without_use_service_there_is_none(site) -> None:
    site.write(service="use_service = no")

    assert site.hook().code == 0
    time.sleep(0.3)
    assert site.processes() == []
    assert not site.socket.exists()


def test_switching_use_service_off_ends_it(site) -> None:
    site.warm()
    site.write(service="use_service = no")

    site.gone()
    assert site.hook().code == 0
    assert site.processes() == []


def test_it_ends_when_nobody_asks(site) -> None:
    site.write(service="service_idle_exit = 1")
    site.hook()
    site.until(lambda: "serving on" in site.log())

    site.gone()
    assert "ending: no event for 1 s" in site.log()
    assert site.hook().code == 0


def begun(site: Any, *args: str) -> int:
    """Start a service as a person does, and return its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zmhook.server", "-c", site.config, *args],
        env={**site.env, "PYTHONPATH": f"{site.root / 'hook'}:{site.env['PYTHONPATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    site.children.append(process)
    return process.pid


def test_a_permanent_one_stays(site) -> None:
    site.write(service="service_idle_exit = 0.5")
    pid = begun(site, "--permanent")
    site.until(site.socket.exists)
    time.sleep(2)

    assert site.hook().code == 0
    assert site.warm()["pid"] == pid, site.log()


def test_a_second_one_leaves_the_first_alone(site) -> None:
    pid = site.warm()["pid"]
    begun(site)

    assert site.children[-1].wait(30) == 0
    assert site.warm()["pid"] == pid


def test_two_configurations_side_by_side(site, ended: Callable) -> None:
    folder = site.event()
    first = site.warm()["pid"]
    other = site.folder / "other.ini"
    text = site.config.read_text().replace("[general]", "[general]\ndetect_pattern = bicycle")
    other.write_text(text)

    before = ended(site.begin("5", "1", "", "", folder, ZMHOOK_CONFIG=str(other)))
    site.until(lambda: len(list(site.run.glob("*.sock"))) == 2)
    after = ended(site.begin("5", "1", "", "", folder, ZMHOOK_CONFIG=str(other)))

    assert before == after
    assert after.text.startswith("[a] detected:bicycle")
    assert "dog" in site.hook(folder).text
    assert site.warm()["pid"] == first
    site.until(lambda: len(site.supervisors()) == 2)


def test_an_edit_holds_for_the_next_event(site) -> None:
    folder = site.event()
    pid = site.warm()["pid"]

    site.write("detect_pattern = bicycle\nshow_percent = no")
    assert site.hook(folder).text == "[a] detected:bicycle"
    site.write("detect_pattern = submarine")
    assert site.hook(folder)[:2] == (1, "")
    site.write("show_percent = no", rest="[monitor-1]\ndetect_pattern = dog\n")
    assert site.hook(folder).text == "[a] detected:dog"
    assert site.warm()["pid"] == pid


@pytest.mark.parametrize(
    "garbage",
    [b"\0\xff\xfe" * 1000, b"[general\nmodels", b"[general]\nevent_deadline = soon\n", None],
    ids=["binary", "no ini", "no number", "removed"],
)
def test_a_broken_edit_keeps_the_last_good_configuration(site, garbage: bytes | None) -> None:
    site.write("detect_pattern = dog\nshow_percent = no")
    pid = site.warm()["pid"]
    if garbage is None:
        site.config.unlink()
    else:
        site.config.write_bytes(garbage)

    said = site.hook()

    assert said[0] == 0
    assert said.text == "[a] detected:dog"
    status = site.status()
    assert (status["pid"], str(site.config) in status["config_error"]) == (pid, True)
    site.until(lambda: "the last good configuration stays in force" in site.log())
    site.write("detect_pattern = bicycle\nshow_percent = no")
    assert site.hook().text == "[a] detected:bicycle"
    assert site.status()["config_error"] == ""


def test_an_edit_of_the_secrets_is_noticed(site) -> None:
    """A broken secrets file shows in `status` that it was read again."""
    secrets = site.folder / "secrets.ini"
    secrets.write_text("[secrets]\nWORD = dog\n")
    secrets.chmod(0o640)
    site.write("secrets = secrets.ini\ndetect_pattern = !WORD\nshow_percent = no")
    site.warm()
    assert site.hook().text == "[a] detected:dog"

    secrets.write_text("[secrets]\nWORD = bicycle\n")
    assert site.hook().text == "[a] detected:bicycle"
    secrets.write_text("[secrets]\nOTHER = car\n")
    assert site.hook().text == "[a] detected:bicycle"
    assert "WORD" in site.status()["config_error"]


def test_an_edit_of_the_weights_is_noticed(site, model) -> None:
    other = model("yolov8n.onnx")
    weights = site.folder / "model.onnx"
    weights.write_bytes((site.assets / "models/yolox_nano_416.onnx").read_bytes())
    site.write(rest=f"[monitor-1]\nweights = {weights}\n")
    site.warm()
    assert site.hook().code == 0

    weights.write_bytes(b"this is no model")
    broken = site.hook()
    weights.write_bytes(other.read_bytes())
    new = site.hook()

    assert (broken.code, broken.out) == (2, "")
    assert new.code == 0
    assert any("model.onnx (YOLOv8" in one for one in site.status()["workers"][0]["models"])


def test_a_replaced_package_ends_the_old_service(upgradable) -> None:
    site = upgradable
    old = site.warm()["pid"]
    time.sleep(0.6)

    version = site.root / "hook/zmhook/__init__.py"
    version.write_text(version.read_text() + "\n__version__ = '99.9'\n")
    said = site.hook()

    assert said.code == 0
    assert said.text.startswith("[a] detected:dog")
    site.until(lambda: site.supervisors() and old not in site.supervisors())
    assert site.warm()["version"] == "99.9"


def test_replacing_the_package_costs_nobody_who_waits(upgradable, ended: Callable) -> None:
    site = upgradable
    site.write("models = faulty,yolo")
    site.warm()
    site.order("sleep 2")
    hooks = [site.begin(str(n), "1", "", "", site.event(number=n)) for n in range(1, 7)]
    site.obeyed()

    version = site.root / "hook/zmhook/__init__.py"
    version.write_text(version.read_text() + "\n__version__ = '99.9'\n")
    hooks.append(site.begin("9", "1", "", "", site.event(number=9)))

    assert [ended(hook).code for hook in hooks] == [0] * 7


def test_known_faces_are_part_of_what_is_watched(site) -> None:
    """A folder of faces that cannot be trained fails the event, one that is gone does not."""
    pytest.importorskip("dlib")
    faces = site.folder / "faces"
    faces.mkdir()
    site.write("models = face", rest=f"[face]\nknown_images_path = {faces}\n")
    site.warm()
    before = site.hook(site.event("obama.jpg"))
    time.sleep(0.6)

    (faces / "Barack").mkdir()
    (faces / "Barack" / "1.jpg").write_bytes((site.assets / "photos/obama2.jpg").read_bytes())
    subprocess.run(
        [sys.executable, site.root / "bin/zm_train_faces.py", "-c", site.config],
        env=site.env,
        check=True,
        capture_output=True,
        timeout=120,
    )
    after = site.hook(site.event("obama.jpg"))

    assert "Barack" not in before.text
    assert "Barack" in after.text


def test_sigterm_finishes_what_runs(faulty, ended: Callable) -> None:
    faulty.order("sleep 1.5")
    hook = faulty.begin("5", "1", "", "", faulty.event())
    faulty.obeyed()
    waiting = faulty.begin("6", "1", "", "", faulty.event())
    time.sleep(0.3)

    os.kill(faulty.supervisors()[0], signal.SIGTERM)

    assert ended(hook).text.startswith("[a] detected:dog")
    assert ended(waiting).code in (0, 2)
    faulty.gone()


def test_stop_is_asked_for_over_the_socket(site) -> None:
    from zmhook.service import client

    site.warm()
    assert client.ask(site.socket, "POST", "/stop", 10) == (200, b"stopping\n")
    site.gone()


def test_health_and_metrics(site) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    from zmhook.service import client

    site.warm()
    site.hook()

    assert client.ask(site.socket, "GET", "/health/live", 10) == (200, b"alive\n")
    assert client.ask(site.socket, "GET", "/health/ready", 10) == (200, b"ready\n")
    status, body = client.ask(site.socket, "GET", "/metrics", 10)
    families = {one.name: one for one in text_string_to_metric_families(body.decode())}
    assert status == 200
    assert {tuple(one.labels.items()): one.value for one in families["zmhook_events"].samples} == {
        (("outcome", "alarm"),): 1.0
    }
    assert families["zmhook_workers"].samples[0].value == 1
    json.dumps(site.status())


def test_listening_on_tcp_gives_health_and_nothing_else(site) -> None:
    import socket
    from http.client import HTTPConnection

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site.write(service=f"listen = 127.0.0.1:{port}")
    site.warm()

    answers = {}
    for path in ("/health/live", "/metrics", "/status", "/decide"):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        answers[path] = connection.getresponse().status
        connection.close()

    assert answers == {"/health/live": 200, "/metrics": 200, "/status": 404, "/decide": 404}
