"""How pyzm's clients ask (pyzm.serve 2.5): one model, one picture, raw detections."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from zmhook.errors import FrameUnavailable
from zmhook.server.answers import Route, answer
from zmhook.server.exchange import Asked, Refused
from zmhook.server.fetching import Wanted
from zmhook.server.looks import NEVER, ONE_THING, type_found, type_of
from zmhook.server.server import Admitted
from zmhook.server.uploads import Form, form_sink, shown
from zmhook.service.look import ServiceBusy
from zmhook.service.wire import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.net.http_server import Response
    from zmhook.server.looks import Looks

log = logging.getLogger(__name__)

MOST_TOLD = 100
"""Names that are remembered, so that the log has a line of each and not of each request."""
NO = frozenset({"0", "false", "False", ""})


class PyzmServe:
    """Answers `/infer`, `/models` and `/health`.

    What goes wrong with a model is an answer with `error`, as there; what is wrong with a request
    is a status.
    """

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._told: dict[tuple[str, str], None] = {}

    def routes(self) -> dict[str, Route]:
        return {
            "/infer": Route("POST", self._infer),
            "/models": Route("GET", self._models),
            "/health": Route("GET", self._health, is_public=True),
        }

    def _health(self, _: Asked) -> Response:
        loaded = any(self._looks.loaded())
        return answer({"status": "ok", "models_loaded": loaded or self._looks.is_ready()})

    def _models(self, _: Asked) -> Response:
        return answer({"models": [self._model(name) for name in self._looks.served()]})

    def _model(self, name: str) -> dict[str, Any]:
        described = [one for one in self._looks.loaded() if one.partition(":")[0] == name]
        return {
            "name": name,
            "type": type_of(name),
            "framework": "zmhook",
            "loaded": bool(described),
            "processor": _processor(described),
            "requested_processor": _processor(described),
        }

    def _infer(self, asked: Asked) -> Admitted:
        sink = form_sink(asked)
        return Admitted(sink, self._looks.most_bytes, lambda: self._with_room(asked, sink.form))

    async def _with_room(self, asked: Asked, form: Form) -> Response:
        async with self._looks.held(form.one("url")):
            return await self._inferred(asked, form)

    async def _inferred(self, asked: Asked, form: Form) -> Response:
        name, why = self._named(form.one("type"), form.one("name"))
        least = _least(form.one("min_confidence"))
        try:
            view = await self._view(form)
        except FrameUnavailable as error:
            return _failed(f"fetch failed: {error}")
        if why:
            return _failed(why)
        floor = self._looks.floor(name) if least is None else least
        try:
            seen = await self._looks.look(
                asked.peer, [name], [view], {name: floor}, overlap=ONE_THING
            )
        except ServiceBusy as error:
            if not error.retry:
                return _failed(str(error))
            raise Refused(503, str(error)) from None
        if seen.refused:
            raise Refused(
                413 if seen.too_large else 400, f"Could not decode image ({seen.refused})"
            )
        if seen.errors:
            return _failed(seen.errors[name])
        return answer({"detections": _told(seen.results[name][0]), "error": None})

    async def _view(self, form: Form) -> View:
        """Return the picture that came, or is at the address that came."""
        url = form.one("url")
        if url:
            wanted = Wanted(url, form.one("zm_auth"), form.fields.get("verify_ssl", "1") not in NO)
            return View("url", await self._looks.fetched(wanted, self._looks.most_bytes))
        image = form.file("image")
        if image is None:
            raise Refused(400, "Empty file")
        return View(image.name or "image", image.data)

    def _named(self, kind: str, name: str) -> tuple[str, str]:
        """Return the model that is meant, or why there is none.

        Without a name it is the first of that type. Other servers know the models by other names
        (`listen_model_names`): where only one model is of the type, that is meant. Where there are
        several, a name that is none of ours is not taken for one: the answer would be another
        model's.
        """
        if not kind:
            raise Refused(422, "the form's field 'type' is missing")
        found = of_type = self._looks.of_type(kind)
        if name:
            found = [one for one in found if name.lower() in self._looks.names_of(one)]
        if not found and len(of_type) == 1 and not self._is_another(name, kind):
            found = of_type
            self._tell(name, found[0])
        if not found:
            served = ", ".join(self._looks.served()) or "none"
            which = f"type={shown(kind)} name={shown(name)!r}"
            return "", f"no model loaded for {which}; this server has {served}"
        return found[0], self._looks.refusal(found[0])

    def _is_another(self, name: str, kind: str) -> bool:
        """Say whether a name is that of a model of another type."""
        served = self._looks.settings.general.models
        others = (one for one in served if type_of(one) != kind or one in NEVER)
        return any(name.lower() in self._looks.names_of(one) for one in others)

    def _tell(self, name: str, model: str) -> None:
        """Log once of each name that it stands for a model that is called something else."""
        called = shown(name)
        if (called, model) in self._told:
            return
        while len(self._told) >= MOST_TOLD:
            self._told.pop(next(iter(self._told)))
        self._told[called, model] = None
        log.info(
            "a client asks for a model '%s': %s answers, the only one of its type"
            " ([service] listen_model_names)",
            called,
            model,
        )


def _least(text: str) -> float | None:
    if not text:
        return None
    try:
        least = float(text)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        raise Refused(422, "min_confidence: expected a number")
    return least


def _told(found: Sequence[Detection]) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label,
            "confidence": one.confidence,
            "box": one.box,
            "type": type_found(one),
            "model_name": one.model,
        }
        for one in found
    ]


def _failed(why: str) -> Response:
    return answer({"detections": [], "error": why})


def _processor(described: Sequence[str]) -> str:
    return "gpu" if any("CUDA" in one or "GPU" in one for one in described) else "cpu"
