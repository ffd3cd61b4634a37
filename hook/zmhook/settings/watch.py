"""`[watch]`: `zmhook watch`, which follows ZoneMinder's events itself."""

from typing import Annotated

from zmhook.settings.section import Section, about


class Watch(Section, frozen=True, kw_only=True):
    """`zmhook watch`, which calls the hook for new events where nothing else does."""

    watch_events: Annotated[
        bool,
        about(
            "Call the hook for new events. In a section [monitor-N] it applies to that monitor"
            " only."
        ),
    ] = True
    watch_interval: Annotated[
        float, about("Seconds between two requests for new events.", ge=0.2, le=60)
    ] = 1.0
    watch_max_age: Annotated[
        float,
        about(
            "Age in seconds above which an event is left out, such as after a restart or when"
            " ZoneMinder has not answered.",
            ge=5,
            le=86400,
        ),
    ] = 120.0
    watch_max_events: Annotated[
        int,
        about(
            "Maximum number of events that wait. When there are more, the oldest are left out.",
            ge=1,
            le=100,
        ),
    ] = 20
