"""Each key that there was, in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

T = yaml.safe_load((Path(__file__).parent / "files" / "typical.yml").read_text("utf-8"))


def ini(sections: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in entries.items())
        for section, entries in sections.items()
    )


def keys_one_by_one() -> list[Any]:
    flat = [
        pytest.param(ini({section: {key: value}}), id=f"{name} {key}")
        for name, generation in (("five", T["five"]), ("six", {**T["six"], "ml": {}}))
        for section, entries in generation.items()
        for key, value in entries.items()
    ]
    return flat + [
        pytest.param(ini({"monitor-3": {key: value}}), id=f"monitor {key}")
        for section in ("general", "object", "remote")
        for key, value in T["six"][section].items()
    ]


@pytest.mark.parametrize("text", keys_one_by_one())
def test_a_key_alone(result, right, text: str) -> None:
    found = result(text)
    right(found)
    key = text.splitlines()[1].partition("=")[0]
    assert key in found.whole.text
