"""Sections of the configuration that installed packages bring.

A package names its section in the entry points of the group `zmhook.sections`. Reading them costs
15 ms, so only a configuration that has something unknown pays for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_type_hints

from msgspec import MsgspecError, convert, to_builtins

from zmhook.errors import SettingsError
from zmhook.extensions import installed
from zmhook.settings.hints import allowed
from zmhook.settings.keys import ALIASES, OBSOLETE, VERSION_6, Schema, built_in, keys_of
from zmhook.settings.model import concealed, revealed
from zmhook.settings.section import GROUP, Section, installed_section

if TYPE_CHECKING:
    from zmhook.settings.keys import Key

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_RESERVED = re.compile(r"(monitor|mqtt-topic|secrets|gemini-prompts|known-plates|ml|object)(-.*)?")


def with_plugins() -> Schema:
    """Return our sections and those of installed packages; ours cannot be replaced."""
    ours = built_in()
    schema = Schema(ours.sections)
    for name in sorted(installed(GROUP).keys() - ours.sections.keys()):
        try:
            section = installed_section(name)
            schema.keys |= _checked(schema, name, section)
        except SettingsError as error:
            schema.flaws[name] = error.problems[0].message
        except (TypeError, ValueError, NameError) as error:
            schema.flaws[name] = f"cannot be used: {error}"
        else:
            schema.sections[name] = section
    return schema


def _checked(schema: Schema, name: str, section: type[Section]) -> dict[str, Key]:
    """Return the keys of a section; raises `ValueError` or `TypeError` with what is wrong."""
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError("a section cannot have this name")
    keys = keys_of(name, section, get_type_hints(section, include_extras=True))
    for field in section.__struct_fields__:
        if field not in keys:
            raise ValueError(f"{field} is not described: Annotated[…, about('…')]")
        if other := schema.find(field):
            raise ValueError(f"{field} is a key of [{other.section}] already")
        if field in ALIASES or field in OBSOLETE or field in VERSION_6:
            raise ValueError(f"{field} is the name of a key of older files")
        _check(keys[field])
    return keys


def _check(key: Key) -> None:
    """Check that a key has a description, a valid default and a reader."""
    key.reader()
    if not (key.description and allowed(key)):
        raise ValueError(f"{key.name} is not described")
    if any(word != word.lower() for word in key.choices):
        raise ValueError(f"{key.name}: the words of a Literal are written in lower case")
    try:
        convert(to_builtins(key.default, enc_hook=revealed), key.type, dec_hook=concealed)
    except MsgspecError as error:
        raise ValueError(f"the default of {key.name} is not allowed: {error}") from None
