"""The whole hook on a real ZoneMinder: the real script, real events, the real log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.zoneminder


@pytest.fixture
def run_folder() -> Iterator[Path]:
    """A short path for the service's socket; the service is ended by its process id."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
        yield Path(folder)
        for lock in Path(folder).glob("*.lock"):
            try:
                os.kill(int(lock.read_text()), signal.SIGTERM)
            except ProcessLookupError:
                continue


@pytest.fixture
def config(zm, tmp_path: Path, model: Callable[[str], Path]) -> Callable[..., Path]:
    def write(general: str = "", service: str = "use_service = no") -> Path:
        path = tmp_path / "objectconfig.ini"
        if "base_zm_conf_path" not in general:
            general += f"\nbase_zm_conf_path = {zm.known['conf']}"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}\nportal = {zm.url}\nuser = admin\n"
            f"password = admin\nsleep_between_attempts = 0.5\nmodels = yolo\n{general}\n"
            f"[yolo]\nweights = {model('yolov8n.onnx')}\nyolo_min_confidence = 0.5\n"
            f"[service]\n{service}\n"
        )
        return path

    return write


@pytest.fixture
def hook(root: Path, run_folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(config: Path, *args: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [root / "zm_event_start.sh", *map(str, args)],
            env={
                "PATH": "/usr/bin:/bin",
                "ZMHOOK_CONFIG": str(config),
                "ZMHOOK_PYTHON": sys.executable,
                "ZMHOOK_RUN": str(run_folder),
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


def labels(said: subprocess.CompletedProcess[str]) -> set[str]:
    return set(json.loads(said.stdout.partition("--SPLIT--")[2])["labels"])


def test_an_event_from_the_portal(zm_either, config, hook, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))

    said = hook(config("prefer_event_folder = no"), event.id, event.monitor_id, "still", "Forced")

    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("[a] detected:dog:")
    assert said.stdout.count("\n") == 1
    assert {"dog", "bicycle"} <= labels(said)


def test_by_hand_the_picture_still_lands_in_the_event(config, hook, recorded_event, photo) -> None:
    """No event path is given; the API tells the folder, after the answer."""
    event = recorded_event(photo("dog.jpg"))
    (event.path / "objdetect.jpg").unlink(missing_ok=True)

    assert hook(config(), event.id, event.monitor_id).returncode == 0

    assert (event.path / "objdetect.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "dog" in json.loads((event.path / "objects.json").read_text())["labels"]


def test_straight_from_the_folder(zm, config, hook, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    before = len(zm.requests("view=image"))

    said = hook(config(), event.id, event.monitor_id, "still", "Forced", event.path)

    assert said.returncode == 0, said.stderr
    assert len(zm.requests("view=image")) == before


def test_the_service_answers_as_the_cold_process(config, hook, recorded_event, photo) -> None:
    event = recorded_event(photo("person.jpg"))
    args = (event.id, event.monitor_id, "still", "Forced Web")
    cold = hook(config(), *args)
    path = config(service="service_workers = 1")

    answers = [hook(path, *args) for _ in range(3)]

    assert [answer.returncode for answer in answers] == [0, 0, 0], answers
    assert {answer.stdout for answer in answers} == {cold.stdout}


def test_an_event_that_is_still_being_recorded(zm, config, hook, photo) -> None:
    zm.show(photo("dog.jpg"))
    event = zm.force_alarm("still")
    try:
        said = hook(config(), event.id, event.monitor_id, "still", "Forced", event.path)
        assert zm.is_open(event)
    finally:
        zm.end_alarm("still")

    assert said.returncode == 0, said.stderr
    assert "dog" in labels(said)


@pytest.mark.parametrize("frame_id", ["all", "50%"])
def test_an_mp4_that_is_still_being_recorded(frame_id: str, zm, config, hook, photo) -> None:
    zm.show(photo("dog.jpg"))
    event = zm.force_alarm("film")
    try:
        path = config(f"frame_id = {frame_id}\nmax_attempts = 2")
        said = hook(path, event.id, event.monitor_id, "film", "Forced", event.path)
        assert zm.is_open(event)
    finally:
        zm.end_alarm("film")

    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("[s] detected:dog")
    assert said.stderr == ""


@pytest.mark.parametrize("frame_id", ["snapshot", "3", "snapshot,2"])
def test_an_event_with_an_mp4_alone(frame_id: str, config, hook, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"), "film")

    said = hook(config(f"frame_id = {frame_id}"), event.id, event.monitor_id)

    assert said.returncode == 0, said.stderr
    assert "dog" in labels(said)


def test_an_event_that_does_not_exist(config, hook) -> None:
    path = config("max_attempts = 2")

    said = hook(path, 999_999, 1, "still", "Motion")

    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1
    assert "999999" in said.stderr


def test_a_wrong_password(config, hook, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    path = config()
    path.write_text(path.read_text().replace("password = admin", "password = wr0ng-secret"))

    said = hook(path, event.id, event.monitor_id)

    assert (said.returncode, said.stdout) == (2, "")
    assert "check [general] user and password" in said.stderr
    assert "wr0ng" not in said.stderr


def test_notes_are_written(zm, config, root: Path, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))

    subprocess.run(
        [
            sys.executable,
            root / "bin" / "zm_detect.py",
            "-c",
            config(),
            "-e",
            str(event.id),
            "-m",
            str(event.monitor_id),
            "--notes",
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert zm.notes(event).startswith("[a] detected:dog:")
    assert "Forced Web:" in zm.notes(event)


def test_the_log_is_zoneminders(zm, config, hook, recorded_event, photo) -> None:
    """Component zmesdetect_m<mid>, in the database and in ZoneMinder's log folder."""
    event = recorded_event(photo("dog.jpg"))
    component = f"zmesdetect_m{event.monitor_id}"
    zm.sql(f"DELETE FROM Logs WHERE Component='{component}'")

    assert hook(config(), event.id, event.monitor_id).returncode == 0

    logged = zm.sql(f"SELECT Message FROM Logs WHERE Component='{component}' AND Code='INF'")
    assert f"event {event.id} of monitor {event.monitor_id}: [a] detected:dog:" in logged
    assert "yolo" in logged
    assert " ms" in logged


def test_the_service_logs_each_monitor_in_its_own_component(
    zm, config, hook, recorded_event, photo
) -> None:
    event = recorded_event(photo("dog.jpg"))
    component = f"zmesdetect_m{event.monitor_id}"
    path = config(service="service_workers = 1")
    hook(path, event.id, event.monitor_id)
    zm.sql(f"DELETE FROM Logs WHERE Component='{component}'")

    assert hook(path, event.id, event.monitor_id).returncode == 0

    logged = f"SELECT count(*) FROM Logs WHERE Component='{component}' AND Message LIKE '%dog%'"
    until = time.monotonic() + 10
    while zm.sql(logged) == "0":
        assert time.monotonic() < until, "the service wrote nothing into the monitor's log"
        time.sleep(0.2)


# -- what is done after the answer -----------------------------------------------------------------


@pytest.fixture
def detect(root: Path, hook) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run zm_detect.py by hand."""

    def call(config: Path, *args: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, root / "bin" / "zm_detect.py", "-c", config, *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")

    return call


def wait_for(ready: Callable[[], object], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def jobs(folder: Path) -> list[str]:
    return [path.name for path in (folder / "state" / "spool").glob("*-m*.*.*.*")]


def log_of(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "logs").iterdir())


def test_notes_that_zoneminder_overwrites_are_written_again(
    zm, config, detect, photo, tmp_path: Path
) -> None:
    path = config(f"write_notes = yes\nbase_zm_conf_path = {tmp_path}")
    theirs = "Forced Web: Motion: All"
    zm.wait_for_motion()
    event = zm.force_alarm("yard")  # so that it goes on
    try:
        wait_for(lambda: zm.notes(event) == theirs, 40, "both causes in its notes")
        said = detect(path, "-e", event.id, "-m", event.monitor_id, "-f", photo("dog.jpg"))
        assert said.returncode == 0, said.stderr
        wait_for(lambda: "detected:" in zm.notes(event), 20, "our notes")
        ours = zm.notes(event)
        assert ours.startswith("[x] detected:dog:")
        assert ours.endswith(f" {theirs}")

        zm.trigger("yard", "Doorbell")
        wait_for(lambda: "Doorbell" in zm.notes(event), 20, "ZoneMinder's own notes")
        wait_for(lambda: "detected:dog:" in zm.notes(event), 30, "ours once more")
        assert zm.is_open(event)
    finally:
        zm.end_alarm("yard")
    wait_for(lambda: not zm.is_open(event), 60, "its end")
    wait_for(lambda: not jobs(tmp_path), 60, "the last look")
    found = zm.notes(event)
    assert found.startswith(ours.removesuffix(theirs))
    assert "Doorbell" in found
    assert "WARN" not in log_of(tmp_path)


@pytest.mark.parametrize("monitor", ["still", "film"])
def test_a_film_and_the_picture_in_the_portal(
    monitor: str, zm, config, hook, recorded_event, photo, tmp_path: Path
) -> None:
    """`film` has no JPEGs but those that somebody has looked at; ZoneMinder 1.36 has no tags."""
    event = recorded_event(photo("dog.jpg"), monitor)
    for name in ("objdetect.jpg", "objdetect.mp4", "objdetect.gif"):
        (event.path / name).unlink(missing_ok=True)
    switched_on = f"base_zm_conf_path = {tmp_path}\ntag_detected_objects = yes"
    path = config(switched_on)
    path.write_text(path.read_text() + "[animation]\ncreate_animation=yes\nanimation_types=mp4,gif")
    zm.set_auth(False)

    said = hook(path, event.id, event.monitor_id, "x", "Forced", event.path)

    assert said.returncode == 0, said.stderr
    address = f"{zm.url}/index.php?view=image&eid={event.id}&fid=objdetect"
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == (event.path / "objdetect.jpg").read_bytes()
    wait_for(lambda: not jobs(tmp_path), 60, "what is done afterwards")
    assert "WARN" not in log_of(tmp_path)
    film = cv2.VideoCapture(str(event.path / "objdetect.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) > 8
    assert (event.path / "objdetect.gif").read_bytes().startswith(b"GIF89a")
