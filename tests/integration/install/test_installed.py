"""What install.sh makes: whose it is, who may change it, and that it works."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

DATA = {
    "images": 0o750,
    "known_faces": 0o750,
    "unknown_faces": 0o750,
    "snapshots": 0o750,
    "state": 0o750,
    "logs": 0o750,
    "cache": 0o700,
    "run": 0o770,
    "models": 0o755,
}
SCRIPTS = {
    "zmhook",
    "zm_ask.pl",
    "zm_ask.py",
    "zm_detect.py",
    "zm_snapshots.py",
    "zm_train_faces.py",
    "zm_event_start.sh",
    "zm_event_end.sh",
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folders_belong_to_the_web_servers_user(installed, user: str):
    for name, expected in DATA.items():
        folder = installed.base / name
        assert (mode(folder), folder.owner()) == (expected, user)


def test_nobody_but_root_can_change_what_runs(installed):
    assert {path.name for path in (installed.base / "bin").iterdir()} == SCRIPTS
    runs = [installed.base, installed.base / "bin", *(installed.base / "bin").iterdir()]
    runs += [installed.base / "venv", installed.base / "venv/bin/python"]
    for path in runs:
        assert mode(path) == 0o755
        assert path.lstat().st_uid == os.geteuid()  # Python may be a link to root's


def test_secrets_are_for_root_and_the_group_only(installed, user: str):
    secrets = installed.etc / "secrets.ini"
    assert mode(secrets) == 0o640
    if os.geteuid() == 0:
        assert (secrets.owner(), secrets.group()) == ("root", user)
    assert mode(installed.etc / "objectconfig.ini") == 0o644


def test_the_command_and_the_configuration_work_for_that_user(installed, as_user):
    done = as_user([installed.command, "config", "check", "-c", installed.etc / "objectconfig.ini"])
    assert done.returncode == 0, done.stderr
    assert as_user([installed.command, "--version"]).stdout.startswith("zmhook ")


def test_the_hook_finds_its_environment_and_answers(
    installed, as_user, photo, public: Path, wait_until
):
    event = public / "event"
    event.mkdir(mode=0o755)
    config = event / "objectconfig.ini"
    config.write_text(
        f"[general]\nbase_data_path = {installed.base}\nmodels = hog\n"
        f"base_zm_conf_path = {event}\nwrite_image_to_zm = no\n[hog]\nhog_min_confidence = 0.1\n"
    )
    (event / "snapshot.jpg").write_bytes(photo("person.jpg").read_bytes())
    hook = installed.base / "bin/zm_event_start.sh"
    done = as_user([hook, "1", "1", "Door", "Motion", event], ZMHOOK_CONFIG=str(config))
    assert done.returncode == 0, done.stderr
    assert "detected:person" in done.stdout
    assert done.stdout.count("\n") == 1

    def service(*what: str) -> subprocess.CompletedProcess[str]:
        return as_user([installed.command, "service", *what, "-c", config])

    wait_until(lambda: service("status").returncode == 0)
    again = as_user([hook, "2", "1", "Door", "Motion", event], ZMHOOK_CONFIG=str(config))
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert json.loads(service("status", "--json").stdout)["events"] == {"alarm": 1}
    assert "has stopped" in service("stop").stdout
    assert service("status").returncode == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
@pytest.mark.parametrize("what", [["service", "restart"], ["serve"]])
def test_a_service_that_root_starts_is_the_web_servers(
    what: list[str], installed, as_user, login, user: str, wait_until
):
    """Else root, trying something once, would lock the web server's hooks out for good."""
    config = installed.etc / "objectconfig.ini"
    command = [installed.command, *what, "-c", config]
    about = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": "/"}
    with subprocess.Popen(command, env=login(), **about) as started:
        status = [installed.command, "service", "status", "--json", "-c", config]
        wait_until(lambda: as_user(status).returncode == 0)
        pid = json.loads(as_user(status).stdout)["pid"]
        ids = Path(f"/proc/{pid}/status").read_text("ascii").partition("Uid:")[2].split()[:4]
        assert ids == [str(pwd.getpwnam(user).pw_uid)] * 4
        assert {path.owner() for path in (installed.base / "run").iterdir()} == {user}
        assert as_user([installed.command, "service", "stop", "-c", config]).returncode == 0
        assert started.wait(400) == 0


def test_a_second_run_changes_nothing_and_says_so(install, installed):
    before = installed.states()
    done = install(installed.prefix, "--yes", "--no-models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was changed" in done.stdout
    assert installed.states() == before


def test_a_dry_run_changes_nothing(install, tmp_path: Path, user: str):
    done = install(tmp_path, "--dry-run", "--user", user)
    assert (done.returncode, done.stderr) == (0, "")
    assert "would make the folder" in done.stdout
    assert "Nothing was changed" in done.stdout
    assert list(tmp_path.iterdir()) == []
