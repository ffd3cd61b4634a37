"""`[snapshots]`: the best snapshots of cameras: which are kept, and how events use them."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Snapshots(Section, frozen=True, kw_only=True):
    """The best snapshots that cameras send: which are kept, where, and how events use them."""

    frame_source: Annotated[
        Literal["portal", "snapshots", "both", "fallback"],
        about(
            "Where an event's pictures come from. portal: ZoneMinder. snapshots: the camera's "
            "own. both: the camera's first, then ZoneMinder's. fallback: ZoneMinder's only when "
            "the camera sent none of a class that detect_pattern wants (or without a class)."
        ),
    ] = "portal"
    snapshot_frames: Annotated[
        int, about("How many of an event's snapshots are looked at, best first.", ge=1, le=20)
    ] = 3
    snapshot_wait: Annotated[
        float,
        about(
            "Seconds to wait for a snapshot when there is none yet: a camera sends it when the "
            "object has left.",
            ge=0,
            le=300,
        ),
    ] = 5.0
    snapshot_margin: Annotated[
        float,
        about(
            "Seconds by which a track may end before the event, or begin after it, and still "
            "belong to it.",
            ge=0,
            le=3600,
        ),
    ] = 2.0
    snapshot_clock_offset: Annotated[
        float,
        about(
            "Seconds that cameras' clocks are ahead of this machine's (negative: behind), where "
            "the topic's section has no clock_offset. Taken off when a snapshot is stored.",
            ge=-86400,
            le=86400,
        ),
    ] = 0.0
    trust_camera: Annotated[
        bool,
        about("Count the camera's own classification as a detection, as if a model had made it."),
    ] = False

    snapshot_path: Annotated[str, about("Folder of the snapshots and their index.")] = (
        f"{BASE}/snapshots"
    )
    snapshot_classes: Annotated[
        tuple[str, ...],
        about(
            "Classes that are kept, as cameras name them: human, car, bike … Empty: all. "
            "Head, Face and LicensePlate are kept only when named.",
            form="labels",
        ),
    ] = ()
    snapshot_min_score: Annotated[
        Fraction, about("A snapshot whose class has a lower score is not kept.")
    ] = 0.0
    snapshot_min_duration: Annotated[
        float, about("Seconds; a shorter track is not kept.", ge=0, le=86400)
    ] = 2.0
    snapshot_min_size: Annotated[
        int, about("Pixels; a picture whose shorter side is less is not kept.", ge=0, le=10_000)
    ] = 0
    snapshot_max_age: Annotated[
        float, about("Days after which snapshots are deleted. 0: never.", ge=0, le=36500)
    ] = 30.0
    snapshot_max_count: Annotated[
        int, about("How many are kept; the oldest go first. 0: any number.", ge=0)
    ] = 200_000
    snapshot_max_size: Annotated[
        float, about("Megabytes they may take; the oldest go first. 0: any.", ge=0)
    ] = 20_000.0
    snapshot_disk_reserve: Annotated[
        float, about("Megabytes of the disk that are left free: nothing is stored below.", ge=0)
    ] = 500.0
    snapshot_handlers: Annotated[
        tuple[str, ...],
        about(
            "What is done with each stored snapshot: names of handlers, or module:Class of one "
            "of your own.",
            form="handlers",
        ),
    ] = ()
    snapshot_handler_timeout: Annotated[
        float, about("Seconds that a handler may take for one snapshot.", gt=0, le=600)
    ] = 60.0
    describe: Annotated[
        bool, about("Have stored snapshots described, as [gemini] says; the same as the handler.")
    ] = False
    describe_classes: Annotated[
        tuple[str, ...],
        about("Only snapshots of these classes are described. Empty: all.", form="labels"),
    ] = ()
