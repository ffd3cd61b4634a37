"""Run the demonstration: two events, one that rings a phone and one that does not.

It needs no ZoneMinder. `make demo` runs it; all files that it creates are in demo/. The network
yolox_nano is downloaded if possible; otherwise HOG, which needs no file, looks for people. The
pictures are those of the guide (docs/pictures).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
DEMO = ROOT / "demo"
CONFIG = DEMO / "objectconfig.ini"
YOLO = DEMO / "models" / "yolox_nano" / "yolox_nano.onnx"
ZMHOOK = [sys.executable, "-m", "zmhook.cli.main"]
PEOPLE = ("eileen_collins", "grace_hopper")
TIMEOUT = 300
START = 60.0
"""Seconds that the background service may take to load its models."""


class DemoEvent(NamedTuple):
    """An event: its id, the monitor, and the picture that the camera recorded."""

    id: int
    monitor: str
    picture: str

    @property
    def folder(self) -> Path:
        return DEMO / "events" / str(self.id)


class Answer(NamedTuple):
    """What the hook printed, its exit code, and how long it took."""

    line: str
    exit_code: int
    milliseconds: float


DOOR = DemoEvent(1, "Front door", "front-door.jpg")
GARDEN = DemoEvent(2, "Garden", "garden.jpg")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run two demonstration events.")
    parser.add_argument("--manifest", help="download the network as this list of models says")
    options = parser.parse_args()
    prepare()
    fetch_network(options.manifest)
    CONFIG.write_text(configuration(), encoding="utf-8")
    stop_service()  # of an earlier run, or the first event would not be cold
    try:
        show_events()
    finally:
        stop_service()
    return 0


def show_events() -> None:
    step("Train the faces of two people, one picture each")
    if run([sys.executable, "bin/zm_train_faces.py", "-c", str(CONFIG)]).returncode != 0:
        fail("the faces could not be trained (see above)")

    step("Event 1: somebody at the front door. Nothing is loaded yet (cold)")
    cold = answer(DOOR)
    check_alarm(cold)
    wait_for_service()

    step("Event 2: a cat in the garden. The background service has the models loaded (warm)")
    warm = answer(GARDEN)
    if warm.exit_code != 1:
        fail(f"the hook should have ended with exit code 1, not {warm.exit_code} (see above)")
    print("(no line, exit code 1: the phone stays silent)")

    step("Why was event 2 no alarm?")
    show = ["explain", str(GARDEN.id), "-m", "2", "-p", str(GARDEN.folder), "-o", str(DEMO)]
    run([*ZMHOOK, *show, "-c", str(CONFIG)])
    summarise(cold, warm)


def prepare() -> None:
    """Lay out the events and the training pictures; files that are there stay as they are."""
    for name in PEOPLE:
        copy(f"portrait-{name}.jpg", DEMO / "known_faces" / name / "portrait.jpg")
    for event in (DOOR, GARDEN):
        shutil.rmtree(event.folder, ignore_errors=True)
        for frame in ("alarm.jpg", "snapshot.jpg"):
            copy(event.picture, event.folder / frame)


def copy(picture: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            shutil.copyfile(PICTURES / picture, path)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def fetch_network(manifest: str | None) -> None:
    if YOLO.exists():
        return
    step("Download the network yolox_nano (4 MB)")
    command = [*ZMHOOK, "models", "get", "yolox_nano", "--to", str(DEMO / "models")]
    # The configuration is not there yet; the machine's own is not read.
    command += ["-c", str(CONFIG), *(["--manifest", manifest] if manifest else [])]
    if run(command, stdout=subprocess.DEVNULL).returncode != 0:
        print(
            "It cannot be downloaded. HOG, which needs no file, looks for people instead: it finds"
        )
        print("whole persons only, and no animals or vehicles.")


def configuration() -> str:
    models = "yolo,face" if YOLO.exists() else "hog,face"
    return f"""# Written by make demo. The sample, objectconfig.ini, has every setting.
