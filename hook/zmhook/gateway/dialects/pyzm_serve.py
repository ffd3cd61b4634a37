"""pyzm.serve 2.5: one model and one picture a request, raw detections.

Its models have a type, and a name of their own where somebody gave them one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import GatewayError
from zmhook.gateway.dialects.base import asked, in_time
from zmhook.gateway.found import are_rows, found, strongest
from zmhook.gateway.question import Answer, Found, Health
from zmhook.gateway.wire import not_understood, refused
from zmhook.printable import one_line

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.gateway.link import Link
    from zmhook.gateway.question import Question
    from zmhook.gateway.shot import Shot

MODELS, INFER = "/models", "/infer"
OBJECT = "object"
TYPES = {"yolo": OBJECT, "hog": OBJECT, "face": "face", "alpr": "alpr"}
HOG = "hog"
"""Its framework of that name is our model; of all others that find objects we have one."""
FETCH_FAILED = "fetch failed"


class _Served(NamedTuple):
    name: str
    type: str
    framework: str

    @property
    def ours(self) -> str:
        """Return what we call such a model; nothing where we have none."""
        if self.type == OBJECT:
            return "hog" if self.framework == HOG else "yolo"
        return self.type if self.type in TYPES else ""


class PyzmServe:
    """Asks a server of pyzm's."""

    def __init__(self) -> None:
        self._served: list[_Served] = []

    def status(self, link: Link, deadline: Deadline) -> Health | None:
        """Return the models; nobody else lists them so."""
        reply = asked(link, MODELS, deadline)
        said = reply.data() if reply.ok else None
        rows = said.get("models") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            return None
        self._served = [_served(row) for row in rows if isinstance(row, dict)]
        names = [one.ours for one in self._served if one.ours]
        return Health("pyzm.serve", list(dict.fromkeys(names)))

    def look(self, link: Link, question: Question) -> Answer:
        """Ask once for each model and picture; a model that fails is not asked about the rest."""
        results: dict[str, Found] = {}
        errors: dict[str, str] = {}
        for name in question.models:
            words = self._words(name, question)
            if words is None:
                errors[name] = f"{link.place}: serves no {name}: it has {self._names()}"
                continue
            some = _looked(link, question, name, words)
            if isinstance(some, str):
                errors[name] = f"{link.place}: {name}: {some}"
            else:
                results[name] = some
        return Answer(results, errors)

    def _words(self, name: str, question: Question) -> dict[str, str] | None:
        """Return what means this model there, None when there is none.

        The first of a type needs no name, and may have none: it is listed by its framework then.
        """
        alike = [one for one in self._served if one.type == TYPES.get(name)]
        fitting = [one for one in alike if one.ours == name]
        if not fitting:
            return None
        meant = next((one for one in fitting if one.name.lower() == name), fitting[0])
        words = {"type": meant.type, "name": "" if meant == alike[0] else meant.name}
        if meant.type == OBJECT and name in question.least:
            words["min_confidence"] = f"{question.least[name]:g}"
        return words

    def _names(self) -> str:
        return ", ".join(f"{one.name} ({one.type})" for one in self._served) or "none"


def _looked(link: Link, question: Question, name: str, words: dict[str, str]) -> Found | str:
    """Return what is in each picture, or why the model cannot say."""
    some: Found = []
    for shot in question.shots:
        in_time(link, question.deadline)
        looked = _one(link, question.deadline, name, words, shot)
        if isinstance(looked, str):
            return looked
        some.append(looked)
    return some


def _one(
    link: Link, deadline: Deadline, name: str, words: dict[str, str], shot: Shot
) -> list[Detection] | str:
    reply = link.ask("POST", INFER, deadline, **_content(words, shot))
    if not reply.ok:
        raise refused(reply, *link.secrets)
    said = reply.data()
    rows = said.get("detections") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(rows, list):
        raise not_understood(reply, *link.secrets)
    if said.get("error"):
        why = reply.said(*link.secrets, shot.address.query if shot.address else "")
        if shot.address and why.startswith(FETCH_FAILED):
            raise GatewayError(f"{link.place}: {why}", "image")
        return why
    if not are_rows(_told(row) for row in rows):
        raise not_understood(reply, *link.secrets)
    return strongest(_found(name, row, shot) for row in rows if isinstance(row, dict))


def _content(words: dict[str, str], shot: Shot) -> dict[str, Any]:
    """Return the form: a picture, or where one is."""
    place = shot.address
    if place is None:
        return {"data": words, "files": [("image", (shot.file_name, shot.data, shot.kind))]}
    more = {"url": place.url, "zm_auth": place.query, "verify_ssl": "1" if place.verify else "0"}
    return {"data": {**words, **more}}


def _told(row: object) -> tuple[object, object, object]:
    said = row if isinstance(row, dict) else {}
    return said.get("label"), said.get("confidence"), said.get("box")


def _found(name: str, row: dict[str, Any], shot: Shot) -> Detection | None:
    return found(name, row.get("label"), row.get("confidence"), shot.box(row.get("box")))


def _served(row: dict[str, Any]) -> _Served:
    return _Served(*(one_line(str(row.get(key, ""))) for key in ("name", "type", "framework")))
