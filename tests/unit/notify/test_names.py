from __future__ import annotations

import time

import pytest
from msgspec import json

from zmhook.event import Event
from zmhook.notify import names
from zmhook.notify.names import monitor_name
from zmhook.settings import General

EVENT = Event(id=7, monitor_id=3)


@pytest.fixture
def general(endpoint, tmp_path) -> General:
    return General(portal=endpoint.url, base_data_path=str(tmp_path))


def says(endpoint, name: str) -> None:
    body = json.encode({"monitor": {"Monitor": {"Id": "3", "Name": name}}})
    endpoint.answers.append((200, {"Content-Type": "application/json"}, body))


def test_a_name_that_was_given_is_taken(endpoint, general) -> None:
    assert monitor_name(Event(id=7, monitor_id=3, monitor_name="Drive"), general) == "Drive"
    assert endpoint.got == []


def test_zoneminder_is_asked_once_a_day(endpoint, general, monkeypatch) -> None:
    says(endpoint, "Yard")
    assert [monitor_name(EVENT, general) for _ in range(3)] == ["Yard"] * 3
    assert [got.path for got in endpoint.got] == ["/api/monitors/3.json"]

    says(endpoint, "Back yard")
    monkeypatch.setattr(names, "HOLDS", -1.0)
    assert monitor_name(EVENT, general) == "Back yard"


def test_an_old_name_is_better_than_none(endpoint, general, monkeypatch) -> None:
    says(endpoint, "Yard")
    monitor_name(EVENT, general)
    endpoint.answers.append((500, {}, b""))
    monkeypatch.setattr(names, "HOLDS", -1.0)
    assert monitor_name(EVENT, general) == "Yard"


@pytest.mark.parametrize("body", [b"[]", b'{"monitor": null}', b"<html>", b""])
def test_what_cannot_be_understood_is_no_name(body: bytes, endpoint, general) -> None:
    endpoint.answers.append((200, {}, body))
    assert monitor_name(EVENT, general) == ""


def test_a_damaged_file_is_written_anew(endpoint, general, tmp_path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / names.FILE).write_bytes(b'{"3": 5}')
    says(endpoint, "Yard")
    assert monitor_name(EVENT, general) == "Yard"
    kept = json.decode((tmp_path / names.FILE).read_bytes())
    assert kept["3"]["name"] == "Yard"
    assert kept["3"]["asked"] == pytest.approx(time.time(), abs=60)


def test_a_folder_that_cannot_be_written(endpoint, general, tmp_path) -> None:
    (tmp_path / "state").touch()
    says(endpoint, "Yard")
    assert monitor_name(EVENT, general) == "Yard"


@pytest.mark.parametrize("event", [Event(id=7), Event(monitor_id=3)])
def test_without_a_number_or_a_portal(event: Event) -> None:
    assert monitor_name(event, General()) == ""
