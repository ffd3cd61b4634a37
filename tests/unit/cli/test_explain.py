"""`zmhook explain` and `zm_detect.py --explain`: a decision in words, and nothing remembered."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli import detect, explain
from zmhook.cli.main import main
from zmhook.decide import Decided
from zmhook.detection import Decision
from zmhook.event import Event
from zmhook.exit_codes import DETECTED, NOTHING, UNDECIDED
from zmhook.settings import Gate, Settings, Zone


@pytest.fixture
def config(tmp_path: Path, model: Callable[[str], Path]) -> Path:
    path = tmp_path / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
        f"[yolo]\nweights = {model('yolov8n.onnx')}\n"
        "[gate]\nmatch_past_detections = yes\ncooldown = 60\ncar_min_confidence = 0.9\n"
        "[monitor-2]\nporch = 0%,50% 50%,50% 50%,100% 0%,100%\n"
        "porch_zone_ignore_pattern = bicycle\n"
    )
    return path


def test_each_box_has_its_reason(config: Path, photo, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    args = ["explain", "-c", str(config), "-m", "2", "-f", str(photo("dog.jpg"))]
    assert main([*args, "-o", str(tmp_path / "out")]) == DETECTED
    printed = capsys.readouterr().out
    lines, said = printed.splitlines(), " ".join(printed.split())
    assert lines[0] == "picture of monitor 2: alarm (would send a notification)"
    assert any(line.startswith("  dog 9") and line.endswith(": kept") for line in lines)
    assert "dropped by zone: in zone porch, which ignores bicycle" in said
    assert "dropped by confidence: confidence " in said
    assert all(len(line) <= 80 for line in lines if str(tmp_path.parent) not in line)
    assert "model yolo: yolov8n.onnx (YOLOv8/v11 640x640) on ONNX Runtime" in said
    assert "zones: porch" in lines
    picture = tmp_path / "out" / "file-debug.jpg"
    assert f"annotated picture: {picture}" in said
    assert picture.read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("how", ["denied", "nowhere"])
def test_a_picture_that_cannot_be_written_changes_no_answer(
    how: str, config: Path, photo, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["explain", "-c", str(config), "-f", str(photo("dog.jpg"))]
    if how == "nowhere":
        (tmp_path / "file").touch()
        assert main([*args, "-o", str(tmp_path / "file")]) == DETECTED
        assert "--output-path names another folder" in capsys.readouterr().out
        return
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(tmp_path / "images"))
    assert main(args) == DETECTED
    assert "annotated picture: file-debug.jpg" in capsys.readouterr().out
    assert (tmp_path / "file-debug.jpg").exists()


OLD = "zones: porch; read from ZoneMinder 3 min 5 s ago (zm_cache_time is 300 s)"
UNKNOWN = "zones: porch; ZoneMinder's zones could not be read (see the log)"


@pytest.mark.parametrize(
    ("imports", "asked", "said"),
    [(False, None, "zones: porch"), (True, None, UNKNOWN), (True, 1000.0, OLD)],
)
def test_how_old_the_zones_are(imports, asked, said) -> None:
    decision = Decision(event=Event(), outcome="nothing")
    decided = Decided(decision, None, (Zone("porch", ((0, 0), (9, 0), (9, 9))),), asked)
    settings = Settings(gate=Gate(import_zm_zones=imports))
    assert explain.zones_line(decided, settings, 1185.0) == said
    assert explain.zones_line(decided._replace(zones=()), Settings(), 0.0) == "zones: none"


def test_nothing_is_remembered(config: Path, photo, tmp_path: Path, capsys) -> None:
    (tmp_path / "event").mkdir()
    (tmp_path / "event" / "snapshot.jpg").write_bytes(photo("dog.jpg").read_bytes())
    args = ["-c", str(config), "-e", "7", "-m", "2", "-p", str(tmp_path / "event"), "--explain"]
    for _ in range(2):
        assert detect.main([*args, "-O", "general.frame_id=snapshot"]) == DETECTED
    assert "dropped by cooldown" not in capsys.readouterr().out
    assert not (tmp_path / "state" / "history.sqlite").exists()
    assert not (tmp_path / "event" / "objdetect.jpg").exists()


def test_another_setting_can_be_tried(config: Path, photo, capsys) -> None:
    args = ["explain", "-c", str(config), "-f", str(photo("dog.jpg"))]
    assert main([*args, "-O", "general.detect_pattern=cat"]) == NOTHING
    said = " ".join(capsys.readouterr().out.split())
    assert "dropped by pattern: label does not match cat" in said


def test_no_picture(config: Path, tmp_path: Path, capsys) -> None:
    args = ["explain", "7", "-c", str(config), "-m", "2", "-p", str(tmp_path / "gone")]
    assert main([*args, "-O", "general.max_attempts=1"]) == UNDECIDED
    said = capsys.readouterr().out
    assert said.startswith("event 7 of monitor 2: undecided (no decision could be made)\nerror: ")


def test_a_file_that_is_missing_is_named_once(config: Path, tmp_path: Path, capsys, caplog) -> None:
    gone = tmp_path / "gone.jpg"
    assert main(["explain", "-c", str(config), "-f", str(gone)]) == UNDECIDED
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(f"{gone}: there is no such file") == 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_one_of_the_two_is_needed(config: Path, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", "-c", str(config)])
    assert caught.value.code == 2
    assert "give an event id" in capsys.readouterr().err


def test_a_wrong_configuration_is_one_line(tmp_path: Path, photo, capsys) -> None:
    args = ["-c", str(tmp_path / "gone.ini"), "-f", str(photo("dog.jpg")), "--explain"]
    assert detect.main(args) == UNDECIDED
    said = capsys.readouterr()
    assert said.out == ""
    assert "gone.ini" in said.err
    assert len(said.err.splitlines()) == 1
