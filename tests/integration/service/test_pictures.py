"""What is there answers, and what may still come is waited for only where it could change that.

Whoever waited for what never comes here would wait until the deadline, and be undecided.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

pytestmark = pytest.mark.integration

PATIENT = "max_attempts = 100\nsleep_between_attempts = 2\nevent_deadline = 60\n"


@pytest.fixture(params=["cold", "warm"])
def answering(site, request: pytest.FixtureRequest) -> Any:
    """A site that waits for long, with and without a service."""

    def prepare(general: str = "", rest: str = "") -> Any:
        service = "use_service = no" if request.param == "cold" else ""
        site.write(PATIENT + general, service, rest)
        if request.param == "warm":
            site.write(PATIENT, service, rest)
            site.warm()
            site.write(PATIENT + general, service, rest)
        return site

    return prepare


def frame_of(said: Any) -> str:
    return str(json.loads(said.out.partition("--SPLIT--")[2])["frame_id"])


def test_an_alarm_frame_that_never_comes(answering) -> None:
    site = answering()
    said = site.hook(site.event(number=6, snapshot="dog.jpg"), number=6)
    assert (said.code, frame_of(said)) == (0, "snapshot")
    lines = [line for line in site.log().splitlines() if "alarm.jpg" in line]
    assert len(lines) == 1
    assert "alarm: not waited for: " in lines[0]


def test_a_film_alone(answering) -> None:
    site = answering()
    folder = site.event(number=7, snapshot="dog.jpg")
    image = cv2.imread(str(folder / "snapshot.jpg"))
    (folder / "snapshot.jpg").unlink()
    height, width = image.shape[:2]
    film = folder / "7-video.mp4"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"mp4v"), 5, (width, height))
    for _ in range(12):
        writer.write(image)
    writer.release()
    said = site.hook(folder, number=7)
    assert (said.code, frame_of(said)) == (0, "alarm")


@pytest.fixture
def portal(endpoint_type, photo) -> Iterator[Any]:
    """A ZoneMinder whose event has a snapshot, and an alarm frame never."""

    class Portal(endpoint_type):  # type: ignore[misc]
        over = True

        def answer(self, posted: Any) -> tuple[int, dict[str, str], bytes]:
            if "fid=snapshot" in posted.path:
                return 200, {"Content-Type": "image/jpeg"}, Path(photo("dog.jpg")).read_bytes()
            if "/api/events/" in posted.path:
                end = "2026-07-29 17:05:03" if self.over else None
                row = {"Id": 8, "Frames": 30, "EndDateTime": end, "StartTimeSecs": 1785344682}
                return 200, {}, json.dumps({"event": {"Event": row}}).encode()
            return 404, {}, b""

    made = Portal()
    yield made
    made.close()


@pytest.mark.parametrize("over", [True, False])
def test_over_the_portal_too(answering, portal, over: bool) -> None:
    portal.over = over
    site = answering(f"portal = {portal.url}/zm\nwrite_image_to_zm = no\n")
    said = site.hook("", number=8)
    assert (said.code, frame_of(said)) == (0, "snapshot")
    alarms = [one for one in portal.got if "fid=alarm" in one.path]
    assert len(alarms) in (1, 2)  # the second is asked for while a model looks


def test_what_never_comes_once_the_event_is_over_is_not_waited_for(answering, portal) -> None:
    """Nothing counts in the snapshot, so the alarm frame could change the answer."""
    general = f"portal = {portal.url}/zm\nwrite_image_to_zm = no\ndetect_pattern = submarine\n"
    site = answering(general)
    assert site.hook("", number=8).code == 1
    assert len([one for one in portal.got if "fid=alarm" in one.path]) == 2
