"""Calls as other hooks are documented, and as ZoneMinder's annotation editor makes them."""

from __future__ import annotations

import json
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
