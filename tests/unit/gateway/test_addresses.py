"""Pictures that the other machine fetches itself."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook.detection import Box, Detection
from zmhook.errors import PortalError
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gateway.addresses import Addresses
from zmhook.image.resize import reduced
from zmhook.net.tokens import Tokens
from zmhook.settings import General
from zmhook.zoneminder.api import Portal

PORTAL = "http://zm.example/zm"
ORIGIN = f"{PORTAL}: alarm of event 5"


@pytest.fixture
def addresses(tmp_path):
    made = []

    def make(**general: Any) -> Addresses:
        given = {"portal": PORTAL, "user": "ann", "base_data_path": str(tmp_path), **general}
        made.append(Addresses(General(**given)))
        return made[-1]

    Tokens(str(tmp_path), f"{PORTAL}/api", "ann").write("token=s3cret", 9e9)
    yield make
    for one in made:
        one.close()


def test_a_picture_of_the_portal(addresses, frame, soon) -> None:
    one = addresses(allow_self_signed=False).shot(frame(origin=ORIGIN), soon)
    assert one.address == (f"{PORTAL}/index.php?view=image&eid=5&fid=alarm", "token=s3cret", True)
    assert (one.seen, one.frame, one.data) == ((64, 48), (64, 48), b"")


def test_a_certificate_that_we_do_not_check_is_not_checked_there(addresses, frame, soon) -> None:
    one = addresses(allow_self_signed=True).shot(frame(origin=ORIGIN), soon)
    assert one.address.verify is False


def test_what_was_reduced_here_is_not_what_the_portal_has(addresses, frame, soon) -> None:
    assert addresses().shot(reduced(frame(1600, 1200, origin=ORIGIN), 800), soon) is None
    assert addresses().shot(reduced(frame(1600, 1200, origin=ORIGIN), 1600), soon) is not None


PART = Crop(box=Box(0, 0, 30, 30), width=64, height=48)
OF = Crop(
    box=Box(0, 0, 64, 48),
    width=64,
    height=48,
    source=Detection(label="a", confidence=1, box=Box(0, 0, 1, 1), model="m"),
)


@pytest.mark.parametrize(
    "more",
    [
        {"origin": "/var/cache/events/5/alarm.jpg"},
        {"origin": f"{PORTAL}: snapshot of event 5"},
        {"event": None},
        {"event": Event()},
        {"crop": PART},
        {"crop": OF},
    ],
)
def test_what_is_no_whole_picture_of_the_portal(addresses, frame, soon, more: Any) -> None:
    assert addresses().shot(frame(**{"origin": ORIGIN, **more}), soon) is None


def test_without_a_portal_there_are_none(addresses, frame, soon) -> None:
    assert addresses(portal="").shot(frame(origin=ORIGIN), soon) is None


def test_a_portal_that_lets_nobody_in(addresses, frame, soon, monkeypatch, caplog) -> None:
    def fail(*_: object) -> None:
        raise PortalError("http://zm.example: is down")

    monkeypatch.setattr(Portal, "image_address", fail)
    assert addresses().shot(frame(origin=ORIGIN), soon) is None
    assert "is down; the picture is sent in place of its address" in caplog.text
