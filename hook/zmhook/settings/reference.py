"""The reference page of the configuration, made from the model."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from zmhook.settings import legacy
from zmhook.settings.hints import allowed, written
from zmhook.settings.keys import topic_keys
from zmhook.settings.legacy import ALIASES
from zmhook.settings.plugins import with_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.settings.keys import Key, Schema

_BEGINNING = """\
# Configuration reference

Every key of `objectconfig.ini`. This page is made from the code: `zmhook config reference`.

- An empty value is the default.
- `!TOKEN` is looked up in the `[secrets]` section of the file that `secrets` names.
- `{{key}}` is replaced by that key's value.
- Any key but `secrets` may also stand in a `[monitor-N]` section, and holds for monitor N then.
- `-O section.key=value` on the command line overrides a key for one run and for every monitor;
  `-O monitor-3.key=value` does so for monitor 3.
"""

_PLATES = """\
## `[known-plates]`

Plates whose owner is known: the plate's text, then the name that is shown in its place. `*` stands
for any letters, `?` for one; blanks and dashes do not matter.

```ini
[known-plates]
B-XY 123 = Anna
M-?? 4* = delivery
```
"""

_ZONES = """\
## `[monitor-N]`

N is the monitor's number in ZoneMinder. Beside the keys of all other sections it takes zones: any
other key whose value is a polygon.

```ini
[monitor-3]
models = yolo
driveway = 0,400 1280,400 1280,720 0,720
```

A zone is written as corners `x,y` in whole pixels of the monitor's full picture, at least three,
with spaces between them.
"""

_TOPICS = """\
## `[mqtt-topic-NAME]`

One section for each topic about which there is more to say than its name. `mqtt_topic` then needs
to name only the others.

```ini
[mqtt-topic-front]
topic = axis/front/track
monitor = 3
```
"""

_PROMPTS = """\
## `[gemini-prompts]`

What Gemini is asked, by label: one label, or several between commas, then the question. What
`{label}` and the others stand for is told at `gemini_prompt`, which is asked about labels that
are not here.

```ini
[gemini-prompts]
dog = Which breed of dog is this?
car, truck, bus = Name make, model and colour of this {label}.
```
"""

_LEGACY = """\
## Keys without effect

These keys of older files are accepted, so that such a file can be used as it is. They do nothing;
`zmhook config check` lists those that a file has.
"""


_HEADS = ("Key", "Allowed", "Default", "Meaning")


def reference() -> str:
    """Return the page, as Markdown."""
    schema = with_plugins()
    sections = [_section(name, schema) for name in schema.sections]
    rows = [f"| `{key}` | {why} |" for key, why in legacy.OBSOLETE.items()]
    table = _table(("Key", "Why"), rows)
    topics = _table(_HEADS, [_row(key) for key in topic_keys().values()])
    parts = [_BEGINNING, *sections, _TOPICS, topics, _PROMPTS, _PLATES, _ZONES, _LEGACY, table]
    return "\n".join(parts)


def _section(name: str, schema: Schema) -> str:
    about = inspect.cleandoc(schema.sections[name].__doc__ or "")
    rows = [_row(key) for key in schema.keys.values() if key.section == name]
    table = _table(_HEADS, rows)
    return f"## `[{name}]`\n\n{about}\n\n{table}"


def _row(key: Key) -> str:
    default = written(key, key.default)
    cells = (
        f"`{key.name}`",
        allowed(key),
        f"`{default}`" if default else "empty",
        f"{key.description}{_aliases(key.name)}",
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _aliases(name: str) -> str:
    others = [f"`{alias}`" for alias, meant in ALIASES.items() if meant == name]
    return f" Also called {', '.join(others)}." if others else ""


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    return "\n".join([*_head(tuple(heads)), *rows, ""])


def _head(heads: tuple[str, ...]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"


def _cell(text: str) -> str:
    """Keep what Markdown would read as its own."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("--SPLIT--", "`--SPLIT--`")
