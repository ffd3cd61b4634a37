"""Limits and boxes in pixels, where older programs looked at reduced pictures (`resize`).

They counted in pixels of the reduced picture; here all pixels are those of the original one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.migrate.draft import Entry, like
from zmhook.migrate.old import is_no
from zmhook.settings import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.migrate.draft import Draft

_AREAS: tuple[Any, ...] = (values.Extent, values.Extent | None)
_BOXES = (
    "boxes in the JSON and in objects.json were in pixels of the picture reduced to {width}, here "
    "they are of the original picture"
)
_LIMIT = (
    "was in pixels of the picture reduced to {width}; of the original it is (width/{width})² as "
    "much"
)


def note(draft: Draft) -> None:
    """Say so at `resize` and at each area in pixels; the camera's width is not known here."""
    if not _is_reduced(draft):
        return
    width = draft.text("resize")
    for name, text in {"resize": _BOXES, **dict.fromkeys(_limits(draft), _LIMIT)}.items():
        before = draft.entries[name]
        parts = filter(None, (before.note, text.format(width=width)))
        draft.entries[name] = Entry(before.text, ", ".join(parts))


def notes(drafts: Iterable[Draft]) -> list[str]:
    """Return what is to be told at once; what several monitors share, once."""
    told: dict[str, None] = {}
    for draft in filter(_is_reduced, drafts):
        width = draft.text("resize")
        limits = ", ".join(_limits(draft))
        more = f"; so were {limits}: (width/{width})² as much now" if limits else ""
        told[f"resize = {width}: {_BOXES.format(width=width)}{more}"] = None
    return list(told)


def _is_reduced(draft: Draft) -> bool:
    width = draft.text("resize")
    return bool(width) and not is_no(width)


def _limits(draft: Draft) -> Iterator[str]:
    for name, entry in list(draft.entries.items()):
        key = like(name)
        if key and key.kind in _AREAS and entry.text.removesuffix("px").strip().isdigit():
            yield name
