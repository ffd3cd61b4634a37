from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.migrate import ini
from zmhook.migrate.old_config import Generation, OldConfig

Read = Callable[[str], list[OldConfig]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str) -> list[OldConfig]:
        path = tmp_path / "objectconfig.ini"
        path.write_text(text, encoding="utf-8")
        return ini.read(str(path))

    return read


def test_version_5(read: Read) -> None:
    common, second = read("[general]\nwait=1\n[yolo]\nweights=w\n[monitor-02]\nwait=2\n")
    assert common.generation is Generation.FIVE
    assert {name: given.value for name, given in common.flat.items()} == {
        "wait": "1",
        "weights": "w",
    }
    assert second.monitor == 2
    assert second.flat["wait"].location == "[monitor-02] wait"
    assert second.flat["weights"].location == "[yolo] weights"


@pytest.mark.parametrize("text", ["[object]", "[general]\ndetection_sequence=object"])
def test_version_6(read: Read, text: str) -> None:
    assert read(text)[0].generation is Generation.SIX


def test_sequences_are_read_for_each_monitor(read: Read) -> None:
    common, second = read(
        "[object]\nmine=car\n[ml]\nml_sequence={'a': '{{mine}}'}\nstream_sequence={'b': {{n}}}\n"
        "n=1\n[monitor-2]\nmine=dog\n"
    )
    assert (common.ml, common.stream) == ({"a": "car"}, {"b": 1})
    assert second.ml == {"a": "dog"}
    assert common.used == {"mine", "n"}


def test_a_monitor_may_have_a_sequence_of_its_own(read: Read) -> None:
    _, second = read("[ml]\nml_sequence={'a': 1}\n[monitor-2]\nml_sequence={'a': 2}\n")
    assert second.ml == {"a": 2}


def test_sequences_that_are_switched_off(read: Read) -> None:
    (common,) = read("[ml]\nuse_sequence=no\nml_sequence={'a': 1}\n")
    assert common.ml is None
    assert [given.key for given in common.unused] == ["ml_sequence"]


def test_zones_and_their_patterns(read: Read) -> None:
    _, second = read(
        "[object]\nmine=1,1\n[monitor-2]\ndrive=0,0 1,0 1,1\nstride=(4,4)\nmine=2,2\n"
        "drive_zone_detection_pattern=car\n"
    )
    assert list(second.zones) == ["drive"]
    assert [(zone, field, given.value) for (zone, field), given in second.patterns.items()] == [
        ("drive", "detection_pattern", "car")
    ]
    assert second.flat["stride"].value == "(4,4)"
    assert second.flat["mine"].value == "2,2"


def test_passwords_are_whole_in_version_5(read: Read) -> None:
    (common,) = read("[general]\npassword=a #b\nwait=1 # seconds\n")
    assert common.flat["password"].value == "a #b"
    assert common.flat["wait"].value == "1"


def test_a_key_in_two_sections(read: Read) -> None:
    (common,) = read("[general]\nwait=1\n[custom]\nwait=2\n")
    assert common.flat["wait"].value == "1"
    assert [given.location for given in common.unread] == ["[custom] wait"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[fcm]\nenabled=yes", "is the notification server's own configuration"),
        ("[general]\n[gate]", "is a configuration of zmhook already"),
        ("wait=1", "line 1: there is text before the first"),
        ("[ml]\nml_sequence={'a': x}", r"\[ml\] ml_sequence: cannot be read: line 1: only texts"),
        ("[ml]\nml_sequence=[1]", r"\[ml\] ml_sequence: cannot be read: is no dict"),
        ("[ml]\nstream_sequence=", r"\[ml\] stream_sequence: cannot be read: line 1"),
    ],
)
def test_what_cannot_be_read(read: Read, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(text)
