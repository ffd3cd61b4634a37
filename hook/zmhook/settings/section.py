"""Base of the configuration's sections, and how a setting is described.

No `from __future__ import annotations` in the modules of the sections: the types are read as
objects, and strings would have to be evaluated at every start.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

BASE = "{{base_data_path}}"


class Section(Struct, frozen=True, kw_only=True):
    """Base of the sections; the first line of a section's docstring opens its reference."""


def about(
    description: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    form: str = "",
) -> Meta:
    """Describe a setting.

    The limits hold for a number, `min_length` for a list. Limits of a number within another type
    stand at that number: `Annotated[Annotated[int, Meta(ge=1)] | None, about("…")]`. `form` names
    how the text is read where the type alone does not tell (see `forms.FORMS`).
    """
    limits: dict[str, Any] = {"ge": ge, "gt": gt, "le": le, "min_length": min_length}
    extra = {"form": form} if form else None
    meta: Meta = Meta(description=description, extra=extra, **limits)
    return meta


Fraction = Annotated[float, Meta(ge=0, le=1)]
