"""Drop what lies in none of the monitor's zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.gate.polygon import touches

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings


def reason(detection: Detection, settings: Settings) -> str | None:
    zones = settings.zones
    if not zones or any(touches(zone.points, detection.box) for zone in zones):
        return None
    return f"in none of the zones {', '.join(zone.name for zone in zones)}"
