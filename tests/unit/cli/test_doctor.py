"""`zmhook doctor`: its exit codes, its JSON, and configurations that are broken or not readable."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli import doctor as module
from zmhook.cli.doctor import become_owner_of_most, is_healthy
from zmhook.cli.main import main
from zmhook.doctor import environment
from zmhook.doctor.finding import fault, ok, unchecked, warning
from zmhook.errors import RightsError


@pytest.fixture(autouse=True)
def _quick(monkeypatch, short: Path):
    """Leave out what takes seconds; doctor/test_environment.py tests it."""
    monkeypatch.setenv("ZMHOOK_RUN", str(short))
    monkeypatch.setattr(environment, "checks", lambda _: [])


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (tmp_path / "data").mkdir(exist_ok=True)
        path = tmp_path / "o.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}/data\nbase_zm_conf_path = {tmp_path}\n{text}"
        )
        path.chmod(0o640)
        return str(path)

    return write


def findings(capsys, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    code = main(["doctor", *arguments, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["healthy"] is (code == 0)
    return code, {each["name"]: each for each in shown["findings"]}


def test_healthy(config, capsys):
    path = config("models = hog\n")
    assert main(["doctor", "-c", path]) == 0
    out = capsys.readouterr().out
    assert "✓ hog" in out
    assert "Nothing is wrong." in out or "All is well." in out


def test_a_fault_is_exit_code_1(config, capsys):
    code, found = findings(capsys, "-c", config("models = yolo\n"))
    assert code == 1
    assert found["files"]["state"] == "fault"
    assert "sudo zmhook models get yolox_s" in found["files"]["cure"]
    assert "yolo" not in found


def test_a_broken_configuration_is_examined_all_the_same(config, capsys):
    path = config("models = hog\nwait = soon\nportal = http://127.0.0.1:9/zm\n[yolo]\nweight = 1\n")
    code, found = findings(capsys, "-c", path)
    assert code == 1
    assert "wait: 'soon': expected a number" in found["settings"]["text"]
    assert found["portal"]["state"] == "fault"
    assert found["models"]["state"] == "unchecked"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models = hog\nthis is no setting\n", "neither a section, a key = value nor a comment"),
        ("models = hog\nportal = http://ann:hunter22@zm/zm\n", "without a user or password in it"),
    ],
)
def test_what_is_wrong_is_one_fault(text: str, says: str, config, capsys):
    assert main(["doctor", "-c", config(text), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)["findings"]
    (fault,) = [each for each in shown if each["state"] == "fault"]
    assert says in fault["text"]
    assert "portal is not set" not in json.dumps(shown)
    assert "hunter22" not in json.dumps(shown)


def test_a_configuration_that_is_not_there(tmp_path: Path, capsys):
    code, found = findings(capsys, "-c", str(tmp_path / "none.ini"))
    assert code == 1
    assert "none.ini" in found["settings"]["text"]
    assert found["the rest"]["state"] == "unchecked"


def test_a_configuration_that_is_not_there_where_zmhook_is_installed(
    tmp_path: Path, capsys, monkeypatch
):
    def refuse(config, owner: str):
        raise RightsError(f"/var/lib/zmeventnotification/state: it is {owner}'s")

    monkeypatch.setattr(module, "is_root", lambda: False)
    monkeypatch.setattr(module, "_step_down", lambda _: "")
    monkeypatch.setattr(module, "_owner", lambda _: "www-data")
    monkeypatch.setattr(module, "_refuse_without_rights", refuse)
    _, found = findings(capsys, "-c", str(tmp_path / "none.ini"))
    assert "none.ini" in found["settings"]["text"]


def test_no_secret_is_shown(config, capsys, endpoint):
    endpoint.answers = [(401, {}, b'{"data": {"name": "no hunter22hunter"}}')] * 9
    text = f"models = hog\nportal = {endpoint.url}/zm\nuser = ann\npassword = hunter22hunter\n"
    main(["doctor", "-c", config(text)])
    captured = capsys.readouterr()
    assert "hunter22" not in captured.out + captured.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_end_leaves_no_temporary_folder(number, config, tmp_path: Path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = config(f"models = hog\nportal = http://127.0.0.1:{silent.getsockname()[1]}/zm\n")
        doctor = subprocess.Popen(
            [sys.executable, "-m", "zmhook.cli.main", "doctor", "-c", path],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        connection, _ = silent.accept()  # it waits for the portal, in the middle of its checks
        with connection:
            doctor.send_signal(number)
            _, errors = doctor.communicate(timeout=60)
    assert doctor.returncode == 130
    assert b"interrupted" in errors
    assert [*temporary.iterdir()] == []


def test_one_event(config, capsys):
    _, found = findings(capsys, "-c", config("models = hog\n"), "--event", "12")
    assert found["ZoneMinder"]["group"] == "Event 12"


def test_nothing_is_sent_unless_it_is_asked_for(config, capsys, endpoint):
    path = config(f"models = hog\n[notify]\nnotify_webhook = {endpoint.url}/a\n")
    code, found = findings(capsys, "-c", path)
    assert [each.method for each in endpoint.got] == []
    code, found = findings(capsys, "-c", path, "--send")
    assert [each.method for each in endpoint.got] == ["POST"]
    assert code == 0
    assert found["webhook"]["text"] == "a test message was sent: did it arrive?"


def test_an_override_counts(config, capsys):
    _, found = findings(capsys, "-c", config("models = yolo\n"), "-O", "general.models=hog")
    assert "yolo" not in found


def test_health():
    assert is_healthy([ok("a", ""), warning("b", ""), unchecked("c", "")])
    assert not is_healthy([fault("a", "")])


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_root_becomes_the_owner_of_most(tmp_path: Path, monkeypatch):
    became = []
    monkeypatch.setattr(module, "become_owner", became.append)
    folders = [tmp_path / name for name in "abc"]
    for folder, uid in zip(folders, (1, 2, 2), strict=True):
        folder.mkdir()
        os.chown(folder, uid, uid)
    become_owner_of_most([*folders, tmp_path / "none"])
    assert became == folders[1:]
    became.clear()
    become_owner_of_most([])
    assert became == []


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_a_root_who_cannot_step_down_leaves_the_data_alone(
    config, capsys, monkeypatch, tmp_path: Path
):
    path = config("models = hog\n")
    state = tmp_path / "data" / "state"
    state.mkdir()
    os.chown(state, 1, 1)

    def refuse(*_: object) -> None:
        raise RightsError("/venv: daemon may not read that")

    monkeypatch.setattr(module, "become_owner", refuse)
    code, found = findings(capsys, "-c", path)
    assert code == 1
    assert found["rights"]["text"] == "/venv: daemon may not read that"
    assert {*found} == {"rights", "settings", "files", "the rest"}
    assert [*state.parent.iterdir()] == [state]


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_a_user_who_may_not_see_the_data(config, capsys, monkeypatch, tmp_path: Path):
    path = config("models = hog\n")
    state = tmp_path / "data" / "state"
    state.mkdir()
    for folder in (state.parent, state):
        os.chown(folder, 1, 1)
    state.chmod(0o700)
    monkeypatch.setattr(module, "is_root", lambda: False)
    monkeypatch.setattr(module, "become_owner", lambda *_: None)
    monkeypatch.setattr(Path, "stat", _refusing(state, Path.stat))
    assert main(["doctor", "-c", path]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{state}: permission denied: it is daemon's" in captured.err


def _refusing(folder: Path, stat: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    def refuse(self: Path, **options: bool) -> os.stat_result:
        if folder in self.parents:
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **options)

    return refuse
