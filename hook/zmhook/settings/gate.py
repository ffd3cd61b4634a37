"""`[gate]`: which detections count; limits of labels and patterns of zones, named by the user."""

from typing import Annotated, Literal

from msgspec import Struct

from zmhook.settings.section import BASE, Extent, Fraction, Section, Side, about


class Gate(Section, frozen=True, kw_only=True):
    """Which detections are kept: confidence, size, zones, past detections, schedule, cool-down.

    Labels may have limits of their own, in this section or in a monitor's: `car_min_confidence`,
    `car_max_detection_size`, `car_min_detection_size`, `car_past_det_max_diff_area`. The two
    patterns of a zone, `ZONE_zone_detection_pattern` and `ZONE_zone_ignore_pattern`, belong in a
    monitor's section.
    """

    min_confidence: Annotated[Fraction, about("Minimum confidence, for all models.")] = 0.0
    max_detection_size: Annotated[
        Extent | None,
        about("Drop larger boxes: a share of the picture (50%), or pixels (90000px)."),
    ] = None
    min_detection_size: Annotated[
        Extent | None,
        about("Drop smaller boxes: a share of the picture (0.1%), or pixels (400px)."),
    ] = None

    import_zm_zones: Annotated[
        bool,
        about(
            "Also use ZoneMinder's zones of the monitor. They are fetched from the API "
            "every zm_cache_time seconds."
        ),
    ] = False
    only_triggered_zm_zones: Annotated[
        bool, about("Of ZoneMinder's zones, use only those that the event's cause names.")
    ] = False
    zm_cache_time: Annotated[
        float,
        about("Seconds after which a monitor's size and zones are fetched again.", ge=0, le=86400),
    ] = 300.0
    monitor_size: Annotated[
        tuple[Side, Side] | None,
        about(
            "Width and height of the monitor, (1920,1080); zones are in these pixels. no: "
            "ask the API; without an API, zones are in pixels of the picture.",
            form="size",
        ),
    ] = None
    zone_match_strategy: Annotated[
        Literal["any_matching", "first_intersecting", "largest_overlap"],
        about(
            "Which zone decides when a detection touches several: any whose pattern it "
            "matches, the first that it touches, or the one with the largest overlap."
        ),
    ] = "any_matching"
    zone_min_overlap: Annotated[
        Fraction, about("Share of a box that must lie in a zone. 0: touching is enough.")
    ] = 0.0
    zone_anchor: Annotated[
        Literal["box", "foot"],
        about("What must lie in a zone: the box, or the point where the object stands."),
    ] = "box"

    match_past_detections: Annotated[
        bool,
        about(
            "Drop static objects, which were at the same position in an earlier event: a "
            "parked car raises one alarm only."
        ),
    ] = False
    past_det_max_diff_area: Annotated[
        Extent,
        about("How much of a box may lie outside the earlier one to count as the same."),
    ] = Extent(5.0, "%")
    past_det_min_iou: Annotated[
        Fraction,
        about(
            "Boxes that overlap this much (IoU) also count as the same. 0: only the area counts."
        ),
    ] = 0.75
    past_det_expiry: Annotated[
        float,
        about("Seconds without a detection after which an object is forgotten. 0: never.", ge=0),
    ] = 7.0 * 86400
    past_det_misses: Annotated[
        int,
        about("Events in a row without the object after which it is forgotten.", ge=1, le=1000),
    ] = 1
    ignore_past_detection_labels: Annotated[
        tuple[str, ...], about("Labels that raise an alarm each time.", form="labels")
    ] = ()
    aliases: Annotated[
        tuple[tuple[str, ...], ...],
        about(
            "Labels that count as one for past detections: car,truck,bus; dog,cat.",
            form="groups",
        ),
    ] = ()

    active_times: Annotated[
        tuple[str, ...],
        about(
            "When to raise alarms: times as in a crontab (minute hour day month weekday), "
            "separated by semicolons: * 22-23,0-5 * * *; * * * * sat,sun. Empty: always.",
            form="times",
        ),
    ] = ()
    quiet_times: Annotated[
        tuple[str, ...],
        about("When to raise none, in the same format. Wins over active_times.", form="times"),
    ] = ()
    cooldown: Annotated[
        float,
        about(
            "Seconds without another alarm for the same label on that monitor.",
            ge=0,
            le=86400,
        ),
    ] = 0.0
    state_path: Annotated[str, about("Folder of what is remembered from event to event.")] = (
        f"{BASE}/state"
    )


class LabelLimits(Struct, frozen=True, kw_only=True):
    """Limits of one label, which override those of the section; None: not overridden."""

    min_confidence: float | None = None
    max_detection_size: Extent | None = None
    min_detection_size: Extent | None = None
    past_det_max_diff_area: Extent | None = None


class ZoneRule(Struct, frozen=True, kw_only=True):
    """The patterns of one zone: labels to keep and labels to drop; empty: no pattern."""

    detection_pattern: str = ""
    ignore_pattern: str = ""


LABEL_SUFFIXES = {f"_{name}": name for name in LabelLimits.__struct_fields__}
ZONE_SUFFIXES = {
    "_zone_detection_pattern": "detection_pattern",
    "_zone_ignore_pattern": "ignore_pattern",
}
