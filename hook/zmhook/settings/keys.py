"""The keys of the model, looked up by name, and how one reads its text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from msgspec import Meta

from zmhook.settings import values
from zmhook.settings.model import ALIASES, SECTIONS, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings.section import Section


class Key(NamedTuple):
    """One key of the model: where it belongs, what it holds and what that may be."""

    section: str
    name: str
    kind: Any
    metas: tuple[Meta, ...]
    default: Any

    @property
    def description(self) -> str:
        return next(meta.description for meta in self.metas if meta.description)

    @property
    def form(self) -> str:
        return next((meta.extra["reader"] for meta in self.metas if meta.extra), "")

    @property
    def is_secret(self) -> bool:
        return self.kind is values.Secret

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of which a value, or each word of a list, must be one; empty: any."""
        kind = get_args(self.kind)[0] if self.is_list else self.kind
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def is_list(self) -> bool:
        return get_origin(self.kind) is tuple and get_args(self.kind)[-1] is ...

    @property
    def template(self) -> str | None:
        """A default that has another key's value in it."""
        is_template = isinstance(self.default, str) and "{{" in self.default
        return self.default if is_template else None

    def read(self, text: str) -> Any:
        """Return the value that the text stands for; raises `ValueError` (see `values.py`)."""
        value = self._read(text)
        self._check(value)
        return value

    def _read(self, text: str) -> Any:
        reader = values.FORMS.get(self.form) or values.READERS.get(self.kind)
        if reader:
            return reader(text)
        words = values.read_words(text) if self.is_list else (text.lower(),)
        if self.choices and not set(words) <= set(self.choices):
            raise ValueError
        return words if self.is_list else words[0]

    def _check(self, value: Any) -> None:
        for meta in self.metas:
            if meta.min_length is not None and len(value) < meta.min_length:
                raise ValueError
            if isinstance(value, int | float):
                _check_limits(value, meta)
            elif get_args(self.kind) == (int, int):
                for number in value:
                    _check_limits(number, meta)


def _check_limits(number: float, meta: Meta) -> None:
    if meta.ge is not None and number < meta.ge:
        raise ValueError
    if meta.gt is not None and number <= meta.gt:
        raise ValueError
    if meta.le is not None and number > meta.le:
        raise ValueError


@cache
def keys() -> dict[str, Key]:
    """Every key by its name. Names are unique across the sections."""
    found: dict[str, Key] = {}
    for section, model in SECTIONS.items():
        found.update(keys_of(section, model))
    return found


def keys_of(section: str, model: type[Section]) -> dict[str, Key]:
    """Return the keys of one section; a field that is not described is none."""
    defaults = model()
    return {
        name: Key(
            section, name, annotation.__origin__, annotation.__metadata__, getattr(defaults, name)
        )
        for name, annotation in model.__annotations__.items()
        if hasattr(annotation, "__metadata__")
    }


@cache
def topic_keys() -> dict[str, Key]:
    """Return the keys of `[mqtt-topic-NAME]`, which belong there alone."""
    return keys_of("mqtt-topic-NAME", Topic)


@cache
def named_key(field: str) -> Key:
    """Return how the limit of a label, or a zone's pattern, is read: like its section's own."""
    like = {"detection_pattern": "detect_pattern", "ignore_pattern": "detect_pattern"}
    return keys()[like.get(field, field)]


def find(name: str) -> Key | None:
    """Return the key of that name or alias."""
    return keys().get(ALIASES.get(name, name))


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the end of a message, `; the nearest known is …`, or nothing when none is near."""
    import difflib

    near = difflib.get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return f"; the nearest known is {near[0]}" if near else ""
