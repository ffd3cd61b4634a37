"""OpenALPR's cloud, by a server that speaks as its specification has it."""

from __future__ import annotations

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import PlateServiceError, Upload, service_for
from zmhook.detectors.alpr.services.open_alpr import OpenAlpr, plates, recognise_url
from zmhook.settings import Alpr

PICTURE = np.zeros((400, 800, 3), np.uint8)


@pytest.fixture
def service(settings, fake_plates):
    made: list[OpenAlpr] = []

    def make(**own) -> OpenAlpr:
        url = f"{fake_plates.url}/v2"
        given = {"alpr_url": url, "alpr_key": "key", "alpr_timeout": 3.0, **own}
        one = service_for(settings(alpr_service="open_alpr", **given))
        assert isinstance(one, OpenAlpr)
        one.load()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def read(service):
    return service.read(PICTURE, Deadline(20), of_vehicle=True)


def test_percent_become_shares(service):
    (plate,) = read(service())
    assert plate.text == "AB123CD"
    assert plate.confidence == pytest.approx(0.9425)
    assert plate.box == Box(200, 200, 600, 300)
    assert plate.attributes == {"region": "fr"}
    assert plate.others == (("A8123CD", pytest.approx(0.815)),)


def test_the_vehicle_when_asked_for(service, fake_plates):
    (plate,) = read(service(openalpr_recognize_vehicle=True))
    assert plate.attributes == {
        "region": "fr",
        "vehicle": "sedan-standard",
        "make": "riley",
        "model": "rmf",
        "colour": "black",
        "year": "1950-1954",
        "orientation": "180",
    }
    assert ("recognize_vehicle", "1") in fake_plates.asked[0].fields


def test_what_is_asked(service, fake_plates):
    read(service(openalpr_country="eu", openalpr_state="fr", alpr_max_size=200))
    (asked,) = fake_plates.asked
    assert asked.path.startswith("/v2/recognize_bytes?")
    assert dict(asked.fields) == {
        "secret_key": "key",
        "recognize_vehicle": "0",
        "country": "eu",
        "state": "fr",
        "return_image": "0",
        "topn": "5",
    }
    assert asked.picture.startswith(b"\xff\xd8")


def test_its_word_for_what_is_left(service):
    one = service()
    read(one)
    assert one.description == "open_alpr, 1 requests this month, 10 left"
    vehicles = service(openalpr_recognize_vehicle=True)
    read(vehicles)
    assert vehicles.description.endswith("5 left")  # each costs two


@pytest.mark.parametrize(
    ("answer", "short", "asked"),
    [
        ("401", "the key is refused", 1),
        ("402", "no look-ups left", 1),
        ("403", "too many requests", 2),
        ("500", "no answer", 2),
    ],
)
def test_its_refusals(service, fake_plates, answer, short, asked):
    fake_plates.will(answer)
    with pytest.raises(PlateServiceError) as caught:
        read(service())
    assert caught.value.short == f"alpr skipped: {short}"
    assert len(fake_plates.asked) == asked
    assert "secret_key=" not in str(caught.value)


def test_without_a_key_nothing_is_asked(service, fake_plates):
    with pytest.raises(PlateServiceError, match="alpr_key is empty"):
        read(service(alpr_key=""))
    assert fake_plates.asked == []


@pytest.mark.parametrize("path", ["", "/recognize", "/recognize_bytes", "/recognize_url"])
def test_whichever_address_is_given(path):
    url = "https://api.openalpr.com/v2"
    assert recognise_url(Alpr(alpr_url=f"{url}{path}")) == f"{url}/recognize_bytes"
    assert recognise_url(Alpr()) == f"{url}/recognize_bytes"


SENT = Upload(b"", 800, 400, 800, 400)
CORNERS = [{"x": 10, "y": 20}, {"x": 90, "y": 22}, {"x": 90, "y": 52}, {"x": 10, "y": 50}]


def test_the_surest_comes_first_and_the_weak_are_left_out(fake_plates_module):
    weak = {"plate": "B", "confidence": 20, "coordinates": CORNERS}
    sure = fake_plates_module.openalpr_result("ab1", (800, 400), vehicle=False)
    low = {"plate": "C", "confidence": 60.5, "coordinates": CORNERS}
    found = plates({"results": [weak, low, sure]}, SENT, 0.3)
    assert [(one.text, one.confidence) for one in found] == [("AB1", 0.9425), ("C", 0.605)]
    assert found[1].box == Box(10, 20, 90, 52)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"plate": "A", "confidence": 90},
        {"plate": "A", "confidence": 90, "coordinates": []},
        {"plate": "A", "confidence": 90, "coordinates": [{"x": None, "y": 3}]},
        {"plate": 7, "confidence": 90, "coordinates": CORNERS},
        {"plate": "A", "confidence": "90", "coordinates": CORNERS},
        None,
    ],
)
def test_what_is_no_plate_is_left_out(result):
    assert plates({"results": [result]}, SENT, 0.3) == []


def test_a_confidence_above_a_hundred_is_one():
    (found,) = plates(
        {"results": [{"plate": "A", "confidence": 300, "coordinates": CORNERS}]}, SENT, 0
    )
    assert found.confidence == 1
