from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import json

from zmhook.detection import Box, Decision, Detection
from zmhook.errors import PortalError
from zmhook.event import Event
from zmhook.jobs.work import Work
from zmhook.report.tags import run
from zmhook.settings import General, Settings


class ZoneMinder:
    """Answers as its web page's scripts are answered; tags by number, and those of event 7."""

    def __init__(self) -> None:
        self.version = "1.38.0"
        self.tags = {"4": "Person"}
        self.of_event: list[str] = []
        self.asked: list[str] = []
        self.may_edit = True
        self.made_by_another = ""
        self.letters = "utf-8"
        """What its table can store."""

    def answer(self, posted):
        address = urlsplit(posted.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if address.path == "/api/host/getVersion.json":
            return 200, {}, json.encode({"version": self.version, "apiversion": "2.0"})
        assert (posted.method, address.path) == ("GET", "/index.php")
        self.asked.append(f"{query['request']} {query['action']}")
        found = getattr(self, query["action"])(query)
        if found is None:
            said = {"result": "Error", "message": "Unrecognised action or insufficient permissions"}
            return 200, {}, json.encode(said)
        return 200, {}, json.encode({"result": "Ok", "response": found})

    def _rows(self, numbers) -> list[dict[str, str]]:
        return [{"Id": number, "Name": self.tags[number]} for number in numbers]

    def getavailabletags(self, _):
        return self._rows(self.tags)

    def getselectedtags(self, query):
        assert query["id"] == "7"
        return self._rows(self.of_event)

    def createtag(self, query):
        number = str(len(self.tags) + 10)
        if query["tname"].encode(self.letters, "ignore").decode(self.letters) != query["tname"]:
            return []
        self.tags[number] = query["tname"]
        if self.made_by_another == query["tname"]:
            return []  # its database lets a name be there once
        return self._rows([number])

    def addtag(self, query):
        if not self.may_edit:
            return None
        assert query["tid"] not in self.of_event  # its database refuses that
        self.of_event.append(query["tid"])
        return False  # what a statement without rows gives


@pytest.fixture
def zoneminder(endpoint, monkeypatch) -> ZoneMinder:
    made = ZoneMinder()
    monkeypatch.setattr(endpoint, "answer", made.answer)
    return made


@pytest.fixture
def tag(endpoint, tmp_path) -> Callable[..., None]:
    def tag(*labels: str, event: int | None = 7) -> None:
        found = [
            Detection(label=label, confidence=0.9, box=Box(0, 0, 9, 9), model="yolo")
            for label in labels
        ]
        decision = Decision(event=Event(id=event), outcome="alarm", detections=found)
        general = General(portal=endpoint.url, base_data_path=str(tmp_path))
        run(Work(decision, Settings(general=general)))

    return tag


def names(zoneminder: ZoneMinder) -> list[str]:
    return [zoneminder.tags[number] for number in zoneminder.of_event]


def test_tags_that_are_there_and_new_ones(zoneminder, tag) -> None:
    tag("person", "traffic light", "person", "дом/ü&x=1")
    assert names(zoneminder) == ["Person", "traffic light", "дом/ü&x=1"]
    assert zoneminder.asked.count("tags createtag") == 2


def test_what_the_event_has_stays(zoneminder, tag) -> None:
    zoneminder.tags["5"] = "keep"
    zoneminder.of_event = ["5", "4"]
    tag("person", "dog")
    assert names(zoneminder) == ["keep", "Person", "dog"]
    tag("person", "dog")
    assert names(zoneminder) == ["keep", "Person", "dog"]


def test_one_that_another_event_made_just_before(zoneminder, tag) -> None:
    zoneminder.made_by_another = "dog"
    tag("dog")
    assert names(zoneminder) == ["dog"]


def test_a_long_name_is_cut(zoneminder, tag) -> None:
    tag("x" * 100)
    assert names(zoneminder) == ["x" * 64]


def test_names_that_the_database_cannot_store_keep_no_other_out(zoneminder, tag, caplog) -> None:
    zoneminder.letters = "cp1252"  # as in 1.37 to 1.39
    tag("Łukasz", "dog", "妈妈", "Zoe\u0308 5 €", "🙂", "person")
    assert names(zoneminder) == ["dog", "Zoë 5 €", "Person"]
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 3
    for text, name in zip(told, ("Łukasz", "妈妈", "🙂"), strict=True):
        assert f"cannot store a tag '{name}': its tags have letters of Western Europe" in text
    # Nothing is asked again for what cannot become true.
    assert zoneminder.asked.count("tags getavailabletags") == 1


def test_one_that_is_refused_keeps_no_other_out(zoneminder, tag, monkeypatch) -> None:
    made = zoneminder.createtag
    monkeypatch.setattr(zoneminder, "createtag", lambda to: made(to) if to["tname"] != "x" else [])
    with pytest.raises(PortalError, match=r"did not make a tag 'x'.*needs Events: View"):
        tag("x", "dog", "person")
    assert names(zoneminder) == ["dog", "Person"]


def test_names_that_differ_in_case(zoneminder, tag) -> None:
    """Its table tells them apart; a label takes the tag that there is."""
    zoneminder.tags["5"] = "person"
    tag("person", "PERSON", "Dog", "dog")
    assert names(zoneminder) == ["person", "Dog"]


def test_a_name_that_is_cut_is_told(zoneminder, tag, caplog) -> None:
    with caplog.at_level("INFO", "zmhook.report.tags"):
        tag("y" * 64 + "1", "y" * 64 + "2", " ", "é" * 64)
    assert names(zoneminder) == ["y" * 64, "é" * 64]
    assert "tags have at most 64 characters" in caplog.text


@pytest.mark.parametrize(
    ("version", "has_tags"),
    [("1.36.33", False), ("1.37.43", False), ("1.37.44", True), ("1.38.0~beta1", True)],
)
def test_older_versions_have_none(version: str, has_tags: bool, zoneminder, tag, caplog) -> None:
    zoneminder.version = version
    with caplog.at_level("DEBUG", "zmhook.report.tags"):
        tag("person")
    assert bool(zoneminder.of_event) is has_tags
    told = [record.getMessage() for record in caplog.records if record.name.endswith(".tags")]
    assert told == (
        [] if has_tags else [f"no tags: ZoneMinder {version} has none (1.37.44 and newer do)"]
    )


def test_a_user_who_may_not(zoneminder, tag) -> None:
    zoneminder.may_edit = False
    with pytest.raises(PortalError, match=r"refused .*insufficient permissions.*needs Events"):
        tag("person")


def test_a_tag_that_is_not_made(zoneminder, tag, monkeypatch) -> None:
    monkeypatch.setattr(zoneminder, "createtag", lambda _: [])
    with pytest.raises(PortalError, match="did not make a tag 'dog'"):
        tag("dog")


@pytest.mark.parametrize(("labels", "event"), [((), 7), (("person",), None)])
def test_nothing_to_tag(labels: tuple[str, ...], event: int | None, zoneminder, tag) -> None:
    tag(*labels, event=event)
    assert zoneminder.asked == []
