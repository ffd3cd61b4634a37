"""What Home Assistant needs to know to show a monitor by itself (its MQTT discovery).

One device for each monitor, with a binary sensor (motion), an image and a sensor with the last
labels. The form with one topic for each entity is understood by every version of it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from msgspec import json

from zmhook.notify.publish import Note
from zmhook.settings.forms import NO
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.settings import Settings

LONGEST_STATE = 255
"""Characters that Home Assistant lets a state have."""


def discovery(
    settings: Settings, monitor_id: int | None, name: str, base: str, status: str
) -> Iterator[Note]:
    """Give the retained configurations of a monitor's entities; none when it is switched off."""
    prefix = settings.notify.notify_mqtt_discovery.strip("/")
    if not prefix or prefix.lower() in NO or monitor_id is None:
        return
    node = re.sub(r"[^A-Za-z0-9_-]", "_", base)
    shared = {
        "availability_topic": status,
        "device": _device(settings, node, name),
        "origin": {"name": "zmhook", "sw_version": __version__},
    }
    for component, entity, own in _entities(settings, base):
        config = {**own, **shared, "unique_id": f"{node}_{entity}"}
        topic = f"{prefix}/{component}/{node}/{entity}/config"
        yield Note(topic, json.encode(config), True)


def _entities(settings: Settings, base: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each entity's kind, its short name, and what is its own."""
    last = f"{base}/last"
    yield (
        "binary_sensor",
        "alarm",
        {
            "name": "Alarm",
            "device_class": "motion",
            "state_topic": f"{base}/state",
            "off_delay": math.ceil(settings.notify.notify_mqtt_hold),
            "json_attributes_topic": last,
        },
    )
    yield (
        "sensor",
        "labels",
        {
            "name": "Last detection",
            "icon": "mdi:motion-sensor",
            "state_topic": last,
            "value_template": f"{{{{ value_json.labels[:{LONGEST_STATE}] }}}}",
            "json_attributes_topic": last,
        },
    )
    if settings.notify.notify_picture:
        picture = {"image_topic": f"{base}/picture", "content_type": "image/jpeg"}
        yield "image", "picture", {"name": "Picture", **picture}


def _device(settings: Settings, node: str, name: str) -> dict[str, Any]:
    device = {
        "identifiers": [node],
        "name": name,
        "manufacturer": "ZoneMinder",
        "model": "zmhook",
        "sw_version": __version__,
    }
    portal = settings.general.portal
    return {**device, "configuration_url": portal} if portal else device
