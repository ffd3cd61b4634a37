"""Plate Recognizer's cloud and SDK, by a server that speaks as its reference has it."""

from __future__ import annotations

import logging
import time

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import MOST_PLATES, PlateServiceError, service_for
from zmhook.detectors.alpr.services.plate_recognizer import PlateRecognizer, fits, reader_url
from zmhook.settings import Alpr

PICTURE = np.zeros((400, 800, 3), np.uint8)


@pytest.fixture
def service(settings, fake_plates):
    made: list[PlateRecognizer] = []

    def make(**own) -> PlateRecognizer:
        given = {"alpr_url": fake_plates.url, "alpr_key": "key", "alpr_timeout": 3.0, **own}
        one = service_for(settings(**{"alpr_service": "plate_recognizer", **given}))
        one.load()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def read(service, image=PICTURE):
    return service.read(image, Deadline(20), of_vehicle=True)


def test_a_plate_and_all_that_is_said_of_it(service):
    (plate,) = read(service())
    assert plate.text == "ab123cd"
    assert plate.confidence == 0.904
    assert plate.box == Box(200, 200, 600, 300)
    assert plate.attributes == {
        "dscore": 0.99,
        "region": "fr",
        "vehicle": "Sedan",
        "make": "Riley",
        "model": "RMF",
        "colour": "black",
        "orientation": "Front",
        "direction": 210.0,
    }
    assert plate.others == (("a8123cd", 0.61),)


def test_the_other_form_of_its_answer(service, fake_plates):
    one = service(platerec_config='{"detection_mode": "vehicle"}')
    (plate,) = read(one)
    assert (plate.text, plate.confidence, plate.box) == ("ab123cd", 0.838, Box(200, 200, 600, 300))
    assert plate.attributes == {
        "dscore": 0.925,
        "region": "gb",
        "vehicle": "Sedan",
        "make": "Riley",
        "model": "RMF",
        "colour": "black",
        "orientation": "Front",
    }
    assert ("config", '{"detection_mode": "vehicle"}') in fake_plates.asked[0].fields


def test_a_reduced_picture_and_its_boxes(service, fake_plates, fake_plates_module):
    (plate,) = read(service(alpr_max_size=200))
    assert fake_plates_module.size_of(fake_plates.asked[0].picture) == (200, 100)
    assert plate.box == Box(200, 200, 600, 300)


def test_what_is_asked(service, fake_plates):
    read(
        service(
            platerec_regions=("fr", "us-ca"),
            platerec_payload='{"mmc": true, "camera_id": "gate", "n": [1, 2]}',
            platerec_config='{"region": "strict"}',
        )
    )
    (asked,) = fake_plates.asked
    assert (asked.method, asked.path) == ("POST", "/v1/plate-reader/")
    assert asked.headers["authorization"] == "Token key"
    assert sorted(asked.fields) == [
        ("camera_id", "gate"),
        ("config", '{"region": "strict"}'),
        ("mmc", "true"),
        ("n", "1"),
        ("n", "2"),
        ("regions", "fr"),
        ("regions", "us-ca"),
    ]
    assert asked.picture.startswith(b"\xff\xd8")


def test_the_payload_replaces_what_is_set_elsewhere(service, fake_plates):
    read(service(platerec_regions=("fr",), platerec_payload='{"regions": ["de"]}'))
    assert fake_plates.asked[0].fields == [("regions", "de")]


def test_the_sdk_wants_no_key_and_is_not_counted(service, fake_plates):
    one = service(alpr_api_type="local", alpr_key="", alpr_per_month=1)
    for _ in range(3):
        assert read(one)
    assert "authorization" not in fake_plates.asked[0].headers
    # Its own word for it: 44 of 1000.
    assert one.description == "plate_recognizer (SDK), 3 requests this month, 956 left"


@pytest.mark.parametrize(
    ("own", "url"),
    [
        ({}, "https://api.platerecognizer.com/v1/plate-reader/"),
        ({"alpr_url": "https://api.platerecognizer.com/v1"}, None),
        ({"alpr_url": "https://api.platerecognizer.com"}, None),
        ({"alpr_url": "https://api.platerecognizer.com/v1/plate-reader"}, None),
        (
            {"alpr_url": "http://nas:8080", "alpr_api_type": "local"},
            "http://nas:8080/v1/plate-reader/",
        ),
        ({"alpr_url": "http://nas:8080/alpr", "alpr_api_type": "local"}, "http://nas:8080/alpr"),
        ({"alpr_api_type": "local"}, ""),
    ],
)
def test_addresses(own, url):
    expected = "https://api.platerecognizer.com/v1/plate-reader/" if url is None else url
    assert reader_url(Alpr(**own)) == expected


@pytest.mark.parametrize(
    ("own", "short"),
    [
        ({"alpr_key": ""}, "no key"),
        ({"alpr_api_type": "local", "alpr_url": ""}, "no address"),
        ({"alpr_key": "wrong"}, "the key is refused"),
    ],
)
def test_what_is_missing_is_named(service, own, short):
    with pytest.raises(PlateServiceError) as caught:
        read(service(**own))
    assert caught.value.short == f"alpr skipped: {short}"


