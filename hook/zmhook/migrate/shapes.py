"""Values of old files → the text that our reader takes for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from zmhook.migrate import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zmhook.settings.keys import Key

_BRACKETS = ("[", "{", "(")
PERCENT = 100


def as_text(key: Key, value: Any) -> str:
    """Return the value as it is written here; raises `ValueError` with what is wrong."""
    if isinstance(value, str):
        value = _opened(key, value.strip())
    text = _written(key, value).strip()
    fix = _FIXES.get(key.name)
    return fix(text) if fix and text else text


def _opened(key: Key, text: str) -> Any:
    """Take off the quotes and brackets that only the old reader needed."""
    if key.is_secret or key.form == "pattern":
        return text
    if text[:1] in _BRACKETS and (key.is_list or key.form == "json"):
        try:
            return literal.parse(text)
        except ValueError:
            return text
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _written(key: Key, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, dict) and key.form == "json":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return _list(key, value)
    raise ValueError("its value has a form that cannot be written here")


def _list(key: Key, value: Iterable[Any]) -> str:
    parts = list(value)
    if key.form == "groups":
        groups = parts if all(isinstance(part, list | tuple) for part in parts) else [parts]
        return "; ".join(_joined(group, ",") for group in groups)
    if key.is_numbers:
        return f"({_joined(parts, ',')})"
    return _joined(parts, "; " if key.form in ("times", "patterns") else ",")


def _joined(parts: Iterable[Any], between: str) -> str:
    texts = [str(part).strip() for part in parts]
    if any(between.strip() in text for text in texts):
        raise ValueError(f"a value with {between.strip()} in it cannot stand in a list here")
    return between.join(texts)


def _percent(text: str) -> str:
    """Write a number without a unit as the share that it was, 5 % where there is no such share."""
    number = text.removesuffix("%")
    if not number.isdigit():
        return text
    return f"{number}%" if int(number) <= PERCENT else "5%"


_FIXES: dict[str, Callable[[str], str]] = {
    "past_det_max_diff_area": _percent,
    "alpr_service": lambda text: {"openalpr": "open_alpr"}.get(text, text),
    "max_frames": lambda text: "1000" if text == "0" else text,
}
