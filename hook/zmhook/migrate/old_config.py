"""Settings of an old file as plain data, before they are mapped to our keys."""

from __future__ import annotations

import ast
import re
import warnings
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.settings.forms import NO, YES
from zmhook.settings.plugins import with_plugins

if TYPE_CHECKING:
    from zmhook.settings.keys import Key, Schema

LONGEST = 256 * 1024
"""Characters of a literal, or of a value with all placeholders filled."""
_LINE = re.compile(r"on line (\d+)")


@cache
def schema() -> Schema:
    """Return our sections and those of installed packages."""
    return with_plugins()


def find(name: str) -> Key | None:
    """Return the key of that name or alias."""
    return schema().find(name)


class Generation(Enum):
    """The program that a file was written for; the value is its name in messages."""

    FIVE = "version 5"
    SIX = "version 6"
    NG = "Ng"


class OldSetting(NamedTuple):
    """A value of the old file, with its section and key there."""

    section: str
    key: str
    value: Any

    @property
    def location(self) -> str:
        return f"{self.section} {self.key}".strip()


class OldConfig:
    """The settings of one monitor in an old file, or of all (`monitor` is None).

    `flat` are the keys with one value. `ml` and `stream` are the nested descriptions of the models
    and of the frames, None where the file has none or does not use it. `zones` are corners by the
    zone's name, `patterns` by its name and ours for the pattern. `used` are the keys that were put
    in elsewhere, `unread` what was not understood, `unused` the dictionaries that are switched off.
    `secrets` are the tokens of a section of secrets in the file itself, which are never shown.
    """

    def __init__(self, generation: Generation, monitor: int | None) -> None:
        self.generation = generation
        self.monitor = monitor
        self.flat: dict[str, OldSetting] = {}
        self.ml: dict[str, Any] | None = None
        self.stream: dict[str, Any] | None = None
        self.push: dict[str, Any] = {}
        self.zones: dict[str, OldSetting] = {}
        self.patterns: dict[tuple[str, str], OldSetting] = {}
        self.used: set[str] = set()
        self.unread: list[OldSetting] = []
        self.unused: list[OldSetting] = []
        self.secrets: dict[str, str] = {}

    @property
    def is_foreign(self) -> bool:
        """Whether zmhook lacks the model for objects, in a file without a sequence."""
        setting = self.flat.get("object_framework")
        return self.ml is None and setting is not None and str(setting.value).strip() != "opencv"

    def is_yes(self, key: str) -> bool:
        """Say whether a flat key is switched on."""
        return key in self.flat and is_yes(self.flat[key].value)


def words(value: Any) -> list[str]:
    """Return the words of a list, or of a text between commas."""
    parts = value if isinstance(value, list | tuple | set) else str(value).split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def is_yes(value: Any) -> bool:
    return str(value).strip().lower() in YES


def is_no(value: Any) -> bool:
    return str(value).strip().lower() in NO


def parse_literal(text: str) -> Any:
    """Return the value of a Python literal.

    Nothing in it is evaluated. Raises `ValueError`, whose text shows no value.
    """
    stripped = text.strip()
    if len(stripped) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape such as \d, which older files have
            return ast.literal_eval(stripped)
    except SyntaxError as error:
        where = f"line {error.lineno or 1}: "
        raise ValueError(f"{where}is no list or dict in Python's form ({error.msg})") from None
    except ValueError as error:
        line = _LINE.search(str(error))
        where = f"line {line[1]}: " if line else ""
        raise ValueError(f"{where}only texts, numbers, lists and dicts may stand there") from None
    except (TypeError, MemoryError, RecursionError):
        raise ValueError("is no list or dict in Python's form") from None
