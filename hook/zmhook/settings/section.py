"""Base of the configuration's sections, and how a setting is described.

No `from __future__ import annotations` in the modules of the sections: the types are read as
objects, and strings would have to be evaluated at every start.
"""

import re
from functools import cache
from typing import Annotated, Any

from msgspec import Meta, Struct

from zmhook.errors import Problem, SettingsError

BASE = "{{base_data_path}}"
VARIABLE = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")
"""`{{key}}`: another key's value is put in."""
GROUP = "zmhook.sections"
"""Entry points of sections that installed packages bring; the name is that of the section."""


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


@cache
def installed_section(name: str) -> type[Section]:
    """Import the section that an installed package brings; raises `SettingsError`."""
    from zmhook.extensions import installed

    where = installed(GROUP).get(name)
    if where is None:
        raise _unusable(name, "no installed package brings this section")
    try:
        return _imported(where)
    except Exception as error:
        raise _unusable(name, f"{where} cannot be used: {error or type(error).__name__}") from error


def _imported(where: str) -> type[Section]:
    from importlib import import_module

    module, _, attribute = where.partition(":")
    section = getattr(import_module(module), attribute)
    if not (isinstance(section, type) and issubclass(section, Section)):
        raise TypeError("it is no class that extends Section")
    return section


def _unusable(name: str, why: str) -> SettingsError:
    return SettingsError([Problem("", name, "", why)])


Fraction = Annotated[float, Meta(ge=0, le=1)]
