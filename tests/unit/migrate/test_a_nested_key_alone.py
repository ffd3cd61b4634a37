"""Each key of the nested forms, in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

T = yaml.safe_load((Path(__file__).parent / "files" / "typical.yml").read_text("utf-8"))
# These choose the model; its other keys are what is left of them.
CHOOSING = {"name", "enabled", "object_framework", "face_detection_framework"}


PARTS = {
    "stream": (T["stream"], lambda part: {"ml": {"stream_sequence": part}}),
    "general": (T["ml_general"], lambda part: {"ml": {"ml_sequence": {"general": part}}}),
    "object": (T["object"], lambda part: _item("object", part)),
    "face": (T["face"], lambda part: _item("face", part)),
    "alpr": (T["plate"], lambda part: _item("alpr", part)),
    "kind": (T["kind_general"], lambda part: {"ml": {"ml_sequence": {"face": {"general": part}}}}),
    "monitor": (T["ng_general"], lambda part: {"monitors": {3: part}}),
    "push": (T["push"], lambda part: {"push": part}),
    "remote": (T["remote"], lambda part: {"remote": part}),
}


def _item(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    general = {"model_sequence": kind}
    return {"ml": {"ml_sequence": {"general": general, kind: {"sequence": [part]}}}}


@pytest.mark.parametrize(
    ("part", "key"), [(part, key) for part, (entries, _) in PARTS.items() for key in entries]
)
def test_a_nested_key_alone(result, right, part: str, key: str) -> None:
    entries, around = PARTS[part]
    found = result(around({key: entries[key]}))
    right(found)
    said = {"model_sequence": "models"}.get(key, key)
    assert said in found.whole.text or key in CHOOSING
