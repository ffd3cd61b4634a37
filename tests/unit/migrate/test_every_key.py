"""Every key that there was: it is carried over, or listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

T = yaml.safe_load((Path(__file__).parent / "files" / "typical.yml").read_text("utf-8"))
PLAIN = "geheim"
# These choose the model; its other keys are what is left of them.
CHOOSING = {"name", "enabled", "object_framework", "face_detection_framework"}


def ini(sections: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in entries.items())
        for section, entries in sections.items()
    )


def nested(sections: dict[str, dict[str, str]], **sequences: Any) -> str:
    ml = {**sections["ml"], "use_sequence": "yes"}
    ml |= {name: repr(value).replace("\n", " ") for name, value in sequences.items()}
    return ini({**sections, "ml": ml})


def sequence() -> dict[str, Any]:
    kinds = {"object": T["object"], "face": T["face"], "alpr": T["plate"]}
    return {
        "general": T["ml_general"],
        **{
            kind: {"general": T["kind_general"], "sequence": [item]} for kind, item in kinds.items()
        },
    }


def tree() -> dict[str, Any]:
    birds = {"general": {"pattern": ".*"}, "sequence": [T["birdnet"]]}
    return {
        "general": T["ng_general"],
        "push": T["push"],
        "remote": T["remote"],
        "ml": {"stream_sequence": T["stream"], "ml_sequence": {**sequence(), "audio": birds}},
        "monitors": {
            2: {
                "zones": {
                    "drive": {
                        "coords": "0,0 10,0 10,10",
                        "detection_pattern": "car",
                        "ignore_pattern": "bus",
                    }
                }
            }
        },
    }


WHOLE: dict[str, Any] = {
    "five": ini(T["five"]).replace("model=yolo,hog,face\n", "").replace("model_type=tiny\n", ""),
    "six": nested(T["six"], ml_sequence=sequence(), stream_sequence=T["stream"]),
    "six flat": ini(T["six"]),
    "ng": tree(),
}


def leaves(value: Any, key: str = "") -> set[str]:
    """Every key that has a value, however deep."""
    if isinstance(value, dict):
        return {leaf for name, own in value.items() for leaf in leaves(own, str(name))}
    if isinstance(value, list) and any(isinstance(own, dict) for own in value):
        return {leaf for own in value for leaf in leaves(own, key)}
    return {key}


def old_keys(given: Any) -> set[str]:
    if isinstance(given, str):
        return {line.partition("=")[0] for line in given.splitlines() if "=" in line}
    return leaves(given)


@pytest.mark.parametrize("generation", WHOLE)
@pytest.mark.parametrize("missing", [(), ("alpr", "remote"), ("gate", "animation", "hog")])
def test_nothing_is_dropped_silently(result, right, without, generation, missing) -> None:
    """Each old key is named in the result, whatever the model has."""
    without(*missing)
    found = result(WHOLE[generation])
    right(found)
    gone = {key for key in old_keys(WHOLE[generation]) if key not in found.whole.text}
    assert gone <= CHOOSING | {"coords"}


@pytest.mark.parametrize("generation", WHOLE)
def test_what_the_model_does_not_have_is_listed(result, without, generation) -> None:
    with_all = result(WHOLE[generation])
    assert {"ml_gateway", "ml_password"} <= set(with_all.general("remote"))
    assert "alpr_service" in with_all.general("alpr")
    without("alpr", "remote")
    less = result(WHOLE[generation])
    assert (less.general("remote"), less.general("alpr")) == ({}, {})
    words = " ".join(less.places)
    assert all(key in words for key in ("ml_gateway", "ml_password", "alpr_service"))


@pytest.mark.parametrize("generation", WHOLE)
def test_secrets_are_moved_and_never_listed(result, right, generation) -> None:
    found = result(WHOLE[generation], "new-secrets.ini")
    right(found)
    assert PLAIN not in found.whole.text
    assert PLAIN not in str((found.whole.lost, found.whole.notes, found.whole.problems))
    assert f"ZM_PASSWORD={PLAIN}" in found.whole.secrets
