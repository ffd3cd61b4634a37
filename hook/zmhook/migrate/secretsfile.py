"""Write the new secrets file: the old tokens, and passwords that were in the configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.migrate import ng
from zmhook.migrate.draft import ConfigLine, is_writable
from zmhook.migrate.old_config import find
from zmhook.settings import inifile
from zmhook.storage import regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.migrate.document import Document

_HEADER = re.compile(r"^\[secrets\][^\n]*\n?", re.MULTILINE)
_NAMES = {"password": "ZM_PASSWORD"}
_MOVED = "is in the secrets file now"
_KEPT = "a plain password: --secrets FILE moves it to a file of its own"


def read(path: str) -> dict[str, str]:
    """Return the tokens of a secrets file in ini or YAML form, by their lower-case names.

    Raises `SettingsError` when it cannot be read.
    """
    values = ng.secrets(path) if ng.is_ng(path) else _ini(path).get("secrets", {})
    return {token.strip().lower(): text for token, text in values.items()}


def _ini(path: str) -> inifile.Sections:
    return inifile.read(path, inline_comments=())


def as_ini(tokens: dict[str, str]) -> str:
    """Return the text of a secrets file with these tokens."""
    lines = [f"{token}={text}\n" for token, text in tokens.items() if _fits(text)]
    return "".join(["[secrets]\n", *lines])


def plain(document: Document) -> Iterator[tuple[str, str, ConfigLine]]:
    """Yield the lines with a plain secret instead of a token."""
    for section, name, entry in document.lines():
        key = find(name)
        if key and key.is_secret and entry.text and not entry.text.startswith("!"):
            yield section, name, entry


def values_of(document: Document) -> list[str]:
    """Return the secrets that stand in the document."""
    return [entry.text for _, _, entry in plain(document)]


def tokens(document: Document) -> list[str]:
    """Return the tokens that the document names."""
    return [entry.text[1:] for _, _, entry in document.lines() if entry.text.startswith("!")]


def keep_plain(document: Document) -> list[str]:
    """Leave plain secrets in the configuration where possible; return notes about them."""
    kept = []
    for section, name, entry in list(plain(document)):
        if is_writable(entry.text):
            document.sections[section][name] = ConfigLine(entry.text, _KEPT)
            kept.append(f"[{section}] {name}")
        else:
            why = "it cannot stand here, where # or ; begins a comment: --secrets FILE moves it"
            document.remove(section, name, why)
    return [f"{', '.join(kept)}: {_KEPT}"] if kept else []


class SecretsFile:
    """A new or extended secrets file; its existing lines never change."""

    def __init__(self, path: str, old: dict[str, str]) -> None:
        self.path = path
        self.notes: list[str] = []
        self._old = old
        self._text = "[secrets]\n"
        self._there: dict[str, str] = {}
        self._new: dict[str, str] = {}
        if Path(path).exists():
            self._there = {
                name.lower(): text for name, text in _ini(path).get("secrets", {}).items()
            }
            self._text = regular.read(path, follow=True).decode("utf-8-sig")

    def take(self, document: Document) -> None:
        """Move the plain secrets of the document here, and copy the tokens that it names."""
        for section, name, entry in list(plain(document)):
            if not _fits(entry.text):
                document.remove(section, name, "its value cannot stand in a secrets file")
                continue
            token = self._free(_token(section, name), entry.text)
            self._new[token] = entry.text
            document.sections[section][name] = ConfigLine(f"!{token}", _MOVED)
        for section, name, entry in list(document.lines()):
            token = entry.text[1:].strip()
            if entry.text.startswith("!") and not self._has(token):
                text = f"!{self._carried(token)}"
                document.sections[section][name] = ConfigLine(text, entry.note)

    def _has(self, token: str) -> bool:
        return token.lower() in map(str.lower, self._new)

    def _carried(self, token: str) -> str:
        """Return the token of an old secret in the new file."""
        text, there = self._old.get(token.lower()), self._there.get(token.lower())
        if there is not None and text in (None, there):
            return token
        if text is None:
            self.notes.append(f"!{token} is in no secrets file: add it to {self.path}")
        elif not _fits(text):
            self.notes.append(f"!{token} cannot be written to {self.path}: it has several lines")
        elif there is None:
            self._new[token] = text
        else:
            token = self._renamed(token, text)
        return token

    def _renamed(self, token: str, text: str) -> str:
        """Choose another token, as the file has this one with another value that may be in use."""
        free = self._free(token, text)
        if not self._has(free):
            self._new[free] = text
            self.notes.append(f"{self.path} has another {token}: the old one is {free} there")
        return free

    def _free(self, token: str, text: str) -> str:
        """Return a token that is unused, or already stands for this secret."""
        known = {name.lower(): own for name, own in self._new.items()}
        known = {**self._old, **self._there, **known}
        number, free = 1, token
        while known.get(free.lower(), text) != text:
            number += 1
            free = f"{token}_{number}"
        return free

    @property
    def is_new(self) -> bool:
        """Whether there is anything to write."""
        return any(token.lower() not in self._there for token in self._new)

    def text(self) -> str:
        """Return the whole file, new tokens first."""
        lines = "".join(
            f"{token}={text}\n"
            for token, text in self._new.items()
            if token.lower() not in self._there
        )
        if not _HEADER.search(self._text):
            return f"{self._text.rstrip()}\n\n[secrets]\n{lines}".lstrip()
        return _HEADER.sub(lambda _: f"[secrets]\n{lines}", self._text, count=1)


def _token(section: str, name: str) -> str:
    token = _NAMES.get(name, name.upper())
    return (
        f"{token}_{section.upper().replace('-', '_')}" if section.startswith("monitor") else token
    )


def _fits(text: str) -> bool:
    return text == text.strip() and text.isprintable()
