from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import json

from zmhook.detection import Box
from zmhook.frame import Crop, Frame
from zmhook.jobs.spool import Spool
from zmhook.jobs.work import pack, unpack
from zmhook.settings import General, Mqtt, Secret, Settings


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.of(str(tmp_path))


def through(spool: Spool, decided, settings: Settings):
    spool.add(*pack(decided, settings), ["webhook"], 3)
    return unpack(spool, spool.units()[0])


SETTINGS = Settings(general=General(portal="http://zm"), mqtt=Mqtt(mqtt_password=Secret("pw")))


def test_what_is_packed_comes_out(spool, decided) -> None:
    given = decided()
    work = through(spool, given, SETTINGS)
    assert work.decision == given.decision
    assert work.settings == SETTINGS
    assert (work.frame.id, work.frame.origin) == ("snapshot", "test")
    assert np.array_equal(work.frame.image, given.frame.image)
    assert work.id == spool.units()[0].entry


def test_a_file_is_taken_as_it_came(spool, decided, photo) -> None:
    data = photo("dog.jpg").read_bytes()
    given = decided()._replace(frame=Frame(np.zeros((9, 9, 3), np.uint8), "7", "here", data))
    work = through(spool, given, SETTINGS)
    assert spool.picture(work.id) == data
    assert work.frame.image.shape == (576, 768, 3)
    assert work.frame.id == "7"


def test_a_part_of_a_picture(spool, decided) -> None:
    crop = Crop(box=Box(10, 20, 30, 40), width=640, height=480)
    given = decided()
    frame = given.frame.replaced(image=np.zeros((20, 20, 3), np.uint8), crop=crop)
    assert through(spool, given._replace(frame=frame), SETTINGS).frame.crop == crop


def test_without_a_frame(spool, decided) -> None:
    assert through(spool, decided()._replace(frame=None), SETTINGS).frame is None


def test_settings_of_a_version_before_have_defaults_for_what_is_new(spool, decided) -> None:
    data, picture = pack(decided(), SETTINGS)
    entry = json.decode(data)
    del entry["settings"]["history"]
    spool.add(json.encode(entry), picture, ["webhook"], 3)
    assert unpack(spool, spool.units()[0]).settings == SETTINGS


@pytest.mark.parametrize("data", [b"", b"{}", b'{"decision":{},"settings":{}}', b"\xff"])
def test_what_cannot_be_understood(data: bytes, spool) -> None:
    spool.add(data, b"", ["webhook"], 3)
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpack(spool, spool.units()[0])


def test_another_job_for_the_same_event(spool, decided) -> None:
    work = through(spool, decided(), SETTINGS)
    work.follow("notes-last", 5_000_000_000.0)
    found = {(unit.entry, unit.job, unit.due) for unit in spool.units()}
    assert (work.id, "notes-last", 5_000_000_000.0) in found
    assert len(found) == 2
