"""`[snapshots]`: best snapshots of cameras."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Snapshots(Section, frozen=True, kw_only=True):
    """Best snapshots from cameras: which to store, where, and how events use them."""

    frame_source: Annotated[
        Literal["portal", "snapshots", "both", "fallback"],
        about(
            "Where an event's frames come from. portal: ZoneMinder. snapshots: best "
            "snapshots only. both: best snapshots first, then ZoneMinder's frames. "
            "fallback: ZoneMinder's frames only when the camera sent no best snapshot whose"
            " class matches detect_pattern (or has no class)."
        ),
    ] = "portal"
    snapshot_frames: Annotated[
        int, about("Maximum number of best snapshots to use for an event.", ge=1, le=20)
    ] = 3
    snapshot_wait: Annotated[
        float,
        about(
            "Seconds to wait when there is no best snapshot yet: a camera sends it when the"
            " object has left.",
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
            "Seconds by which cameras' clocks are ahead of this machine's (negative: "
            "behind), if the topic's section has no clock_offset. Subtracted when a best "
            "snapshot is stored.",
            ge=-86400,
            le=86400,
        ),
    ] = 0.0
    trust_camera: Annotated[
        bool,
        about("Treat the camera's own classification as a detection, as if a model had made it."),
    ] = False

    snapshot_path: Annotated[str, about("Folder of the best snapshots and their index.")] = (
        f"{BASE}/snapshots"
    )
    snapshot_classes: Annotated[
        tuple[str, ...],
        about(
            "Classes to store, by the camera's names: human, car, bike … Empty: all. Head, "
            "Face and LicensePlate are stored only when listed.",
            form="labels",
        ),
    ] = ()
    snapshot_min_score: Annotated[Fraction, about("Minimum score of the class.")] = 0.0
    snapshot_min_duration: Annotated[
        float, about("Minimum duration of the track in seconds.", ge=0, le=86400)
    ] = 2.0
    snapshot_min_size: Annotated[
        int, about("Minimum length in pixels of the picture's shorter side.", ge=0, le=10_000)
    ] = 0
    snapshot_max_age: Annotated[
        float, about("Maximum age in days. 0: no limit.", ge=0, le=36500)
    ] = 30.0
    snapshot_max_count: Annotated[
        int, about("Maximum number of best snapshots; the oldest are deleted. 0: no limit.", ge=0)
    ] = 200_000
    snapshot_max_size: Annotated[
        float,
        about(
            "Maximum size of the store in megabytes; the oldest best snapshots are deleted."
            " 0: no limit.",
            ge=0,
        ),
    ] = 20_000.0
    snapshot_disk_reserve: Annotated[
        float, about("Megabytes of the disk that stay free: nothing is stored below.", ge=0)
    ] = 500.0
    snapshot_handlers: Annotated[
        tuple[str, ...],
        about(
            "Handlers of each stored best snapshot: their names, or module:Class of your own.",
            form="handlers",
        ),
    ] = ()
    snapshot_handler_timeout: Annotated[
        float, about("Maximum number of seconds for a handler and one picture.", gt=0, le=600)
    ] = 60.0
    describe: Annotated[
        bool,
        about(
            "Describe stored best snapshots with the [gemini] settings; the same as the "
            "handler describe."
        ),
    ] = False
    describe_classes: Annotated[
        tuple[str, ...],
        about("Describe only these classes. Empty: all.", form="labels"),
    ] = ()
