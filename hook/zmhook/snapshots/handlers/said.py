"""What handlers return, in the form in which it is stored with a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Detection
    from zmhook.snapshots.snapshot import Attribute


def said(handler: str, found: Iterable[Detection]) -> dict[str, Attribute]:
    """Return names and values.

    A description's label and attributes have their own names; whatever else was found is listed
    under the name of the model, or of the handler where that names none.
    """
    told: dict[str, Attribute] = {}
    lists: dict[str, list[str]] = {}
    for one in found:
        if one.kind == "description":
            told |= _described(one)
        else:
            lists.setdefault(one.model or handler, []).append(_listed(one))
    return {**told, **{name: ", ".join(labels) for name, labels in lists.items()}}


def _described(one: Detection) -> dict[str, Attribute]:
    own: dict[str, Attribute] = {"label": one.label, "confidence": round(one.confidence, 4)}
    return {**one.attributes, **own, "model": one.model}


def _listed(one: Detection) -> str:
    attributes = ", ".join(f"{name} {value}" for name, value in one.attributes.items())
    return f"{one.label} {one.confidence:.0%}" + (f" ({attributes})" if attributes else "")
