"""Settings as plain data, for sending them to another process and for comparing them."""

from __future__ import annotations

from typing import Any

import msgspec

from zmhook.settings.keys import keys
from zmhook.settings.model import SECTIONS, Label, Prompt, Settings, Topic, ZoneRule
from zmhook.settings.values import Secret, Zone

_LISTS: dict[str, Any] = {
    "topics": tuple[Topic, ...],
    "prompts": tuple[Prompt, ...],
    "plates": dict[str, str],
    "zones": tuple[Zone, ...],
    "labels": dict[str, Label],
    "zone_rules": dict[str, ZoneRule],
}


def to_plain(settings: Settings) -> dict[str, Any]:
    """Return dicts, lists, texts and numbers. Secrets are in it: it is for our processes only."""
    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=_reveal)
    return plain


def from_plain(plain: dict[str, Any]) -> Settings:
    """Return the settings that `to_plain` made this of."""
    sections = {
        name: section(**{key: _value(key, value) for key, value in plain[name].items()})
        for name, section in SECTIONS.items()
    }
    lists = {name: msgspec.convert(plain[name], kind) for name, kind in _LISTS.items()}
    return Settings(**sections, **lists)  # type: ignore[arg-type]


def _value(name: str, value: Any) -> Any:
    return msgspec.convert(value, keys()[name].kind, dec_hook=_conceal)


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"a {type(value).__name__} has no plain form")


def _conceal(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise TypeError(f"a {kind.__name__} has no plain form")