def test_what_it_is_not_sure_of_is_left_to_the_gate_or_out(service, fake_plates):
    assert read(service(platerec_min_score=1.0))  # 0.904, a little below
    assert read(service(platerec_min_score=0.3, platerec_min_dscore=1.0))
    fake_plates.will("no-box", "none")
    one = service()
    assert [read(one), read(one)] == [[], []]


@pytest.mark.parametrize(
    ("answer", "short", "quotation"),
    [
        ("cpai", "answer not understood", "DLA232"),
        ("200-403", "answer not understood", "License expired"),
        ("200-failed", "answer not understood", "'status': 'error'"),
        ("other-rows", "answer not understood", "'label': 'car'"),
        ("no-list", "answer not understood", "'results': None"),
        ("numbers", "answer not understood", "AB1"),
        ("escapes", "answer not understood", "something else: '"),
        ("200-429", "too many requests", "Retry in 600 s"),
        ("200-402", "no look-ups left", "Out of credits"),
        ("cpai-error", "no answer", "No plate reader"),
        ("200-month", "no look-ups left", "Monthly quota exceeded"),
        ("200-licence", "refused", "license expired"),
        ("200-code", "refused", "License expired"),
    ],
)
@pytest.mark.parametrize("name", ["plate_recognizer", "open_alpr"])
def test_another_services_answer_is_not_no_plate(
    service, fake_plates, name: str, answer: str, short: str, quotation: str
) -> None:
    fake_plates.will(answer)
    with pytest.raises(PlateServiceError) as caught:
        read(service(alpr_service=name))
    said = str(caught.value)
    assert caught.value.short == f"alpr skipped: {short}"
    assert quotation in said
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize(
    ("answer", "waits"), [("200-429", 600), ("200-detail-wait", 600), ("429-long", 3600)]
)
def test_a_long_wait_is_kept_for_all(service, fake_plates, answer: str, waits: float) -> None:
    fake_plates.will(answer)
    one = service()
    with pytest.raises(PlateServiceError) as caught:
        read(one)
    assert caught.value.until == pytest.approx(time.time() + waits, abs=60)
    with pytest.raises(PlateServiceError, match="not asked before"):
        read(one)
    assert len(fake_plates.asked) == 1


@pytest.mark.parametrize("name", ["plate_recognizer", "open_alpr"])
def test_with_a_key_that_cannot_be_one_nobody_is_asked(service, fake_plates, name: str) -> None:
    with pytest.raises(
        PlateServiceError, match=r"alpr_key: character 7 is a zero-width space"
    ) as caught:
        read(service(alpr_service=name, alpr_key="hidden\u200bx"))
    assert caught.value.short == "alpr skipped: the key cannot be right"
    assert "hidden" not in str(caught.value)
    assert fake_plates.asked == []


def test_a_vehicle_without_a_plate_is_an_answer() -> None:
    vehicle = {"vehicle": {"type": "Sedan"}, "plate": None}
    assert fits({"results": [vehicle]})
    assert fits({"results": [7, {"vehicle": {}}]})
    assert fits({"results": []})
    assert not fits({"results": [7, None]})


def test_far_boxes_are_clipped_and_many_plates_bounded(service, fake_plates):
    fake_plates.will("far-box", "many")
    one = service()
    assert [plate.box for plate in read(one)] == [Box(0, 0, 800, 400)]
    assert len(read(one)) == MOST_PLATES


def test_the_months_budget(service, fake_plates):
    one = service(alpr_per_month=2)
    read(one)
    read(one)
    with pytest.raises(PlateServiceError, match="2 look-ups are used up"):
        read(one)
    assert len(fake_plates.asked) == 2
    assert one.description == "plate_recognizer (cloud), 2 requests this month, 0 left"


def test_a_refused_question_costs_nothing_and_one_that_hung_does(service, fake_plates):
    one = service(alpr_timeout=0.6)
    fake_plates.will("403", "hang")
    for _ in range(2):
        with pytest.raises(PlateServiceError):
            read(one)
    assert one.description.endswith("1 requests this month, 2499 left")


def test_used_up_there_is_not_asked_again_for_a_while(service, fake_plates):
    fake_plates.will("402")
    one = service()
    for _ in range(2):
        with pytest.raises(PlateServiceError) as caught:
            read(one)
        assert caught.value.short == "alpr skipped: no look-ups left"
    assert len(fake_plates.asked) == 1


def test_statistics_are_logged_at_the_start(service, fake_plates, caplog):
    caplog.set_level(logging.INFO)
    one = service(platerec_stats=True)
    assert "Plate Recognizer counts 128 of 2500 look-ups this month" in caplog.text
    assert fake_plates.asked[0].path == "/v1/statistics/"
    assert one.description.endswith("2372 left")


@pytest.mark.parametrize("answer", ["none", "500", "html"])
def test_statistics_that_do_not_come_are_no_trouble(service, fake_plates, answer, caplog):
    fake_plates.will(answer, answer, "ok")
    one = service(platerec_stats=True)
    assert "look-ups are left" in caplog.text
    if answer != "500":
        fake_plates.will("ok")
    assert read(one)
