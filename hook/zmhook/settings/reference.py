"""Generate the reference page of the configuration."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from zmhook.settings.hints import allowed, written
from zmhook.settings.keys import ALIASES, OBSOLETE, topic_keys
from zmhook.settings.plugins import with_plugins

if TYPE_CHECKING:
    from zmhook.settings.keys import Key, Schema

_BEGINNING = """\
---
tocdepth: 2
---

# Configuration reference

All keys of `objectconfig.ini`, by section. Each key has an address of its own, such as
`configuration-reference.html#detect-pattern`. `zmhook config reference` prints this page.

- An empty value means the default.
- `!TOKEN` is looked up in the `[secrets]` section of the file that `secrets` names.
- `{{key}}` is replaced by that key's value.
- Any key except `secrets` may also be in a section `[monitor-N]`, where it applies to monitor N.
- `-O section.key=value` on the command line overrides a key for one run and for every monitor;
  `-O monitor-3.key=value` does so for monitor 3.
"""

_PLATES = """\
## `[known-plates]`

Known plates: the plate's text, then the name to show instead. `*` stands for any number of
characters, `?` for one; spaces and dashes are ignored.

```ini
[known-plates]
B-XY 123 = Anna
M-?? 4* = delivery
```
"""

_ZONES = """\
## `[monitor-N]`

Settings for one monitor; N is its number in ZoneMinder. Besides the keys of all other sections it
may have zones: any other key whose value is a polygon.

```ini
[monitor-3]
models = yolo
driveway = 0,400 1280,400 1280,720 0,720
```

A zone is a list of at least three corners `x,y`, separated by spaces, in whole pixels of the
monitor's full picture, or all in percent of it.
"""

_TOPICS = """\
## `[mqtt-topic-NAME]`

One section for each topic that needs settings of its own. Such a topic need not be in `mqtt_topic`.

```ini
[mqtt-topic-front]
topic = axis/front/track
monitor = 3
```
"""

_PROMPTS = """\
## `[gemini-prompts]`

Prompts by label: one label, or several separated by commas, then the prompt. The placeholders are
those of `gemini_prompt`, which is the prompt for all other labels.

```ini
[gemini-prompts]
dog = Which breed of dog is this?
car, truck, bus = Name make, model and colour of this {label}.
```
"""

_LEGACY = """\
## Keys without effect

These keys of older files are accepted without effect, so that you can use such a file as it is.
`zmhook config check` lists those in your file.
"""

_CODE = re.compile(
    r"`[^`]*`|\{\{?\w+\}?\}|!TOKEN|--SPLIT--|\[[a-z-]+\]|<[a-z]+>[\w<>.-]*|\b[\w.-]*[a-z]_[\w.-]*\w"
)
"""Names, placeholders and section names in a description; what is code already stays as it is."""


def reference() -> str:
    """Return the page, as Markdown: a section of the file each, with a heading for each key."""
    schema = with_plugins()
    sections = [_section(name, schema) for name in schema.sections]
    topics = [_key(key) for key in topic_keys().values()]
    parts = [_BEGINNING, *sections, _TOPICS, *topics, _PROMPTS, _PLATES, _ZONES, _LEGACY, _legacy()]
    return "\n".join(parts)


def _section(name: str, schema: Schema) -> str:
    about = inspect.cleandoc(schema.sections[name].__doc__ or "")
    keys = [_key(key) for key in schema.keys.values() if key.section == name]
    return "\n".join([f"## `[{name}]`\n\n{about}\n", *keys])


def _key(key: Key) -> str:
    default = written(key, key.default)
    facts = f"{allowed(key)} · default: {f'`{default}`' if default else 'empty'}"
    return f"""\
### `{key.name}`

{_marked(key.description)}{_aliases(key.name)}

*{_marked(facts)}*
"""


def _aliases(name: str) -> str:
    others = [f"`{alias}`" for alias, meant in ALIASES.items() if meant == name]
    return f" Also called {', '.join(others)}." if others else ""


def _legacy() -> str:
    rows = [f"| `{key}` | {_marked(why)} |" for key, why in OBSOLETE.items()]
    return "\n".join(["| Key | Why |", "|---|---|", *rows, ""])


def _marked(text: str) -> str:
    """Mark names and placeholders as code, and escape what Markdown would read otherwise."""
    parts = re.split(r"(`[^`]*`)", _CODE.sub(_as_code, text))
    parts[::2] = [re.sub(r"[|<*]", r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def _as_code(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("`") else f"`{match[0]}`"
