"""`zmhook doctor` on a real ZoneMinder: all is well, and faults that are planted in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.zoneminder

LIMITED = "limited"


class Installation:
    """A configuration and data of the web server's user, examined as root."""

    def __init__(self, zm, folder: Path, weights: Path, program) -> None:
        self.zm, self.folder, self.weights, self.program = zm, folder, weights, program
        folder.chmod(0o755)
        (folder / "bin").mkdir()
        for name in ("data", "data/state", "data/run", "data/known_faces"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "www-data", "www-data")
        self.settings = {"user": "admin", "password": "admin", "portal": zm.url, "models": "hog"}
        self.more = ""

    @property
    def config(self) -> Path:
        return self.folder / "objectconfig.ini"

    def examine(self, *arguments: object) -> tuple[int, dict[str, dict[str, str]], str]:
        """Return the exit code, the findings by name, and all that was printed."""
        lines = "".join(f"{key} = {value}\n" for key, value in self.settings.items())
        self.config.write_text(
            f"[general]\nbase_data_path = {self.folder}/data\n"
            f"base_zm_conf_path = {self.zm.known['conf']}\n{lines}{self.more}"
        )
        self.config.chmod(0o640)
        shutil.chown(self.config, "root", "www-data")
        command = [self.program.python, "-m", "zmhook.cli.main", "doctor", "--json"]
        done = subprocess.run(
            [*command, "-c", self.config, *map(str, arguments)],
            env={
                "PATH": "/usr/bin:/bin",
                "ZMHOOK_RUN": f"{self.folder}/data/run",
                **self.program.env,
            },
            cwd="/", capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        found = json.loads(done.stdout)["findings"]
        return done.returncode, {each["name"]: each for each in found}, done.stdout


@pytest.fixture
def installation(zm, model, program) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
        yield Installation(zm, Path(folder), model("yolov8n.onnx"), program)


@pytest.fixture
def user(zm) -> Iterator[Callable[..., None]]:
    """Make a user, with the password of `admin`, who may see only some monitors."""

    def make(*, events: str = "Edit", monitors: str = "") -> None:
        zm.sql(
            "INSERT INTO Users (Username, Password, Enabled, APIEnabled, Events, Monitors,"
            f" MonitorIds) SELECT '{LIMITED}', Password, 1, 1, '{events}', 'View', '{monitors}'"
            " FROM Users WHERE Username='admin'"
        )

    yield make
    zm.sql(f"DELETE FROM Users WHERE Username='{LIMITED}'")


@pytest.fixture
def calls(zm) -> Iterator[Callable[[str], None]]:
    """Have ZoneMinder run a command in a filter, which zmfilter.pl never comes to."""

    def add(command: str) -> None:
        quoted = command.replace("\\", "\\\\").replace("'", "''")
        zm.sql(
            "INSERT INTO Filters SET Name='of the doctor', Query_json='{}', AutoExecute=1,"
            f" Background=1, AutoExecuteCmd='{quoted}'"
        )

    yield add
    zm.sql("DELETE FROM Filters WHERE Name='of the doctor'")


def monitor(zm, name: str) -> str:
    return f"monitor {zm.monitors[name]}"


def test_all_is_well(installation, zm, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    code, findings, printed = installation.examine()
    faults = [each["text"] for each in findings.values() if each["state"] == "fault"]
    assert faults == []
    assert code == 0
    version = ".".join(map(str, zm.version))
    assert f"the API of ZoneMinder {version} works" in findings["login"]["text"]
    text = findings[monitor(zm, "still")]["text"]
    assert f"event {event.id}: snapshot 640x480, 1 zone, " in text
    assert text.endswith("editable")
    assert findings["database"]["text"].endswith(f"it is of ZoneMinder {version}")
    assert findings["time zone"]["state"] == "ok"
    assert findings["clock"]["state"] == "ok"
    assert findings["log"]["state"] == "ok"
    assert "admin" not in printed.replace("user admin", "")


def test_nothing_is_changed(installation, zm, recorded_event, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    before = zm.rows(f"SELECT * FROM Events WHERE Id={event.id}")
    files = sorted(installation.folder.rglob("*"))
    installation.examine()
    assert zm.rows(f"SELECT * FROM Events WHERE Id={event.id}") == before
    assert {*installation.folder.rglob("*")} - {*files} == {installation.config}


def test_a_wrong_password(installation) -> None:
    installation.settings["password"] = "wr0ng-0ne-of-all"
    code, findings, printed = installation.examine()
    assert code == 1
    assert findings["portal"]["state"] == "ok"
    assert "refused to log in user 'admin'" in findings["login"]["text"]
    assert "user and password" in findings["login"]["cure"]
    assert "wr0ng" not in printed


def test_a_user_without_rights_on_one_monitor(installation, zm, user) -> None:
    user(monitors=zm.monitors["still"])
    installation.settings["user"] = LIMITED
    code, findings, _ = installation.examine()
    assert code == 1
    hidden = findings[monitor(zm, "yard")]
    assert hidden["state"] == "fault"
    assert f"ZoneMinder's user '{LIMITED}' may not see it" in hidden["text"]
    assert f"user {LIMITED}: allow this monitor" in hidden["cure"]
    assert findings[monitor(zm, "still")]["state"] != "fault"


def test_a_user_who_may_not_edit(installation, zm, user, recorded_event, photo) -> None:
    recorded_event(photo("dog.jpg"))
    user(events="View")
    installation.settings |= {"user": LIMITED, "write_notes": "yes"}
    code, findings, _ = installation.examine()
    assert code == 1
    assert "may not edit its events" in findings[monitor(zm, "still")]["text"]
    assert findings[monitor(zm, "still")]["cure"].endswith("Events: Edit")


def test_a_portal_of_another_program(installation, zm) -> None:
    installation.settings["portal"] = zm.url.removesuffix("/zm") + "/other"
    code, findings, _ = installation.examine()
    assert code == 1
    assert "is not ZoneMinder's API" in findings["portal"]["text"]
    assert "set portal" in findings["portal"]["cure"]


def test_a_hook_line_with_wrong_quoting(installation, calls) -> None:
    hook = installation.folder / "bin" / "zm_event_start.sh"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    calls(f"{hook} '%EI% 1' ''")
    code, findings, _ = installation.examine()
    assert code == 1
    assert findings["calls"]["state"] == "fault"
    assert "the first argument is not the event's number" in findings["calls"]["text"]
    assert f"its Execute command: sh -c '{hook} " in findings["calls"]["cure"]


def test_a_folder_of_another_owner(installation) -> None:
    state = installation.folder / "data" / "state"
    shutil.chown(state, "mysql", "mysql")
    code, findings, _ = installation.examine()
    assert code == 1
    assert f"{state}: is owned by another account (owner mysql" in findings["rights"]["text"]
    assert f"{state}: belongs to mysql" in findings["owners"]["text"]
    assert findings["owners"]["cure"] == f"sudo chown -R www-data: {state}"
    assert findings["login"]["state"] == "ok"  # the rest is checked all the same


def test_one_event(installation, zm, recorded_event, photo) -> None:
    event = recorded_event(photo("person.jpg"))
    _, findings, _ = installation.examine("--event", event.id)
    assert findings["ZoneMinder"]["text"].startswith(f"monitor {event.monitor_id}, began ")
    assert findings["pictures"]["text"] == "alarm 640x480, snapshot 640x480"
    assert "the hook was not called" in findings["hook"]["text"]
    assert findings["decision"]["text"].startswith("if the hook is called now: ")
    _, findings, _ = installation.examine("--event", 99999999)
    assert findings["ZoneMinder"]["state"] == "fault"
