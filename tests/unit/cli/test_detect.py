from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


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
