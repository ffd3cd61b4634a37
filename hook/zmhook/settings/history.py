"""`[history]`: what was decided, and why, to look it up later."""

from typing import Annotated

from zmhook.settings.section import BASE, Section, about


class History(Section, frozen=True, kw_only=True):
    """Every decision is recorded, so that one can look up later why a phone rang, or did not."""

    record_history: Annotated[bool, about("Record every decision.")] = True
    history_path: Annotated[str, about("The file that they are recorded in (SQLite).")] = (
        f"{BASE}/state/history.sqlite"
    )
    history_max_age: Annotated[
        float, about("Days after which they are deleted. 0: never.", ge=0, le=36500)
    ] = 90.0
    history_max_size: Annotated[
        float, about("Megabytes that the file may take; the oldest go first. 0: any.", ge=0)
    ] = 500.0
