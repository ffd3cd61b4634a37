"""What the log says about a decision."""

from __future__ import annotations

import logging

import pytest

from zmhook.detection import Decision
from zmhook.event import Event
from zmhook.render.summary import log_decision


def test_answer_and_times(decision, found, caplog) -> None:
    with caplog.at_level(logging.INFO):
        log_decision(decision(found(), timings={"yolo": 12.34}), "[s] detected:person --SPLIT--{}")

    (record,) = caplog.records
    assert record.getMessage() == "event 7 of monitor 2: [s] detected:person (yolo 12 ms)"
    assert record.monitor_id == 2


@pytest.mark.parametrize(
    ("outcome", "level"), [("undecided", logging.ERROR), ("nothing", logging.WARNING)]
)
def test_errors_come_first(outcome: str, level: int, decision, caplog) -> None:
    with caplog.at_level(logging.INFO):
        log_decision(decision(outcome=outcome, errors=["no picture", "no model"]), "")

    error, answer = caplog.records
    assert error.levelno == level
    assert error.getMessage() == "event 7 of monitor 2: no picture; no model"
    assert answer.getMessage() == f"event 7 of monitor 2: {outcome} ()"


def test_the_error_of_a_picture_file_names_it_alone(caplog) -> None:
    gone = "/tmp/gone.jpg: there is no such file"
    log_decision(Decision.undecided(Event(), gone), "")
    assert caplog.messages[0] == gone


def test_what_was_described_comes_last(decision, found, described, caplog) -> None:
    with caplog.at_level(logging.INFO):
        log_decision(decision(found(), described(alarm="no")), "[s] detected:person:97%")

    said = caplog.records[-1]
    assert said.getMessage() == ("event 7 of monitor 2: gemini: A man with a parcel. (alarm: no)")
    assert said.monitor_id == 2
