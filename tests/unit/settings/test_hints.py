"""Values that begin as a comment does are no comments: they are told, with what to write."""

from __future__ import annotations

import pytest

QUOTES = "for all topics write '#' in quotes, or +/#"
TOKEN = "write !TOKEN, and the value behind that name in the secrets file"
LINE = "a comment stands on a line of its own"


@pytest.mark.parametrize(
    ("section", "line", "hint"),
    [
        ("mqtt", "mqtt_topic = #", QUOTES),
        ("mqtt", "mqtt_topic: #", QUOTES),
        ("mqtt", "mqtt_topic =# all of them", QUOTES),
        ("mqtt", "mqtt_topic = axis/+/track, #", QUOTES),
        ("mqtt", "mqtt_topic = # all\n  axis/a", QUOTES),
        ("mqtt", "mqtt_topic = ;", "write it in quotes"),
        ("mqtt", "mqtt_password = #geheim", TOKEN),
        ("mqtt", "mqtt_password = ;geheim", TOKEN),
        ("mqtt", "  mqtt_user = #geheim", TOKEN),
        ("general", "detect_pattern = #.*", "write [#] for that character"),
        ("general", "detect_pattern = ;.*", "write [;] for that character"),
        ("general", "poly_color = #ff0000", "expected three numbers from 0 to 255"),
        ("general", "wait = # 5", "expected a number from 0 to 300"),
        ("monitor-4", "password = #geheim", TOKEN),
        ("known-plates", "ab123 = #geheim", "write it without"),
    ],
)
def test_told_with_what_to_write(problems, section: str, line: str, hint: str) -> None:
    (problem,) = problems(f"[{section}]\n{line}\n")
    key = line.split(maxsplit=1)[0].strip(":=")
    assert problem.startswith(f"objectconfig.ini: [{section}] {key}: ")
    assert hint in problem
    assert problem.endswith(LINE)
    assert "geheim" not in problem


def test_of_a_topics_section(problems) -> None:
    assert QUOTES in problems("[mqtt-topic-front]\ntopic = #\n")[0]


@pytest.mark.parametrize("text", ["'#'", '"#"', "+/#", "a/b, '#'", "zm/#"])
def test_what_is_to_be_written_is_taken(read, text: str) -> None:
    [*_, last] = read(f"[mqtt]\nmqtt_topic = {text}\n").general.mqtt.mqtt_topic
    assert last == text.rsplit(maxsplit=1)[-1].strip("'\"")
    quoted = f"'{last}'"
    (topic,) = read(f"[mqtt-topic-front]\ntopic = {quoted}\n").general.topics
    assert topic.topic == last


def test_the_secrets_file_takes_any_value(read) -> None:
    config = read(
        "[general]\nsecrets = secrets.ini\n[mqtt]\nmqtt_password = !A\n",
        secrets="[secrets]\nA = #;geheim\n",
    )
    assert config.general.mqtt.mqtt_password.reveal() == "#;geheim"


def test_comments_stay_comments(read) -> None:
    config = read(
        "# a\n; b\n[general]\n#portal = #\nwait = 5 # s\nmodels = yolo, # the first\n  hog\n"
        "[mqtt]\n  # mqtt_topic = #\nmqtt_topic = a,\n  # and\n  b\nmqtt_user =\n"
    )
    assert config.general.general.models == ("yolo", "hog")
    assert config.general.mqtt.mqtt_topic == ("a", "b")
    assert config.warnings == []
