"""`{{key}}` in old files: a key's value, put in where it is named.

Only paths that mean the same here (`{{base_data_path}}`) stay as they are. What stands in quotes is
put in after the literal was read, so a value can never break out of its quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from zmhook.migrate import literal
from zmhook.migrate.old import find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zmhook.migrate.old import Given

DEEPEST = 10
LONGEST = literal.LONGEST

_NAMED = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")
_IN_LITERAL = re.compile(
    r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\#[^\n]*|\{\{\s*(?P<name>[\w-]+)\s*\}\}"""
)


class Placeholders:
    """The values that may be named, those of one monitor.

    `default` tells what an old program took for a key that its file does not have; None where it
    knew no such key. `used` are the names that were put in.
    """

    def __init__(
        self, flat: Mapping[str, Given], default: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._flat = flat
        self._default = default
        self.used: set[str] = set()

    def fill(self, value: Any) -> Any:
        """Return the value with every name in its texts put in, however deep."""
        if isinstance(value, str):
            return self._fill(value, 0)
        if isinstance(value, dict):
            return {key: self.fill(own) for key, own in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(one) for one in value]
        return value

    def parse(self, text: str) -> Any:
        """Read a literal in which names may stand with and without quotes.

        Raises `ValueError` when it is none.
        """
        return self.fill(literal.parse(_IN_LITERAL.sub(self._bare, text)))

    def _bare(self, match: re.Match[str]) -> str:
        name = (match["name"] or "").lower()
        if not name:
            return match[0]
        found = self._value(name, 0)
        return repr(match[0]) if found is None else found

    def _fill(self, text: str, depth: int) -> str:
        if "{{" not in text or depth > DEEPEST:
            return text
        filled = _NAMED.sub(lambda match: self._quoted(match, depth), text)
        if len(filled) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} characters")
        return filled

    def _quoted(self, match: re.Match[str], depth: int) -> str:
        name = match[1].lower()
        found = None if _is_path(name) else self._value(name, depth)
        if found is None or (found.startswith("!") and match[0] != match.string.strip()):
            return match[0]  # our reader puts it in: within a text, no token is looked up
        return found

    def _value(self, name: str, depth: int) -> str | None:
        given = self._flat.get(name)
        if given is None:
            return self._default(name)
        self.used.add(name)
        return self._fill(str(given.value), depth + 1)


def _is_path(name: str) -> bool:
    key = find(name)
    return key is not None and key.section == "general" and key.name.endswith("_path")
