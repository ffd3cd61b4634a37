from __future__ import annotations

import re
from pathlib import Path

from zmhook.settings.keys import keys
from zmhook.settings.legacy import ALIASES, OBSOLETE
from zmhook.settings.model import SECTIONS
from zmhook.settings.reference import reference


def test_page_is_what_the_model_says(root: Path) -> None:
    page = root / "docs" / "configuration-reference.md"
    assert page.read_text(encoding="utf-8") == reference(), (
        "run: zmhook config reference > docs/configuration-reference.md"
    )


def test_every_key_has_a_row_in_its_section() -> None:
    _, *parts = re.split(r"^## ", reference(), flags=re.MULTILINE)
    rows = {
        part.partition("\n")[0]: re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in parts
    }
    for section in SECTIONS:
        names = [key.name for key in keys().values() if key.section == section]
        assert rows[f"`[{section}]`"] == names
    assert rows["Keys without effect"] == [*OBSOLETE]


def test_rows_have_four_cells() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    cells = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert cells == {5, 3}


def test_other_names_are_told() -> None:
    page = reference()
    assert all(f"`{alias}`" in page for alias in ALIASES)
