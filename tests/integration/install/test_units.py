"""What is written for systemd, and what it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from zmhook.service.paths import socket_name

pytestmark = pytest.mark.integration


def test_the_units_for_systemd_are_right_and_are_remembered(offline, least, user: str):
    folder = least.prefix / "etc/systemd/system"
    named = () if os.geteuid() == 0 else ("--user", user)  # only root's files remember it
    done = offline(least.prefix, "--systemd", *named)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Note: systemd does not run here" in done.stdout
    names = (
        "zmhook.socket",
        "zmhook.service",
        "zmhook-snapshots.service",
        "zmhook-watch.service",
    )
    units = [folder / name for name in names]
    text = "".join(unit.read_text("utf-8") for unit in units)
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    config = least.etc / "objectconfig.ini"
    socket = f"/run/zmhook/{socket_name(config)}.sock"
    assert f"ListenStream={socket}" in settings
    assert f"User={user}" in settings
    program = f"ExecStart={least.venv}/bin/zmhook"
    assert f"{program} serve --replace --config {config} --socket {socket}" in settings
    assert f"{program} snapshots run --config {config}" in settings
    assert f"{program} watch run --config {config}" in settings
    assert f"WorkingDirectory={least.base}" in settings
    assert not any("@" in line for line in settings)
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(
            ["systemd-analyze", "verify", *units], capture_output=True, text=True
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

    again = offline(least.prefix, *named)
    assert "nothing was changed" in again.stdout


@pytest.mark.parametrize(
    ("parts", "enabled", "calls"),
    [
        ("yolo,mqtt", False, ["daemon-reload", "enable", "restart"]),
        ("all", False, ["daemon-reload", "enable", "restart"]),
        ("yolo,notify", False, ["is-enabled"]),
        ("yolo", True, ["is-enabled", "disable"]),
    ],
)
def test_systemd_collects_snapshots_where_the_part_for_it_is_installed(
    parts: str, enabled: bool, calls: list[str], sourced, tmp_path: Path
):
    """There is no systemd in these tests, so a script that notes what it is told stands in."""
    calls_file = tmp_path / "calls"
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >>{calls_file}\n'
        f"case $* in *is-enabled*) exit {int(not enabled)} ;; esac\n"
    )
    stand_in.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = sourced(f"EXTRAS={parts}; collector; echo $CHANGES", PATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str(int(calls[-1] != "is-enabled"))
    lines = [line.replace("-q ", "") for line in calls_file.read_text().splitlines()]
    assert [line.split()[0] for line in lines] == calls
    assert all("zmhook-snapshots.service" in line for line in lines if line != "daemon-reload")


@pytest.mark.parametrize("enabled", [False, True])
def test_systemd_restarts_the_watch_where_it_is_enabled(enabled: bool, sourced, tmp_path: Path):
    """Nobody else may enable it: beside a notification server it would do everything twice."""
    calls = tmp_path / "calls"
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >>{calls}\n'
        f"case $* in *is-enabled*) exit {int(not enabled)} ;; esac\n"
    )
    stand_in.chmod(0o755)
    done = sourced("watch; echo $CHANGES", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str(int(enabled))
    asked = "-q is-enabled zmhook-watch.service"
    restarted = ["restart zmhook-watch.service"] if enabled else []
    assert calls.read_text().splitlines() == [asked, *restarted]
