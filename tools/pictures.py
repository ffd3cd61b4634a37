"""Make the pictures of the guide: scenes, annotated pictures, and commands in a terminal.

    make pictures

The scenes are those of the demonstration. Everything else is what zmhook really draws and prints
for them, with the network yolox_nano: from demo/models if it is there, otherwise from the assets
of the tests. Only the folders in the commands' output are those of an installation.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import cv2
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import scenes

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
FOLDER = ROOT / "demo" / "pictures"
EVENTS = FOLDER / "events"
CONFIG = FOLDER / "objectconfig.ini"
NETWORKS = (
    ROOT / "demo" / "models" / "yolox_nano" / "yolox_nano.onnx",
    Path(os.environ.get("ZMHOOK_TEST_ASSETS", ROOT / "assets")) / "models" / "yolox_nano_416.onnx",
)
TIMEOUT = 300

PEOPLE = ("eileen_collins", "grace_hopper")
FRONT_DOOR, GARDEN = 1, 2
CONFIGURATION = """\
[general]
base_data_path = {folder}
base_zm_conf_path = {folder}
models = yolo,face
detect_pattern = (person|car|motorcycle|bus|truck|bicycle)

[yolo]
weights = {network}

[gate]
cooldown = 60

[monitor-1]
steps = 60,260 1220,260 1220,715 60,715

[monitor-2]
lawn = 300,330 1270,330 1270,715 300,715
"""
THEME = TerminalTheme(
    (24, 28, 34),
    (222, 226, 232),
    [
        *((0, 0, 0), (255, 123, 114), (126, 211, 134), (230, 192, 90)),
        *((121, 184, 255), (210, 168, 255), (118, 227, 234), (222, 226, 232)),
    ],
)


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        make_scenes()
    except scenes.Missing as missing:
        fail(str(missing))
    network = next((path for path in NETWORKS if path.is_file()), None)
    if network is None:
        fail("the network yolox_nano is not there: make demo or make assets downloads it")
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(CONFIGURATION.format(folder=FOLDER, network=network), "utf-8")
    for name in PEOPLE:
        copy(TARGET / f"portrait-{name}.jpg", FOLDER / "known_faces" / name / "portrait.jpg")
    run([sys.executable, "bin/zm_train_faces.py", "-c", str(CONFIG)])

    detect(1021, FRONT_DOOR, "Front door", "front-door.jpg")
    detect(1022, GARDEN, "Garden", "garden.jpg")
    detect(1023, FRONT_DOOR, "Front door", "front-door.jpg")
    copy(EVENTS / "1021" / "objdetect.jpg", TARGET / "objdetect.jpg")

    explain = ["explain", "1022", "-m", str(GARDEN), "-p", str(EVENTS / "1022")]
    screenshot("explain.svg", explain, "zmhook explain 1022", 64)
    copy(FOLDER / "images" / "1022-alarm-debug.jpg", TARGET / "explain.jpg")
    screenshot("history.svg", ["history", "list"], "zmhook history list", 80)
    for path in sorted(TARGET.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KiB")
    return 0


def make_scenes() -> None:
    scenes.save(TARGET / "front-door.jpg", scenes.front_door())
    scenes.save(TARGET / "garden.jpg", scenes.garden())
    for name in PEOPLE:
        scenes.save(TARGET / f"portrait-{name}.jpg", scenes.portrait(name))


def detect(event: int, monitor: int, name: str, picture: str) -> None:
    """Decide an event as if ZoneMinder had called."""
    for frame in ("alarm.jpg", "snapshot.jpg"):
        copy(TARGET / picture, EVENTS / str(event) / frame)
    call = ["-e", str(event), "-m", str(monitor), "--monitor-name", name, "-r", "Motion All"]
    call += ["-p", str(EVENTS / str(event)), "-c", str(CONFIG)]
    run([sys.executable, "bin/zm_detect.py", *call])


def copy(source: Path, target: Path) -> None:
    """Copy a picture; one that zmhook drew is compressed as the scenes are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.parent == TARGET:
        picture = cv2.imread(str(source))
        if picture is None:
            fail(f"{source} was not written (see above)")
        scenes.save(target, scenes.np.asarray(picture, scenes.np.uint8))
    else:
        shutil.copyfile(source, target)


# -- terminals -------------------------------------------------------------------------------------


def screenshot(name: str, arguments: list[str], shown: str, columns: int) -> None:
    """Run a command in a terminal of this width, and draw what it prints."""
    command = [sys.executable, "-m", "zmhook.cli.main", *arguments, "-c", str(CONFIG)]
    output = printed(command, columns)
    output = output.replace(f"{EVENTS}/", "/var/cache/zoneminder/events/")
    output = output.replace(f"{FOLDER}/", "/var/lib/zmeventnotification/")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, color_system="truecolor")
        console.print(Text.assemble(("$ ", "dim"), (shown, "bold")))
        console.print(Text.from_ansi(output.strip("\r\n")))
    drawing = console.export_svg(title="", theme=THEME, unique_id=Path(name).stem)
    (TARGET / name).write_text(self_contained(drawing), encoding="utf-8")


def self_contained(drawing: str) -> str:
    """Use the reader's fonts: none is loaded from elsewhere."""
    drawing = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace("Fira Code, monospace", "ui-monospace, Consolas, monospace")
    return re.sub(r"[ \t]+$", "", re.sub(r"\n{2,}", "\n", drawing), flags=re.MULTILINE)


def printed(command: list[str], columns: int) -> str:
    """Return what a command prints on a terminal, with its colours."""
    reader, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=terminal, stderr=subprocess.DEVNULL
    ) as process:
        os.close(terminal)
        parts = []
        while block := _read(reader):
            parts.append(block)
        os.close(reader)
        process.wait(TIMEOUT)
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # its other end was closed
        return b""


def run(command: list[str]) -> None:
    """Run one of zmhook's programs. Exit code 1 says that nothing was detected."""
    environment = {**os.environ, "ZMHOOK_CONFIG": str(CONFIG)}
    done = subprocess.run(command, cwd=ROOT, env=environment, timeout=TIMEOUT, check=False)
    if done.returncode not in (0, 1):
        fail(f"{' '.join(command)} ended with exit code {done.returncode}")


def fail(why: str) -> NoReturn:
    sys.exit(f"pictures: {why}")


if __name__ == "__main__":
    sys.exit(main())
