from __future__ import annotations

import re
from pathlib import Path

from zmhook.settings.keys import ALIASES, OBSOLETE, keys
from zmhook.settings.model import SECTIONS
from zmhook.settings.reference import reference


def test_page_is_what_the_model_says(root: Path) -> None:
    page = root / "docs" / "configuration-reference.md"
    assert page.read_text(encoding="utf-8") == reference(), (
        "run: zmhook config reference > docs/configuration-reference.md"
    )


def test_every_key_has_a_heading_in_its_section() -> None:
    _, *parts = re.split(r"^## ", reference(), flags=re.MULTILINE)
    headings = {
        part.partition("\n")[0]: re.findall(r"^### `(\w+)`$", part, re.MULTILINE) for part in parts
    }
    for section in SECTIONS:
        names = [key.name for key in keys().values() if key.section == section]
        assert headings[f"`[{section}]`"] == names


def test_every_key_has_an_address_of_its_own() -> None:
    """Two headings of one text would share it."""
    headings = re.findall(r"^#+ `?\[?([\w-]+)", reference(), re.MULTILINE)
    names = [name.lower().replace("_", "-") for name in headings]
    assert sorted(set(names)) == sorted(names)


def test_keys_without_effect_are_listed() -> None:
    table = reference().partition("## Keys without effect")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [*OBSOLETE]


def test_names_in_a_description_are_code() -> None:
    page = reference()
    assert "no keeps each fetched frame in `image_path`." in page
    assert "Write `<eid>-<frame>-debug.jpg` into `image_path`" in page
    assert "Format of the JSON after `--SPLIT--` and in objects.json." in page


def test_other_names_are_told() -> None:
    page = reference()
    assert all(f"`{alias}`" in page for alias in ALIASES)
