"""Drop what lies in none of the monitor's zones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zmhook.errors import MissingPart

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings, Zone


def reason(detection: Detection, settings: Settings) -> str | None:
    if not settings.zones:
        return None
    box = detection.box
    shape = _geometry().box(box.x1, box.y1, box.x2, box.y2)
    if any(_polygon(zone).intersects(shape) for zone in settings.zones):
        return None
    return f"in none of the zones {', '.join(zone.name for zone in settings.zones)}"


def _geometry() -> Any:
    try:
        import shapely
    except ImportError:
        raise MissingPart("a zone in [monitor-N]", "shapely", "zones") from None
    return shapely


@lru_cache(maxsize=1024)
def _polygon(zone: Zone) -> Any:
    """Return the zone as a shape; a self-crossing one is mended rather than refused."""
    shapely = _geometry()
    polygon = shapely.make_valid(shapely.Polygon(zone.points))
    shapely.prepare(polygon)
    return polygon
