"""Run the demonstration: the real hook recognises two trained people at a door.

It needs no ZoneMinder and no model file. The photographs come with scikit-image (Eileen Collins)
and matplotlib (Grace Hopper); both are works of the U.S. government. `make demo` runs it; all files
that it creates are in demo/.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
EVENT = DEMO / "events" / "1"
CONFIG = DEMO / "objectconfig.ini"
YOLO = DEMO / "models" / "yolox_nano" / "yolox_nano.onnx"
PHOTOGRAPHS = {
    "eileen_collins": ("skimage", "data/astronaut.png"),
    "grace_hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
WIDTH, HEIGHT = 1280, 720
TIMEOUT = 300


def main() -> int:
    photographs = {name: read(*place) for name, place in PHOTOGRAPHS.items()}
    for name, picture in photographs.items():
        save(DEMO / "known_faces" / name / "portrait.jpg", portrait(picture))
    save(EVENT / "snapshot.jpg", scene(photographs, brightness=0.9))
    save(EVENT / "alarm.jpg", scene(photographs, brightness=0.75))
    CONFIG.write_text(configuration(), encoding="utf-8")

    step("Training the known faces")
    command = [sys.executable, "bin/zm_train_faces.py", "-c", str(CONFIG)]
    if run(command).returncode != 0:
        fail("the faces could not be trained (see above)")

    step("Looking at the event")
    (EVENT / "objdetect.jpg").unlink(missing_ok=True)
    hook = ["./zm_event_start.sh", "1", "1", "Front door", "Motion All", str(EVENT)]
    began = time.monotonic()
    answer = run(hook, stdout=subprocess.PIPE)
    check(answer)
    tell(answer, time.monotonic() - began)
    return 0


# -- pictures --------------------------------------------------------------------------------------


def read(package: str, path: str) -> np.ndarray:
    """Read a photograph from an installed package, without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        fail(f"the package {package} is not installed: make demo installs it (extra 'demo')")
    picture = cv2.imread(str(Path(spec.origin).parent / path))
    if picture is None:
        fail(f"the package {package} has no {path} in this version: install another one")
    return picture


def portrait(photograph: np.ndarray) -> np.ndarray:
    """Crop head and shoulders, because a good training picture shows one face and little else."""
    height, width = photograph.shape[:2]
    return photograph[: height * 5 // 8, width // 8 : width * 7 // 8]


def scene(photographs: dict[str, np.ndarray], brightness: float) -> np.ndarray:
    """Put both people before a wall, as a camera would see them.

    These are not the training pictures: one is mirrored, and size and light differ.
    """
    wall = np.rot90(read("skimage", "data/brick.png"))
    picture = cv2.resize(wall, (WIDTH, WIDTH), interpolation=cv2.INTER_LINEAR)[:HEIGHT]
    paste(picture, cv2.flip(photographs["grace_hopper"], 1), left=150, height=480)
    paste(picture, photographs["eileen_collins"][:400], left=700, height=340)
    return cv2.convertScaleAbs(picture, alpha=brightness, beta=6)


def paste(picture: np.ndarray, photograph: np.ndarray, left: int, height: int) -> None:
    """Place a photograph at the lower edge of the picture, with soft edges at its sides."""
    scale = height / photograph.shape[0]
    small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    opaque = np.zeros(small.shape[:2], np.float32)
    opaque[40:, 40:-40] = 1
    opaque = cv2.GaussianBlur(opaque, (0, 0), 14)[..., None]
    area = picture[-height:, left : left + small.shape[1]]
    area[:] = (small * opaque + area * (1 - opaque)).astype(np.uint8)


def save(path: Path, picture: np.ndarray) -> None:
    """Write a JPEG unless it exists, so that nobody is trained again."""
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


# -- running ---------------------------------------------------------------------------------------


def configuration() -> str:
    models = "yolo,face" if YOLO.exists() else "hog,face"
    return f"""# Written by make demo. The sample, objectconfig.ini, has every setting.
[general]
base_data_path = {DEMO}
base_zm_conf_path = {DEMO}
models = {models}

[yolo]
yolo_type = tiny

[service]
service_idle_exit = 60
"""


def run(command: list[str], stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    print(f"$ {' '.join(map(quoted, command))}", flush=True)
    environment = {**os.environ, "ZMHOOK_CONFIG": str(CONFIG), "ZMHOOK_PYTHON": sys.executable}
    environment["ZMHOOK_RUN"] = str(DEMO / "run")
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=stdout,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(str(error))


def quoted(word: str) -> str:
    short = word.replace(f"{ROOT}/", "")
    return f'"{short}"' if " " in short else short


def check(answer: subprocess.CompletedProcess[str]) -> None:
    """Fail unless both people were recognised."""
    if answer.returncode != 0:
        fail(f"the hook ended with exit code {answer.returncode} (see above)")
    missing = [name for name in PHOTOGRAPHS if name not in answer.stdout]
    if missing:
        fail(f"{' and '.join(missing)} should have been recognised; the line was: {answer.stdout}")
    if not (EVENT / "objdetect.jpg").exists():
        fail(f"there is no annotated picture {EVENT / 'objdetect.jpg'}")


def tell(answer: subprocess.CompletedProcess[str], seconds: float) -> None:
    print(f"{answer.stdout.strip()}\n")
    print(f"exit code          {answer.returncode} (something was detected), after {seconds:.1f} s")
    print(f"annotated picture  {EVENT / 'objdetect.jpg'}")
    print(f"configuration      {CONFIG}")
    print("\nWhat next:")
    if not YOLO.exists():
        print("  cars, dogs and 78 more: .venv/bin/zmhook models get yolox_nano --to demo/models")
        print("                          make demo")
    print("  your own faces:         one folder per person in demo/known_faces, then make demo")
    print("  with ZoneMinder:        sudo ./install.sh, then docs/first-event.md")


def step(what: str) -> None:
    print(f"\n== {what}", flush=True)


def fail(why: str) -> NoReturn:
    sys.exit(f"demo: {why}")


if __name__ == "__main__":
    sys.exit(main())
