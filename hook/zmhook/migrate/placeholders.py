"""Read Python literals of old files, and replace `{{key}}` with the value of that key.

Only paths that mean the same here (`{{base_data_path}}`) stay as they are. What stands in quotes is
put in after the literal was read, so a value can never break out of its quotes.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Any

from zmhook.migrate.old_config import find
from zmhook.settings.section import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zmhook.migrate.old_config import OldSetting

DEEPEST = 10
LONGEST = 256 * 1024  # characters
_LINE = re.compile(r"on line (\d+)")

_IN_LITERAL = re.compile(
    r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\#[^\n]*|\{\{\s*(?P<name>[\w-]+)\s*\}\}"""
)


class Placeholders:
    """The values that replace placeholders, those of one monitor.

    `default` tells what an old program took for a key that its file does not have; None where it
    knew no such key. `used` are the names that were put in.
    """

    def __init__(
        self, flat: Mapping[str, OldSetting], default: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._flat = flat
        self._default = default
        self.used: set[str] = set()

    def fill(self, value: Any) -> Any:
        """Replace the placeholders in all texts of a value, however deep."""
        if isinstance(value, str):
            return self._fill(value, 0)
        if isinstance(value, dict):
            return {key: self.fill(own) for key, own in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(part) for part in value]
        return value

    def parse(self, text: str) -> Any:
        """Read a literal with placeholders inside and outside of quotes.

        Raises `ValueError` when it is none.
        """
        return self.fill(parse_literal(_IN_LITERAL.sub(self._bare, text)))

    def _bare(self, match: re.Match[str]) -> str:
        name = (match["name"] or "").lower()
        if not name:
            return match[0]
        value = self._value(name, 0)
        return repr(match[0]) if value is None else value

    def _fill(self, text: str, depth: int) -> str:
        if "{{" not in text or depth > DEEPEST:
            return text
        filled = VARIABLE.sub(lambda match: self._quoted(match, depth), text)
        if len(filled) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} characters")
        return filled

    def _quoted(self, match: re.Match[str], depth: int) -> str:
        name = match[1].lower()
        value = None if _is_path(name) else self._value(name, depth)
        if value is None or (value.startswith("!") and match[0] != match.string.strip()):
            return match[0]  # our reader puts it in: within a text, no token is looked up
        return value

    def _value(self, name: str, depth: int) -> str | None:
        setting = self._flat.get(name)
        if setting is None:
            return self._default(name)
        self.used.add(name)
        return self._fill(str(setting.value), depth + 1)


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


def _is_path(name: str) -> bool:
    key = find(name)
    return key is not None and key.section == "general" and key.name.endswith("_path")