[general]
base_data_path = {DEMO}
base_zm_conf_path = {DEMO}
models = {models}
detect_pattern = (person|car|motorcycle|bus|truck|bicycle)
# Patience with a slow or busy machine.
event_deadline = 120

[yolo]
yolo_type = tiny

[service]
service_idle_exit = 60
"""


# -- running ---------------------------------------------------------------------------------------


def answer(event: DemoEvent) -> Answer:
    """Call the hook as a notification server does."""
    hook = ["./zm_event_start.sh", str(event.id), str(event.id), event.monitor, "Motion All"]
    began = time.monotonic()
    done = run([*hook, str(event.folder)], stdout=subprocess.PIPE)
    milliseconds = 1000 * (time.monotonic() - began)
    if done.stdout:
        print(done.stdout.strip())
    return Answer(done.stdout, done.returncode, milliseconds)


def check_alarm(cold: Answer) -> None:
    """Fail unless both people were recognised."""
    if cold.exit_code != 0:
        fail(f"the hook ended with exit code {cold.exit_code} (see above)")
    missing = [name for name in PEOPLE if name not in cold.line]
    if missing:
        fail(f"{' and '.join(missing)} should have been recognised; the line was: {cold.line}")
    if not (DOOR.folder / "objdetect.jpg").exists():
        fail(f"there is no annotated picture {DOOR.folder / 'objdetect.jpg'}")
    print("(exit code 0: the phone rings)")


def wait_for_service() -> None:
    """Wait until the service, which the first event started, has loaded the models."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        status = [*ZMHOOK, "service", "status", "--json", "-c", str(CONFIG)]
        done = run(status, stdout=subprocess.PIPE, shown=False)
        if done.returncode == 0 and any(
            worker["models"] for worker in json.loads(done.stdout)["workers"]
        ):
            return
        time.sleep(0.2)
    fail(f"the background service did not load the models within {START:.0f} s: {DEMO / 'logs'}")


def stop_service() -> None:
    run(
        [*ZMHOOK, "service", "stop", "-c", str(CONFIG)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        shown=False,
    )


def run(
    command: list[str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    shown: bool = True,
) -> subprocess.CompletedProcess[str]:
    if shown:
        print(f"$ {command_line(command)}", flush=True)
    environment = {**os.environ, "ZMHOOK_CONFIG": str(CONFIG), "ZMHOOK_PYTHON": sys.executable}
    environment["ZMHOOK_RUN"] = str(DEMO / "run")
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(str(error))


def command_line(command: list[str]) -> str:
    """Return the command as one would type it in the checkout."""
    line = " ".join(f'"{word}"' if " " in word else word for word in command)
    return line.replace(" ".join(ZMHOOK), ".venv/bin/zmhook").replace(f"{ROOT}/", "")


def summarise(cold: Answer, warm: Answer) -> None:
    step("The two events")
    print("  event           models   answer                    exit code  milliseconds")
    for event, state, text, answered in (
        (DOOR, "cold", "alarm", cold),
        (GARDEN, "warm", "nothing", warm),
    ):
        print(
            f"  {event.id} {event.monitor:<13} {state:<8} {text:<25} {answered.exit_code:<10}"
            f" {answered.milliseconds:.0f}"
        )
    print(f"\n  annotated picture of event 1  {DOOR.folder / 'objdetect.jpg'}")
    print(f"  what became of event 2        {DEMO / f'{GARDEN.id}-alarm-debug.jpg'}")
    print(f"  configuration                 {CONFIG}")
    print("\nWhat next:")
    print("  your own picture:  ZMHOOK_CONFIG=demo/objectconfig.ini \\")
    print("                     .venv/bin/zmhook explain --file picture.jpg -o /tmp")
    print("  your own faces:    one folder per person in demo/known_faces, then make demo")
    print("  with ZoneMinder:   sudo ./install.sh, then docs/first-event.md")


def step(what: str) -> None:
    print(f"\n== {what}", flush=True)


def fail(why: str) -> NoReturn:
    sys.exit(f"demo: {why}")


if __name__ == "__main__":
    sys.exit(main())
