"""Calls as other hooks are documented, and as ZoneMinder's annotation editor makes them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SPLIT = "--SPLIT--"
IGNORED = "unknown arguments ignored: "


@pytest.fixture
def editor(root: Path, environment: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Call zm_detect.py as the editor does, with stderr in the answer."""

    def editor(config: Path, picture: Path, *args: str) -> tuple[int, str]:
        script = root / "bin" / "zm_detect.py"
        done = subprocess.run(
            [sys.executable, script, "-c", config, "--annotation", *args, "-f", picture, "-m", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    return editor


@pytest.mark.integration
@pytest.mark.parametrize(
    ("args", "names"),
    [
        (("--pyzm-debug",), "--pyzm-debug"),
        (("--pyzm-debug", "--fakeit", "hidden,person"), "--pyzm-debug, --fakeit, 1 more"),
        (("--token=hidden",), "--token"),
    ],
)
def test_arguments_of_other_hooks_are_a_warning(
    config, photo, detect, event_folder, tmp_path: Path, args: tuple[str, ...], names: str
) -> None:
    folder = event_folder("dog.jpg")

    said = detect("-c", config(), "-e", "6", "-m", "1", "-p", folder, "-r", "Motion:All", *args)

    assert (said.code, said.text[:13]) == (0, "[s] detected:")
    assert said.err == f"zm_detect.py: {IGNORED}{names}\n"
    log = (tmp_path / "data/logs/zmesdetect_m1.log").read_text()
    assert f"{IGNORED}{names}" in log
    assert "hidden" not in log


@pytest.mark.integration
def test_ngs_own_file_names_the_way(config, detect, tmp_path: Path) -> None:
    (tmp_path / "objectconfig.yml").write_text("general:\n  base_data_path: /x\n")

    said = detect("-c", tmp_path / "objectconfig.yml", "-e", "6", "-m", "1", "--pyzm-debug")

    assert said.code == 2
    assert "objectconfig.yml: is YAML, as Ng has it: zmhook config migrate" in said.err


@pytest.mark.integration
@pytest.mark.parametrize("json_format", ["v6", "v5"])
@pytest.mark.parametrize(("pattern", "is_there"), [("dog", True), ("zebra", False)])
def test_the_editor_gets_an_object(
    config, photo, editor, json_format: str, pattern: str, is_there: bool
) -> None:
    path = config(f"json_format = {json_format}\ndetect_pattern = {pattern}\nwait = 0")

    code, out = editor(path, photo("dog.jpg"), "--pyzm-debug", "-d")

    assert code == 0
    assert out.count("\n") == 1
    data = json.loads(out.partition(SPLIT)[2])
    assert data["labels"] == (["dog"] if is_there else [])
    assert len(data["boxes"]) == len(data["confidences"]) == len(data["labels"])
    assert data["frame_id"] in ("alarm", "snapshot")


@pytest.mark.integration
def test_the_editor_leaves_nothing_behind(config, photo, editor, tmp_path: Path) -> None:
    path = config("match_past_detections = yes\nwrite_debug_image = yes\ndetect_pattern = dog")

    answers = [editor(path, photo("dog.jpg")) for _ in range(2)]

    assert answers[0] == answers[1]
    assert json.loads(answers[1][1].partition(SPLIT)[2])["labels"] == ["dog"]
    assert not list(tmp_path.rglob("*debug.jpg"))


@pytest.mark.integration
@pytest.mark.parametrize("on_failure", ["silence", "alarm"])
def test_the_editor_is_told_of_a_failure_by_the_code(config, editor, on_failure: str) -> None:
    path = config(f"on_failure = {on_failure}")

    assert editor(path, path) == (2, "")


# -- ZoneMinder's EventStartCommand and EventEndCommand --------------------------------------------


def commands(root: Path) -> dict[str, str]:
    """The lines that the guide has for the monitor's page, by the script that they call."""
    guide = (root / "docs" / "notification-server.md").read_text()
    lines = re.findall(r"```text\n(/var/lib/\S+/(zm_event_\w+\.sh).*)\n```", guide)
    return {f"{name}{' with' if '%' in line else ''}": line for line, name in lines}


@pytest.fixture
def zmc(config, photo, endpoint, as_zmdc, environment, root: Path, tmp_path: Path):
    """Call a line as ZoneMinder's zmc does: it passes no folder, so the portal has the picture."""
    picture = photo("dog.jpg").read_bytes()
    endpoint.answer = lambda posted: (
        (200, {"Content-Type": "image/jpeg"}, picture)
        if "view=image" in posted.path
        else (404, {}, b"")
    )
    path = config(f"portal = {endpoint.url}/zm")
    installed = Path("/var/lib/zmeventnotification/bin")

    def call(line: str, cause: str = "") -> int:
        line = line.replace(str(installed), str(root))
        if "%" in line:
            for placeholder, value in (("%EID%", "17"), ("%MID%", "1"), ("%EC%", f"'{cause}'")):
                line = line.replace(placeholder, value)
            command = ["/bin/sh", "-c", line]
        else:
            command = [line, "17", "1"]
        env = {"ZMHOOK_CONFIG": str(path), "ZMHOOK_PYTHON": environment["ZMHOOK_PYTHON"]}
        return as_zmdc(command, env)

    return call


@pytest.mark.integration
@pytest.mark.parametrize("which", ["zm_event_start.sh", "zm_event_start.sh with"])
def test_zoneminder_calls_the_line_of_the_guide(which: str, zmc, root, tmp_path: Path) -> None:
    """The path alone, and with arguments: by a shell, from 1.38.1 on."""
    assert zmc(commands(root)[which], "Motion:Left,Right") == 0

    log = (tmp_path / "data/logs/zmesdetect_m1.log").read_text()
    assert "event 17 of monitor 1: [a] detected:" in log
    assert not [path for path in (tmp_path / "data").rglob("*") if path.stat().st_mode & 0o002]


@pytest.mark.integration
def test_a_cause_is_not_executed(zmc, root, tmp_path: Path) -> None:
    cause = (
        f'$(touch {tmp_path}/executed) `touch {tmp_path}/executed` " ; touch {tmp_path}/executed'
    )

    assert zmc(commands(root)["zm_event_start.sh with"], cause) == 0

    assert not (tmp_path / "executed").exists()


@pytest.mark.integration
def test_zoneminder_calls_the_line_for_the_end(zmc, root) -> None:
    assert zmc(commands(root)["zm_event_end.sh with"]) == 0
