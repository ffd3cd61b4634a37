"""What is asked about a picture.

A question of the user's own comes first (`[gemini-prompts]`), then ours for what cameras mostly
see, then `gemini_prompt`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from zmhook.describe.schema import FORM
from zmhook.labels.camera import common
from zmhook.printable import one_line
from zmhook.settings import Gemini

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.describe.answer import Subject
    from zmhook.settings import Settings

SCENE = "scene"
"""The label of a whole picture, also in `[gemini-prompts]`."""

_VEHICLE = (
    "What {label} is this? Name its make, its model, its colour and about which year it was "
    "built, as far as they can be told, and anything that sets it apart, such as lettering."
)
_TWO_WHEELS = (
    "Which kind of bike is this: a city, racing, mountain, electric, cargo or children's "
    "bicycle, a scooter, a moped, a motorcycle? Name its colour, and say whether somebody rides it."
)
_PERSON = (
    "Describe this person in one sentence: clothes and their colours, what is carried, what is "
    "being done. Is there a dog with them? Say so in an attribute dog, yes or no. Do not guess "
    "who it is, nor where from."
)
_SCENE = (
    "What happens in this picture of a surveillance camera? Name people, vehicles and animals, "
    "and say what they do."
)

DEFAULTS = {
    **dict.fromkeys(("car", "truck", "bus", "van"), _VEHICLE),
    **dict.fromkeys(("bicycle", "motorcycle", "motorbike", "scooter"), _TWO_WHEELS),
    "person": _PERSON,
}
"""Our questions by label, as models name it."""

_PLACE = re.compile(r"\{(label|monitor|camera|colours|time)\}")
_LONGEST = 80


class Prompts:
    """The questions that these settings ask."""

    def __init__(self, settings: Settings) -> None:
        self._own = {label: one.text for one in settings.prompts for label in one.labels}
        self._general = settings.gemini.gemini_prompt
        self._context = settings.gemini.gemini_context.strip()

    def question(self, subject: Subject) -> str:
        """Return the whole text that goes with a picture of the subject."""
        values = places(subject)
        parts = (filled(self._template(subject.label), values), filled(self._context, values), FORM)
        return "\n\n".join(part for part in parts if part)

    def _template(self, label: str) -> str:
        exact = label.strip().lower() or SCENE
        for name in dict.fromkeys((exact, common(exact))):
            if name in self._own:
                return self._own[name]
            if name in DEFAULTS:
                return DEFAULTS[name]
        # Who has written a question of their own wants it asked about whole pictures, too.
        if exact == SCENE and self._general == Gemini().gemini_prompt:
            return _SCENE
        return self._general


def places(subject: Subject) -> dict[str, str]:
    """Return what is put in for each place; what is not known is called so."""
    moment = datetime.fromtimestamp(subject.time).astimezone() if subject.time else None
    return {
        "label": _plain(common(subject.label)) or SCENE,
        "monitor": _plain(subject.monitor) or "unknown",
        "camera": _plain(subject.camera or subject.monitor) or "unknown",
        "colours": _plain(", ".join(subject.colours)) or "unknown",
        "time": f"{moment:%Y-%m-%d %H:%M}" if moment else "unknown",
    }


def filled(template: str, values: Mapping[str, str]) -> str:
    """Put the values in, once: braces that are no place, or come with a value, stay as they are."""
    return _PLACE.sub(lambda found: values[found[1]], template)


def _plain(text: str) -> str:
    """Keep a name a name: cameras and messages choose it, and it stands in a question."""
    return one_line(text, _LONGEST, more="")
