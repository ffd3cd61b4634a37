"""The automation of docs/home-assistant.md fits what we announce and publish."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
import yaml
from msgspec import json

from zmhook.notify import mqtt
from zmhook.notify.mqtt import discovery
from zmhook.settings import Settings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "home-assistant.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
AUTOMATION, CARD = map(yaml.safe_load, BLOCKS)
MONITOR = "Front door"


def entity_id(component: str, name: str) -> str:
    """Return the id that Home Assistant gives an entity of this monitor."""
    return f"{component}.{re.sub(r'[^a-z0-9]+', '_', f'{MONITOR} {name}'.lower())}"


@pytest.fixture(scope="module")
def announced() -> dict[str, dict[str, Any]]:
    """The entities by their ids, with their configuration."""
    notes = discovery(Settings(), 3, MONITOR, "zmhook/3", "zmhook/status")
    entities = {}
    for note in notes:
        config = json.decode(note.payload)
        entities[entity_id(note.topic.split("/")[1], config["name"])] = config
    return entities


@pytest.fixture
def attributes(monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]) -> dict[str, Any]:
    """What an alarm publishes for the entities' attributes."""
    notes: list[Any] = []
    monkeypatch.setattr(mqtt, "publish", lambda _mqtt, sent, _seconds: notes.extend(sent))
    mqtt.send(work())
    return json.decode(next(note.payload for note in notes if note.topic == "zmhook/3/last"))


def state(value: str, attributes: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(state=value, attributes=SimpleNamespace(**attributes))


def fires(before: SimpleNamespace, after: SimpleNamespace) -> bool:
    trigger = SimpleNamespace(from_state=before, to_state=after)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        AUTOMATION["conditions"]
    )
    return template.render(trigger=trigger) == "True"


def test_its_entities_are_announced(announced: dict[str, Any]):
    (trigger,) = AUTOMATION["triggers"]
    (action,) = AUTOMATION["actions"]
    assert trigger["entity_id"] in announced
    assert action["data"]["data"]["image"].removeprefix("/api/image_proxy/") in announced
    assert CARD["entity"] in announced
    assert set(announced) == set(re.findall(r"`((?:binary_sensor|sensor|image)\.front_\w+)`", PAGE))


def test_its_trigger_is_an_attribute_of_the_sensor(
    announced: dict[str, Any], attributes: dict[str, Any]
):
    (trigger,) = AUTOMATION["triggers"]
    assert announced[trigger["entity_id"]]["json_attributes_topic"] == "zmhook/3/last"
    assert trigger["attribute"] in attributes


def test_each_attribute_that_it_reads_is_published(attributes: dict[str, Any]):
    named = set(re.findall(r"attributes\.(\w+)", yaml.safe_dump(AUTOMATION)))
    assert named
    assert named <= attributes.keys()


def test_its_condition(attributes: dict[str, Any]):
    now = state("dog, person", attributes)
    only_dog = state("dog", {**attributes, "labels": "dog"})
    assert fires(before=only_dog, after=now)
    assert fires(before=now, after=now)
    assert not fires(before=now, after=only_dog)
    for restarted in ("unavailable", "unknown"):
        assert not fires(before=state(restarted, {}), after=now)
