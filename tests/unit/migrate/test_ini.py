from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.migrate import ini
from zmhook.migrate.ini import Placeholders
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting

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


def with_values(**values: object) -> OldConfig:
    old = OldConfig(Generation.NG, None)
    old.flat = {name: OldSetting("[x]", name, value) for name, value in values.items()}
    return old


def named(**values: object) -> Placeholders:
    return Placeholders(with_values(**values))


def test_within_quotes_a_value_stays_in_them() -> None:
    found = named(mine="it's \\ 'x', 'y': 1").parse("{'a': '{{mine}}'}")
    assert found == {"a": "it's \\ 'x', 'y': 1"}


def test_without_quotes_it_is_part_of_the_literal() -> None:
    old = with_values(least="0.6", labels="['a', 'b']")
    text = "{'a': {{least}}, 'b': {{ labels }}}"
    assert Placeholders(old).parse(text) == {"a": 0.6, "b": ["a", "b"]}
    assert old.used == {"least", "labels"}


def test_it_may_name_another() -> None:
    assert named(a="<{{b}}>", b="{{c}}", c="x").fill("{{a}}") == "<x>"


def test_in_lists_and_dicts() -> None:
    assert named(a="x").fill({"k": ["{{a}}", ("{{A}}", 1)]}) == {"k": ["x", ["x", 1]]}


def test_paths_that_mean_the_same_here_stay() -> None:
    found = named(base_data_path="/data", mine="{{base_data_path}}/m")
    assert found.fill("{{mine}}/yolo") == "{{base_data_path}}/m/yolo"


def test_what_an_old_program_took_without_being_told() -> None:
    assert named().parse("{'a': '{{face_model}}'}") == {"a": "cnn"}


def test_what_nobody_knows_stays() -> None:
    assert named().fill("{{what}}") == "{{what}}"
    assert named().parse("{'a': {{what}}}") == {"a": "{{what}}"}


def test_a_token_within_a_text_is_left_to_our_reader() -> None:
    found = named(portal="!ZM_PORTAL")
    assert found.fill("{{portal}}/api") == "{{portal}}/api"
    assert found.fill("{{portal}}") == "!ZM_PORTAL"


def test_comments_are_no_places() -> None:
    assert named(a="1\n, 'evil': 2").parse("{ # {{a}}\n 'b': 1 }") == {"b": 1}


def test_a_circle_ends() -> None:
    assert "{{" in named(a="{{b}}", b="{{a}}").fill("{{a}}")


def test_values_that_double_each_other_end() -> None:
    flat = {f"a{i}": f"{{{{a{i + 1}}}}}" * 8 for i in range(9)}
    with pytest.raises(ValueError, match="longer than"):
        named(**flat, a9="x" * 100).fill("{{a0}}")
