"""Limits of single labels and patterns of single zones: keys whose names are the user's."""

from msgspec import Struct

from zmhook.settings.values import Extent


class Label(Struct, frozen=True, kw_only=True):
    """What holds for one label in place of the section's own; None: nothing of its own."""

    min_confidence: float | None = None
    max_detection_size: Extent | None = None
    min_detection_size: Extent | None = None
    past_det_max_diff_area: Extent | None = None


class ZoneRule(Struct, frozen=True, kw_only=True):
    """The patterns of one zone: what counts there, and what does not; empty: no pattern."""

    detection_pattern: str = ""
    ignore_pattern: str = ""


LABEL_SUFFIXES = {f"_{name}": name for name in Label.__struct_fields__}
ZONE_SUFFIXES = {
    "_zone_detection_pattern": "detection_pattern",
    "_zone_ignore_pattern": "ignore_pattern",
}
