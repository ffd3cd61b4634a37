"""The files that are shipped: complete, right as they are, and true about the defaults."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from zmhook.gate.alarm_rules import ALARM_RULES
from zmhook.gate.rules import DETECTION_RULES
from zmhook.settings import load
from zmhook.settings.hints import written
from zmhook.settings.keys import OBSOLETE, keys

# Set rather than commented out, since only the user knows them or most want something else.
SET = {"secrets", "portal", "user", "password", "models", "detect_pattern"}


@pytest.fixture
def shipped(root: Path) -> str:
    return (root / "objectconfig.ini").read_text(encoding="utf-8")


def entries(text: str) -> dict[str, dict[str, tuple[bool, str]]]:
    """Per section, each key: whether it is commented out, and its value."""
    found: dict[str, dict[str, tuple[bool, str]]] = {}
    section = ""
    for line in text.splitlines():
        if header := re.fullmatch(r"(#?)\[([\w-]+)\]", line):
            section = header[2]
            found[section] = {}
        elif entry := re.fullmatch(r"(#?)(\w+) =(?: (.*))?", line):
            assert entry[2] not in found[section], entry[2]
            found[section][entry[2]] = (bool(entry[1]), entry[3] or "")
    return found


def test_every_key_is_in_its_section(shipped: str) -> None:
    there = entries(shipped)
    for key in keys().values():
        assert key.name in there[key.section], f"[{key.section}] {key.name} is missing"
    for section in {key.section for key in keys().values()}:
        assert set(there[section]) <= set(keys())


def test_commented_values_are_the_defaults(shipped: str) -> None:
    there = entries(shipped)
    for key in keys().values():
        commented, text = there[key.section][key.name]
        assert commented is (key.name not in SET), key.name
        if commented:
            assert text == written(key, key.default), key.name


def test_comments_are_told_from_keys(shipped: str) -> None:
    for line in shipped.splitlines():
        assert len(line) <= 100
        assert re.match(r"$|# |#$|#?\[[\w-]+\]$|#?\w+ =", line), line


def test_right_as_shipped(shipped: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "objectconfig.ini").write_text(shipped, encoding="utf-8")
    shutil.copy(root / "secrets.ini.example", tmp_path / "secrets.ini")
    (tmp_path / "secrets.ini").chmod(0o640)
    config = load(tmp_path / "objectconfig.ini")
    general = config.general.general
    assert config.warnings == []
    assert general.portal == "http://localhost/zm"
    assert (general.user, bool(general.password)) == ("", False)
    for label in ("person", "motorbike", "motorcycle", "bicycle"):
        assert re.match(general.detect_pattern, label)


def test_right_with_everything_taken_out_of_its_comment(
    shipped: str, root: Path, tmp_path: Path
) -> None:
    text = re.sub(r"^#(?=\w+ =|\[)", "", shipped, flags=re.MULTILINE)
    (tmp_path / "objectconfig.ini").write_text(text, encoding="utf-8")
    shutil.copy(root / "secrets.ini.example", tmp_path / "secrets.ini")
    config = load(tmp_path / "objectconfig.ini")
    assert sorted(config.monitors) == [2, 3]
    assert [zone.name for zone in config.for_monitor(3).zones] == ["driveway", "front_door"]


def test_every_token_has_its_example(shipped: str, root: Path) -> None:
    tokens = re.findall(r"^#?\w+ = !(\w+)$", shipped, re.MULTILINE)
    example = (root / "secrets.ini.example").read_text(encoding="utf-8")
    assert tokens == re.findall(r"^(\w+)=", example, re.MULTILINE)


def test_nothing_without_effect_is_offered(shipped: str) -> None:
    names = {name for section in entries(shipped).values() for name in section}
    assert not names & {*OBSOLETE}


def test_the_order_of_rules_is_that_of_the_gate(shipped: str, root: Path) -> None:
    rules = [*DETECTION_RULES, "gemini", *ALARM_RULES]
    comment = shipped.split("The rules run in this order: ")[1].split(".", maxsplit=1)[0]
    without_remarks = re.sub(r"\([^)]*\)", "", comment.replace("\n# ", " "))
    assert [name.strip() for name in without_remarks.split(",")] == rules
    page = (root / "docs" / "detections.md").read_text()
    table = page.split("Rule | Drops\n---|---\n")[1].split("\n\n")[0]
    assert re.findall(r"^`(\w+)`", table, re.MULTILINE) == rules
