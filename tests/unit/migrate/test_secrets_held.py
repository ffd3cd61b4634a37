"""Secrets that stand where they were not expected are never repeated."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.migrate import Migrated, migrate

HELD = """
[{name}]
ZM_USER = anna-lena
ZM_PASSWORD = pw-#one
MQTT_LOGIN = anna-lena:pw-two
DOORBELL = pw-three
"""
VALUES = re.compile(r"anna-lena|pw-")
GENERAL = "[general]\nuser = !ZM_USER\npassword = !ZM_PASSWORD\nremark = pw-three\n"


def everything(done: Migrated) -> str:
    return "\n".join([done.text, *map(str, done.lost.items()), *done.notes, *done.problems])


@pytest.fixture
def old(tmp_path: Path) -> Callable[[str], Path]:
    def old(text: str, name: str = "old.ini") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o640)
        return tmp_path / name

    return old


@pytest.mark.parametrize("name", ["secrets", "Secrets", "SECRETS"])
@pytest.mark.parametrize("named", ["", "secrets = old.ini\n", "secrets = gone.ini\n"])
@pytest.mark.parametrize("more", ["", "[object]\nobject_min_confidence = 0.4\n"])
def test_of_the_file_itself(old, name: str, named: str, more: str) -> None:
    text = GENERAL.replace("[general]\n", f"[general]\n{named}") + more + HELD.format(name=name)
    path = old(text)
    assert not VALUES.search(everything(migrate(str(path))))
    done = migrate(str(path), "", str(path.parent / "new.ini"))
    assert not VALUES.search(everything(done))
    assert "ZM_PASSWORD=pw-#one" in (done.secrets or "")
    assert "DOORBELL" not in (done.secrets or "")
    assert done.problems == []


UNNAMED = (
    "secrets in the file itself had no effect, as no key secrets names a file: --secrets FILE takes"
    " those that are used"
)
OTHER = "secrets in the file itself had no effect: another file is named for them"
UNUSED = "secrets that no key names stay where they are"
IN_YAML = """general: {portal: "!ZM_PORTAL", password: "!ZM_PASSWORD"}
secrets: {ZM_PORTAL: "https://zm/zm", ZM_PASSWORD: pw-in-yaml, OTHER: pw-other}
monitors: {3: {general: {user: "!ZM_USER"}}}
"""


def shown(done: Migrated) -> dict[str, str]:
    """Why secrets of the file itself are not carried over, and what is shown of them."""
    groups = done.lost.items()
    return {why: one.shown for why, group in groups for one in group if one.location == "[secrets]"}


@pytest.mark.parametrize(
    ("general", "why"),
    [("", UNNAMED), ("secrets =\n", UNNAMED), ("secrets = {other}\n", OTHER)],
)
def test_the_true_reason(old, general: str, why: str) -> None:
    other = old("[secrets]\nZM_PASSWORD = pw-two\n", "other.ini")
    named = general.format(other=other)
    path = old(f"[Secrets]\nZM_PASSWORD = pw-one\n[general]\n{named}password = !ZM_PASSWORD\n")
    assert shown(migrate(str(path))) == {why: "1 value, not shown"}


def test_those_that_no_key_names_a_file_for_are_taken_out(old) -> None:
    path = old(IN_YAML.replace("OTHER", "ZM_USER: anna-lena, OTHER"), "objectconfig.yml")
    done = migrate(str(path), "", str(path.parent / "new.ini"))
    for line in ("secrets = new.ini", "portal = !ZM_PORTAL", "password = !ZM_PASSWORD"):
        assert f"\n{line}\n" in done.text
    assert done.secrets == (
        "[secrets]\nZM_PORTAL=https://zm/zm\nZM_PASSWORD=pw-in-yaml\nZM_USER=anna-lena\n"
    )
    assert shown(done) == {UNUSED: "1 value, not shown"}
    assert done.problems == []


def test_a_token_that_is_nowhere_is_named(old) -> None:
    path = old(IN_YAML, "objectconfig.yml")
    target = str(path.parent / "new.ini")
    done = migrate(str(path), "", target)
    assert f"!ZM_USER is in no secrets file: add it to {target}" in done.notes


def test_the_old_file_goes_on_to_be_named(old) -> None:
    path = old(
        GENERAL.replace("remark = pw-three", "secrets = before.ini") + HELD.format(name="secrets")
    )
    done = migrate(str(path), str(path.parent / "objectconfig.ini"))
    assert done.problems == []
    assert f"secrets = {path}\n" in done.text
    assert f"{path} has to stay, for its secrets: --secrets FILE takes them" in done.notes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("secrets.ini", HELD.format(name="secrets")),
        ("secrets.ini", HELD.format(name="Secrets")),
        ("secrets.yml", "secrets:\n  ZM_USER: anna-lena\n  DOORBELL: pw-three\n"),
    ],
)
def test_a_secrets_file_is_refused(old, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        migrate(str(old(text, name)))
    assert "holds secrets alone: give the configuration that names it" in str(caught.value)
    assert not VALUES.search(str(caught.value))


@pytest.mark.parametrize(
    "text",
    [
        "ZM_USER: anna-lena\nDOORBELL: pw-three\n",
        "general: {wait: 1}\nsecrets: {ZM_USER: anna-lena, DOORBELL: [pw-three]}\n",
        "general: {my_secrets: {a: pw-three}, logins: [anna-lena]}\n",
    ],
)
def test_of_yaml(old, text: str) -> None:
    assert not VALUES.search(everything(migrate(str(old(text, "objectconfig.yml")))))


def test_twice_the_same(old) -> None:
    with pytest.raises(SettingsError) as caught:
        migrate(str(old(f"{HELD.format(name='secrets')}DOORBELL = pw-four\nno value\n")))
    assert not VALUES.search(str(caught.value))


def test_a_missing_secrets_file_is_named(old) -> None:
    path = old("[general]\nsecrets = gone.ini\nportal = !ZM_PORTAL\n")
    gone = str(path.parent / "gone.ini")
    done = migrate(str(path))
    assert f"the old secrets file {gone}: cannot be read: No such file or directory" in done.notes
    assert f"{gone}: cannot be read: No such file or directory" in done.problems


def test_ngs_start_command_is_warned_of(old) -> None:
    path = old("general: {wait: 1}\n", "objectconfig.yml")
    (note,) = [note for note in migrate(str(path)).notes if "EventStartCommand" in note]
    assert "zm_event_start.sh %EID% %MID% '' %EC% there" in note
