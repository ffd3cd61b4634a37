"""`[gate]`: which detections count; limits of labels and patterns of zones, named by the user."""

from typing import Annotated, Literal

from msgspec import Struct

from zmhook.settings.section import BASE, Fraction, Section, about
from zmhook.settings.values import Extent, Side


class Gate(Section, frozen=True, kw_only=True):
    """Which detections count: by confidence, size, place, whether they are new, and the time.

    Labels may have limits of their own, in this section or in a monitor's: `car_min_confidence`,
    `car_max_detection_size`, `car_min_detection_size`, `car_past_det_max_diff_area`. The two
    patterns of a zone, `ZONE_zone_detection_pattern` and `ZONE_zone_ignore_pattern`, stand in a
    monitor's section.
    """

    min_confidence: Annotated[
        Fraction, about("Whatever model it is from, a detection below this is dropped.")
    ] = 0.0
    max_detection_size: Annotated[
        Extent | None,
        about("A detection whose box is larger is dropped: 50% of the picture, or 90000px."),
    ] = None
    min_detection_size: Annotated[
        Extent | None, about("A detection whose box is smaller is dropped: 0.1%, or 400px.")
    ] = None

    import_zm_zones: Annotated[
        bool, about("Use the monitor's zones of ZoneMinder too. Asks its API, every zm_cache_time.")
    ] = False
    only_triggered_zm_zones: Annotated[
        bool, about("Of these, use only the zones that the event's cause names.")
    ] = False
    zm_cache_time: Annotated[
        float,
        about("Seconds for which a monitor's size and zones are not asked again.", ge=0, le=86400),
    ] = 300.0
    monitor_size: Annotated[
        tuple[Side, Side] | None,
        about(
            "Width and height of the monitor, (1920,1080), whose pixels zones are drawn in. no: "
            "the API tells; without one, zones are drawn in the picture's own pixels.",
            form="size",
        ),
    ] = None
    zone_match_strategy: Annotated[
        Literal["any_matching", "first_intersecting", "largest_overlap"],
        about(
            "Which zone judges a detection that touches several: any whose pattern it matches, "
            "the first that it touches, or the one that it overlaps most."
        ),
    ] = "any_matching"
    zone_min_overlap: Annotated[
        Fraction, about("Share of its box that must lie in a zone. 0: touching is enough.")
    ] = 0.0
    zone_anchor: Annotated[
        Literal["box", "foot"],
        about("What must lie in a zone: the box, or the point where the object stands."),
    ] = "box"

    match_past_detections: Annotated[
        bool, about("Drop what was at the same place before: a parked car rings once.")
    ] = False
    past_det_max_diff_area: Annotated[
        Extent,
        about("How much of a box may lie outside the earlier one, and it is still the same."),
    ] = Extent(5.0, "%")
    past_det_min_iou: Annotated[
        Fraction,
        about("Boxes that overlap this much (IoU) are the same too. 0: only the area counts."),
    ] = 0.75
    past_det_expiry: Annotated[
        float,
        about("Seconds after which what was not seen again is forgotten. 0: never.", ge=0),
    ] = 7.0 * 86400
    past_det_misses: Annotated[
        int,
        about("Events in a row without it after which it is forgotten.", ge=1, le=1000),
    ] = 1
    ignore_past_detection_labels: Annotated[
        tuple[str, ...], about("Labels that ring each time.", form="labels")
    ] = ()
    aliases: Annotated[
        tuple[tuple[str, ...], ...],
        about(
            "Labels that are the same thing for past detections: car,truck,bus; dog,cat.",
            form="groups",
        ),
    ] = ()

    active_times: Annotated[
        tuple[str, ...],
        about(
            "When alarms are given: times in cron's form (minute hour day month weekday), "
            "separated by semicolons: * 22-23,0-5 * * *; * * * * sat,sun. Empty: always.",
            form="times",
        ),
    ] = ()
    quiet_times: Annotated[
        tuple[str, ...],
        about("When none are given, in the same form. Wins over active_times.", form="times"),
    ] = ()
    cooldown: Annotated[
        float,
        about(
            "Seconds for which a label that has rung does not ring again on that monitor.",
            ge=0,
            le=86400,
        ),
    ] = 0.0
    state_path: Annotated[str, about("Folder of what is remembered from event to event.")] = (
        f"{BASE}/state"
    )


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
