"""Who reads plates. Each module here holds one service; `base` is the contract."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detectors.alpr.services.base import PlateService
    from zmhook.settings import Settings

# By alpr_service. A module is imported when it is the one that is used.
SERVICES = {
    "local": "local:LocalService",
    "plate_recognizer": "plate_recognizer:PlateRecognizer",
    "open_alpr": "open_alpr:OpenAlpr",
    "open_alpr_cmdline": "cmdline:CommandLine",
}


def service_for(settings: Settings) -> PlateService:
    """Make the service that `alpr_service` names; costs nothing until it is loaded."""
    module, _, name = SERVICES[settings.alpr.alpr_service].partition(":")
    made: PlateService = getattr(import_module(f"{__name__}.{module}"), name)(settings)
    return made
