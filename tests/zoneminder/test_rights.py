"""What users of a real ZoneMinder get who may do this and not that, and what they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, LoginError, PortalError
from zmhook.event import Event
from zmhook.frames.base import waited_for
from zmhook.frames.sources import open_source
from zmhook.report.tags import write_tags
from zmhook.settings import Settings
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.zoneminder

ALL = {"picture", "row", "notes", "monitor", "zones", "tags"}
EDIT = {"Events": "Edit", "Monitors": "View"}
VIEW = {"Events": "View", "Monitors": "View"}

# Rights, the right for this monitor, what the user gets: of 1.38, where pictures have rights, too.
USERS = [
    (VIEW, "", ALL - {"notes"}),
    (EDIT, "", ALL),
    (EDIT, "None", {"zones", "tags"}),
    (EDIT, "View", ALL),
    ({"Events": "Edit"}, "Edit", ALL - {"zones"}),
    ({"Snapshots": "View", "Monitors": "View"}, "", {"monitor", "zones", "tags"}),
    ({"Monitors": "View"}, "", {"monitor", "zones"}),
]


@pytest.fixture
def user(zm) -> Iterator[Callable[..., str]]:
    """Make a user called `limited`, with the password of `admin`."""

    def make(rights: dict[str, str], of_monitor: str, monitor_id: int) -> str:
        given = {"Events": "None", "Monitors": "None", "Snapshots": "None", **rights}
        columns = ", ".join(f"`{name}`" for name in given)
        values = ", ".join(f"'{value}'" for value in given.values())
        zm.sql(
            f"INSERT INTO Users (Username, Password, Enabled, APIEnabled, {columns})"
            f" SELECT 'limited', Password, 1, 1, {values} FROM Users WHERE Username='admin'"
        )
        if of_monitor:
            zm.sql(
                "INSERT INTO Monitors_Permissions (MonitorId, UserId, Permission)"
                f" SELECT {monitor_id}, Id, '{of_monitor}' FROM Users WHERE Username='limited'"
            )
        return "limited"

    yield make
    zm.sql("DELETE FROM Users WHERE Username='limited'")


@pytest.fixture
def needs_1_38(zm) -> None:
    if zm.version < (1, 38, 4):
        pytest.skip("optional: rights for single monitors, of pictures too, are 1.38's")


@pytest.fixture
def gets(general, recorded_event, photo) -> Callable[[str], tuple[set[str], dict[str, str]]]:
    """What a user gets, and what is said about the rest."""
    event = recorded_event(photo("dog.jpg"))

    def try_all(user: str) -> tuple[set[str], dict[str, str]]:
        portal = Portal(general(user=user))
        asking = {
            "picture": lambda: portal.image(event.id, "snapshot"),
            "row": lambda: portal.event(event.id),
            "notes": lambda: portal.set_notes(event.id, "Forced Web: "),
            "monitor": lambda: portal.monitor(event.monitor_id),
            "zones": lambda: portal.zones(event.monitor_id),
            "tags": lambda: write_tags(portal, event.id, ["dog"]),
        }
        errors: dict[str, PortalError] = {}
        for name, ask in asking.items():
            try:
                ask()
            except PortalError as error:
                errors[name] = error
        portal.close()
        assert not any(error.retry for error in errors.values()), errors
        return set(asking) - set(errors), {name: str(error) for name, error in errors.items()}

    return try_all


@pytest.mark.usefixtures("needs_1_38")
@pytest.mark.parametrize(("rights", "of_monitor", "expected"), USERS)
def test_what_a_user_gets(
    zm, user, gets, rights: dict[str, str], of_monitor: str, expected: set[str]
) -> None:
    name = user(rights, of_monitor, int(zm.monitors["still"]))
    got, said = gets(name)
    assert got == expected, said
    needs = {
        "picture": "needs Events: View",
        "row": "needs Events: View",
        "notes": "needs Events: Edit",
        "monitor": "needs Monitors: View, and not None for this monitor",
        "zones": "needs Monitors: View, for all",
        "tags": "needs Events: View",
    }
    for what, text in said.items():
        assert needs[what] in text
        assert "limited" in text


@pytest.mark.usefixtures("needs_1_38")
def test_rights_of_a_role_alone(zm, user, gets) -> None:
    role = "INSERT INTO User_Roles (Name, Events, Monitors, Snapshots) VALUES"
    zm.sql(f"{role} ('tests', 'Edit', 'Edit', 'Edit')")
    try:
        name = user({}, "", int(zm.monitors["still"]))
        zm.sql(
            "UPDATE Users SET RoleId=(SELECT Id FROM User_Roles WHERE Name='tests')"
            " WHERE Username='limited'"
        )
        got, said = gets(name)
    finally:
        zm.sql("DELETE FROM Users WHERE Username='limited'")
        zm.sql("DELETE FROM User_Roles WHERE Name='tests'")
    assert not got & {"picture", "row", "notes", "zones"}
    assert "a role's rights do not count" in said["row"]


@pytest.mark.usefixtures("needs_1_38")
def test_an_event_that_may_not_be_seen_is_asked_for_once(
    zm, user, general, recorded_event, photo, tmp_path: Path
) -> None:
    event = recorded_event(photo("dog.jpg"))
    name = user(EDIT, "None", event.monitor_id)
    before = len(zm.requests(f"eid={event.id}"))
    settings = Settings(general=general(user=name, sleep_between_attempts=0.1))
    source = open_source(Event(id=event.id, monitor_id=event.monitor_id), settings, Deadline(30))
    for frame_id in ("alarm", "snapshot"):
        with pytest.raises(LoginError, match=r"needs Events: View, and not None for its monitor"):
            waited_for(source, frame_id, Deadline(30))
    source.close()
    assert len(zm.requests(f"eid={event.id}")) - before == 1
    with pytest.raises(LoginError):
        Portal(general(user=name)).event_folder(event.id)


@pytest.mark.usefixtures("needs_1_38")
def test_nothing_is_written_beside_the_events(
    zm, user, recorded_event, photo, model, root: Path, tmp_path: Path
) -> None:
    """The row of an event that may not be seen names the folder of all events as its own."""
    event = recorded_event(photo("dog.jpg"))
    name = user(EDIT, "None", event.monitor_id)
    config = tmp_path / "objectconfig.ini"
    config.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
        f"portal = {zm.url}\nuser = {name}\npassword = admin\nmodels = yolo\n"
        f"[yolo]\nweights = {model('yolov8n.onnx')}\n[service]\nuse_service = no\n"
    )
    (event.path / "objdetect.jpg").unlink(missing_ok=True)

    command = [sys.executable, root / "bin" / "zm_detect.py", "-c", config, "-e", str(event.id)]
    command += ["-m", str(event.monitor_id), "-f", photo("dog.jpg")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert said.returncode == 0, said.stderr
    assert list(Path(zm.known["events"]).glob("obj*")) == []
    assert not (event.path / "objdetect.jpg").exists()
    logged = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert "needs Events: View, and not None for its monitor" in logged


def test_an_event_that_is_not_there_yet_may_come(zm, general) -> None:
    portal = Portal(general())
    with pytest.raises(FrameUnavailable) as caught:
        portal.image(987_655, "snapshot")
    portal.close()
    assert caught.value.retry
