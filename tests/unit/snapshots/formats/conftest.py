"""Messages as cameras write them, and an interpreter that reads them."""

import base64
import copy

import pytest
from msgspec import json

from zmhook.settings import Mqtt, Settings
from zmhook.snapshots.formats.values import seconds
from zmhook.snapshots.interpreter import Interpreter
from zmhook.snapshots.topics import Topics

# The vendors' samples, shortened. "PICTURE" stands for a real photo in base64.
CONSOLIDATED = {
    "id": "5b8b4da4-bd35-41e6-b4d3-564b761727d7",
    "start_time": "2024-05-13T15:21:39.320982Z",
    "end_time": "2024-05-13T15:21:40.319053Z",
    "end_reason": "Completed",
    "duration": 0.9981,
    "classes": [
        {
            "type": "Human",
            "score": 0.744,
            "upper_clothing_colors": [
                {"name": "Black", "score": 0.57},
                {"name": "Gray", "score": 0.305},
            ],
            "lower_clothing_colors": [{"name": "Blue", "score": 0.388}],
        }
    ],
    "image": {
        "data": "PICTURE",
        "timestamp": "2024-05-13T15:21:40.319053Z",
        "bounding_box": {"left": 0.5146, "top": 0.8789, "right": 0.5495, "bottom": 1.0},
    },
    "observations": [
        {
            "timestamp": "2024-05-13T15:21:39.889602Z",
            "bounding_box": {"left": 0.5255, "top": 0.8974, "right": 0.5482, "bottom": 0.9983},
        },
        {
            "timestamp": "2024-05-13T15:21:40.319053Z",
            "bounding_box": {"left": 0.5211, "top": 0.8854, "right": 0.543, "bottom": 0.9935},
        },
    ],
}

TRACK = {
    "channel_id": 1,
    "id": "25436c51-6a75-4f23-99dc-7ddd638e4e61",
    "start_time": "2026-03-20T10:17:45.524804Z",
    "end_time": "2026-03-20T10:17:48.024761Z",
    "duration": 2.499,
    "classes": [
        {
            "type": "Truck",
            "score": 0.4848,
            "colors": [{"name": "blue", "score": 0.7316}, {"name": "gray", "score": 0.1604}],
        },
        {"type": "Car", "score": 0.4812},
        {"type": "VehicleOther", "score": 0.0376},
    ],
    "image": {
        "crop_box": {"left": 0.6769, "top": 0.6139, "right": 0.7983, "bottom": 0.7349},
        "data": "PICTURE",
    },
    "parts": [{"object_track_id": "7ef28e6e-7cae-4186-b630-23819d0bfd98"}],
    "path": [
        {
            "timestamp": "2026-03-20T10:17:47.224775Z",
            "bounding_box": {"left": 0.687, "top": 0.624, "right": 0.7882, "bottom": 0.7248},
        },
        {
            "timestamp": "2026-03-20T10:17:48.024761Z",
            "bounding_box": {"left": 0.9833, "top": 0.5598, "right": 0.999, "bottom": 0.6446},
        },
    ],
}

SNAPSHOT = {
    "channel_id": 1,
    "id": "57fcc8fe-a555-4905-bce1-dbcc7fb400d5",
    "object_track_id": "ad57dd04-cbe5-44df-8de3-222d1d33c3e9",
    "timestamp": "2026-02-06T20:17:41.551914Z",
    "crop_box": {"left": 0.193, "top": 0.4739, "right": 0.2712, "bottom": 0.5468},
    "data": "PICTURE",
}

SCENE = {
    "frame": {
        "timestamp": "2023-03-08T09:00:19.320111Z",
        "observations": [
            {
                "track_id": "2",
                "timestamp": "2023-03-08T09:00:19.320111Z",
                "bounding_box": {
                    "left": 0.23135,
                    "top": 0.19399,
                    "right": 0.55192,
                    "bottom": 0.49932,
                },
                "class": {
                    "type": "Bus",
                    "score": 0.7,
                    "colors": [{"name": "Yellow", "score": 0.78}],
                },
                "image": {
                    "data": "PICTURE",
                    "bounding_box": {
                        "left": 0.1832645,
                        "top": 0.1481905,
                        "right": 0.6000055,
                        "bottom": 0.5451195,
                    },
                },
            }
        ],
        "operations": [
            {"type": "DeleteOperation", "id": "3"},
            {"type": "RenameOperation", "from": "8", "to": "2"},
        ],
    }
}

FRAME = {
    "channel_id": 1,
    "timestamp": "2026-02-06T20:17:41.600000Z",
    "detections": [
        {
            "object_track_id": "ad57dd04-cbe5-44df-8de3-222d1d33c3e9",
            "bounding_box": {"left": 0.1995, "top": 0.48, "right": 0.2647, "bottom": 0.5407},
            "class": {"type": "Human", "score": 0.7},
            "image_id": "57fcc8fe-a555-4905-bce1-dbcc7fb400d5",
        }
    ],
}


@pytest.fixture(scope="session")
def jpeg(photo):
    return photo("person.jpg").read_bytes()


@pytest.fixture
def sample(jpeg):
    """Return one of the samples by name, with a photo in it, for a test to change."""
    samples = {
        "consolidated": CONSOLIDATED,
        "track": TRACK,
        "snapshot": SNAPSHOT,
        "scene": SCENE,
        "frame": FRAME,
    }
    text = base64.b64encode(jpeg).decode()
    return lambda name: _with_picture(copy.deepcopy(samples[name]), text)


def _with_picture(content, text):
    if isinstance(content, dict):
        return {key: _with_picture(value, text) for key, value in content.items()}
    if isinstance(content, list):
        return [_with_picture(value, text) for value in content]
    return text if content == "PICTURE" else content


@pytest.fixture
def failed():
    """What could not be read of messages that could, for the most part."""
    return []


@pytest.fixture
def interpreter(failed):
    settings = Settings(mqtt=Mqtt(mqtt_topic=("axis/{camera}/track",)))
    return Interpreter(Topics.from_settings(settings), part_failed=failed.append)


@pytest.fixture
def read(interpreter):
    """Read a message (bytes, or what becomes JSON) on a topic at a time (ISO 8601, or seconds)."""

    def read_message(content, topic="axis/front/track", *, received="2026-12-01", retained=False):
        payload = content if isinstance(content, bytes) else json.encode(content)
        moment = seconds(f"{received}T00:00:00Z" if len(str(received)) == 10 else received)
        return interpreter.read(topic, payload, retained=retained, received=moment)

    return read_message
