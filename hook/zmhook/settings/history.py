"""`[history]`: the record of decisions."""

from typing import Annotated

from zmhook.settings.section import BASE, Section, about


class History(Section, frozen=True, kw_only=True):
    """The record of every decision, which shows later why there was an alarm, or none."""

    record_history: Annotated[bool, about("Record every decision.")] = True
    history_path: Annotated[str, about("The SQLite file with the decisions.")] = (
        f"{BASE}/state/history.sqlite"
    )
    history_max_age: Annotated[
        float, about("Maximum age of decisions in days. 0: no limit.", ge=0, le=36500)
    ] = 90.0
    history_max_size: Annotated[
        float,
        about(
            "Maximum size of the file in megabytes; the oldest decisions are deleted. 0: no limit.",
            ge=0,
        ),
    ] = 500.0
