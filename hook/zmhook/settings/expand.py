"""Substitute `!TOKEN` and `{{key}}` in values."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from zmhook.errors import SettingsError
from zmhook.settings import inifile
from zmhook.settings.section import VARIABLE
from zmhook.text.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.settings.keys import Key, Schema
    from zmhook.settings.layers import RawValue

LONGEST = 10_000  # characters; values that double each other stop here
_READABLE_BY_ALL = 0o004


class CannotExpand(ValueError):
    """A reference cannot be resolved; `str()` says why."""


class Secrets:
    """The `[secrets]` section of a file; `error` is set if it cannot be read."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.error: SettingsError | None = None
        self._tokens: dict[str, str] = {}
        if path:
            self._read()

    def _read(self) -> None:
        try:
            # A password may hold any character, so nothing in that file is an inline comment.
            sections = inifile.read(self.path, inline_comments=())
        except SettingsError as error:
            self.error = error
            return
        self._tokens = sections.get("secrets", {})

    def __getitem__(self, token: str) -> str:
        """Return a secret; raises `KeyError` with the remedy."""
        if not self.path:
            raise KeyError(f"!{token} needs a secrets file: set [general] secrets")
        if self.error:
            raise KeyError(f"!{token} cannot be looked up in {self.path}")
        if token.lower() not in self._tokens:
            raise KeyError(f"!{token} is not in [secrets] of {self.path}")
        return self._tokens[token.lower()]

    def warnings(self) -> list[str]:
        """Return warnings about what is allowed, but probably a mistake."""
        lines = [
            f"{self.path}: [secrets] {token}: # and what follows is part of the value here"
            for token, text in self._tokens.items()
            if re.search(r"\s#", text)
        ]
        if self._tokens and readable_by_all(self.path):
            lines.append(f"{self.path}: every user of this machine can read it: chmod o-r")
        return lines


def readable_by_all(path: str) -> bool:
    """Say whether every user of the machine may read the file."""
    try:
        return bool(os.stat(path).st_mode & _READABLE_BY_ALL)  # noqa: PTH116 - start-up time
    except OSError:  # it was taken away meanwhile
        return False


class Expander:
    """Resolves references among the entries of one monitor, each once."""

    def __init__(self, entries: Mapping[str, RawValue], secrets: Secrets, schema: Schema) -> None:
        self._entries = entries
        self._schema = schema
        self._secrets = secrets
        self._done: dict[str, str] = {}

    def value(self, name: str, text: str) -> str:
        """Return the text of a key with all references resolved; raises `CannotExpand`."""
        return self._expand(text, (name,))

    def _expand(self, text: str, within: tuple[str, ...]) -> str:
        if text.startswith("!"):
            try:
                return self._secrets[text[1:].strip()]
            except KeyError as error:
                raise CannotExpand(error.args[0]) from None
        if "{{" not in text:
            return text
        expanded = VARIABLE.sub(lambda match: self._other(match, within), text)
        if len(expanded) > LONGEST:
            raise CannotExpand(f"is longer than {LONGEST} characters")
        return expanded

    def _other(self, match: re.Match[str], within: tuple[str, ...]) -> str:
        key = self._schema.find(match[1].lower())
        if key is None:
            near = did_you_mean(match[1].lower(), self._schema.keys)
            raise CannotExpand(f"{match[0]} names no key{near}")
        if key.is_secret:
            raise CannotExpand(f"{match[0]} is a secret, which no other value may hold")
        if key.name in within:
            raise CannotExpand(
                f"{match[0]} leads back to itself: {' → '.join([*within, key.name])}"
            )
        if key.name not in self._done:
            entry = self._entries.get(key.name)
            text = (entry and entry.text) or _default(key)
            self._done[key.name] = self._expand(text, (*within, key.name))
        return self._done[key.name]


def _default(key: Key) -> str:
    if isinstance(key.default, str):
        return key.default
    from zmhook.settings.hints import written

    return written(key, key.default)
