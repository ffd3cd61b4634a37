"""The hook's command: its arguments, and what it does when something is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.cli import detect


@pytest.mark.parametrize(("on_failure", "code"), [("alarm", 0), ("silence", 2)])
def test_wrong_configuration_fails_as_it_says_itself(
    root: Path, tmp_path: Path, on_failure: str, code: int
) -> None:
    (tmp_path / "a.ini").write_text(
        f"[general]\nbase_data_path={tmp_path}\nbase_zm_conf_path={tmp_path}\n"
        f"wat=1\n[monitor-3]\non_failure={on_failure}\n"
    )
    command = [sys.executable, root / "bin" / "zm_detect.py", "-c", tmp_path / "a.ini"]
    done = subprocess.run(
        [*command, "-e", "1", "-m", "3"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(root / "hook"), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == code
    assert "wat: unknown key; did you mean 'wait'?" in done.stderr
    assert ("wat: unknown key" in done.stdout) is (on_failure == "alarm")


def test_wrong_configuration_begins_no_history(root: Path, tmp_path: Path) -> None:
    """Such as root's before anything was installed, to which nobody else could write."""
    base = tmp_path / "data"
    (tmp_path / "a.ini").write_text(
        f"[general]\nbase_data_path={base}\nbase_zm_conf_path={tmp_path}\nwat=1\n"
    )
    command = [sys.executable, root / "bin" / "zm_detect.py", "-c", tmp_path / "a.ini", "-e", "1"]
    environment = {"PYTHONPATH": str(root / "hook"), "LC_ALL": "C.UTF-8"}
    for _ in range(2):  # the first may make the folder of the log
        done = subprocess.run(command, capture_output=True, timeout=60, env=environment)
        assert done.returncode == 2
        assert not (base / "state").exists()
    (base / "state").mkdir()
    subprocess.run(command, capture_output=True, timeout=60, env=environment)
    assert (base / "state" / "history.sqlite").exists()


def test_a_bug_on_the_way_to_the_service_costs_no_decision(
    root: Path, tmp_path: Path, photo, model
) -> None:
    """Asking the service is a short cut; whatever fails there, the event is decided here."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'zmhook.cli.ask': raise RuntimeError('half installed')\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    (tmp_path / "a.ini").write_text(
        f"[general]\nbase_data_path={tmp_path}\nbase_zm_conf_path={tmp_path}\n"
        f"[yolo]\nweights={model('yolox_nano_416.onnx')}\n"
    )
    (tmp_path / "snapshot.jpg").write_bytes(photo("dog.jpg").read_bytes())
    command = [sys.executable, root / "bin" / "zm_detect.py", "-c", tmp_path / "a.ini"]
    done = subprocess.run(
        [*command, "-p", tmp_path, "-e", "1", "--ask-service", "-O", "general.frame_id=snapshot"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": f"{tmp_path}", "LC_ALL": "C.UTF-8"},
    )
    assert done.stdout.startswith("[s] detected:dog"), done.stderr
    assert done.returncode == 0


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "event", "monitor"),
    [
        (["7", "2"], "7", "2"),
        (["7"], "7", ""),
        (["7", "-m", "2"], "7", "2"),
        (["-e", "7", "-m", "2"], "7", "2"),
        (["--eventid=7", "--monitorid=2"], "7", "2"),
        (["--event", "7", "--monitor", "2"], "7", "2"),
    ],
)
def test_an_event_is_named_by_position_or_by_flag(argv, event: str, monitor: str) -> None:
    args = detect.parse(argv)
    assert (args.event, args.monitor, args.unknown) == (event, monitor, "")


def test_a_script_takes_no_value_of_an_unknown_flag_for_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["/opt/bin/zm_detect.py"])
    args = detect.parse(["--live", "9", "-e", "7"])
    assert (args.program, args.event, args.unknown) == ("zm_detect.py", "7", "--live, 1 more")


@pytest.mark.parametrize("argv", [["--monitro", "5", "22"], ["9", "-e", "7"], ["7", "2", "1"]])
def test_a_command_refuses_what_it_does_not_know(argv, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        detect.parse(argv)
    assert ended.value.code == 2
    assert "zmhook detect: unknown arguments: " in capsys.readouterr().err


def test_a_misspelt_flag_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        detect.main(["--evntid", "--explan"])
    assert ended.value.code == 2
    text = capsys.readouterr().err
    assert "unknown arguments: --evntid, --explan; did you mean '--event'?" in text
