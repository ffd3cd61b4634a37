"""Find extensions by name: the classes that ship, and those that installed packages register."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Base = TypeVar("Base")


def location(name: str, group: str, built_in: Mapping[str, str]) -> str | None:
    """Return the `module:Class` of a name, not imported; None when there is no such extension.

    Reading the entry points of everything installed costs 15 ms, so only a name that is not
    `built_in` pays for it. A built-in name cannot be taken by an installed package.
    """
    return built_in.get(name) or installed(group).get(name)


def known(group: str, built_in: Mapping[str, str]) -> str:
    """Return all names, for a message."""
    return ", ".join(sorted({*built_in, *installed(group)}))


def installed(group: str) -> dict[str, str]:
    """Return the `module:Class` of each entry point of a group, by name."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=group)}


def imported(location: str, base: type[Base]) -> type[Base]:
    """Import `module:Class`; raises what importing raises, `AttributeError` and `TypeError`.

    A class that does not extend `base` gets the defaults of `base` for what it does not define:
    it was written for the shape alone.
    """
    module, _, attribute = location.partition(":")
    cls = getattr(import_module(module), attribute)
    if not isinstance(cls, type):
        raise TypeError(f"{attribute} is no class")
    if issubclass(cls, base):
        return cls
    return type(cls.__name__, (cls, base), {"__module__": cls.__module__})
