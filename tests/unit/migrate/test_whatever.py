"""Whatever a file holds, the result is right."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from zmhook.errors import SettingsError

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 99999), st.floats(allow_nan=True), TEXTS,
    st.sampled_from(["!ZM_USER", "!NO", "{{wait}}", "{{mine}}", "5%", "yes", "a #b", "(", "0,0"]),
)  # fmt: skip
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        *("frame_set", "frame_strategy", "frame_skip", "resize", "delay", "disable_ssl_cert_check"),
        *("model_sequence", "wait", "aliases", "zone_match_strategy", "car_max_detection_size"),
        *("pattern", "object_weights", "object_framework", "model_width", "max_size", "enabled"),
        *("pre_existing_labels", "alpr_service", "platerec_payload", "portal", "user", "mine"),
        *("ml_password", "only_triggered_zm_zones", "past_det_max_diff_area"),
    ]
)
ENTRIES = st.dictionaries(NAMES | TEXTS, ANY, max_size=5)
KIND = st.fixed_dictionaries({}, optional={"general": ENTRIES | ANY, "sequence": st.lists(ENTRIES)})
TREES = st.fixed_dictionaries(
    {},
    optional={
        "general": ENTRIES,
        "remote": ENTRIES,
        "push": ANY,
        "ml": st.fixed_dictionaries(
            {},
            optional={
                "stream_sequence": ENTRIES | ANY,
                "ml_sequence": st.fixed_dictionaries(
                    {},
                    optional={"general": ENTRIES | ANY, "object": KIND, "face": KIND, "alpr": KIND},
                ),
            },
        ),
        "monitors": st.dictionaries(
            st.integers(0, 4) | TEXTS,
            st.fixed_dictionaries({}, optional={"zones": st.dictionaries(TEXTS, ANY | ENTRIES)})
            | ENTRIES,
            max_size=2,
        ),
    },
)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(TREES)
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_any_yaml_becomes_a_right_file(result, right, tree: dict[str, Any]) -> None:
    tree = yaml.safe_load(yaml.safe_dump(tree))
    found = result(tree)
    right(found)


VALUES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), max_size=30
)
INIS = st.dictionaries(
    st.sampled_from(["general", "object", "ml", "face", "custom", "monitor-3", "monitor-x"]),
    st.dictionaries(
        st.sampled_from(["wait", "drive", "detect_pattern", "aliases", "ml_password", "mine"])
        | st.sampled_from(["a_zone_detection_pattern", "stream_sequence", "ml_sequence", "models"]),
        VALUES | st.sampled_from(["{'frame_set': '{{mine}}'}", "{{mine}}", "0,0 1,1 2,0", "a #b"]),
        max_size=4,
    ),
)


@given(INIS)
@example({"general": {}, "monitor-3": {"stream_sequence": "0,0 0,1 0,2"}})
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_any_ini_becomes_a_right_file_or_an_error(result, right, sections) -> None:
    text = "".join(
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in entries.items())
        for section, entries in sections.items()
    )
    with suppress(SettingsError):
        right(result(text))
