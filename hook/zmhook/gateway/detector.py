"""A model on another machine, as the chain sees it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.detectors.base import REMOTE, Detector
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame
    from zmhook.gateway.plates import Plates
    from zmhook.gateway.question import Found
    from zmhook.gateway.session import RemoteSession
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class RemoteDetector(Detector):
    """Stands in the chain in place of `local`, under the same conditions.

    With `ml_fallback_local` that one looks where no other machine answers; it is loaded then.
    """

    def __init__(self, local: Detector, settings: Settings, session: RemoteSession) -> None:
        super().__init__(settings)
        self.name = local.name
        self.requires = local.requires
        self.crop_to = local.crop_to
        self.new_only = local.new_only
        self.max_crops = local.max_crops
        self.problems: list[DetectorError] = []
        self._local = local
        self._is_local_loaded = False
        self._falls_back = settings.remote.ml_fallback_local
        self._session = session
        self._plates: Plates | None = None
        if self.name == "alpr":
            from zmhook.gateway.plates import Plates

            self._plates = Plates(settings)

    def load(self) -> None:
        """Get to know the other machines; who is not there is found out when asked."""
        self._session.prepare()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return what is in each frame; raises `DetectorError`."""
        self.problems = []
        try:
            return self._remotely(frames)
        except DetectorError as error:
            if not self._falls_back:
                raise
            log.warning("%s: %s; looking here instead", self.name, error)
        return self._locally(frames)

    @property
    def description(self) -> str:
        """Name the model and the machines that are asked."""
        places = ", ".join(gateway.place for gateway in self._session.gateways.all)
        here = self._local.description if self._is_local_loaded else ""
        return f"{self.name}: asked of {places}{here and f', or {here}'}"

    def close(self) -> None:
        self._session.close()
        if self._is_local_loaded:
            self._is_local_loaded = False
            self._local.close()

    def _remotely(self, frames: Sequence[Frame]) -> Found:
        if self._plates is not None:
            return self._plates.read(frames, self._look)
        return self._look(frames)

    def _look(self, frames: Sequence[Frame]) -> Found:
        return self._session.look(self.name, frames, crops=bool(self.crop_to))

    def _locally(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        if not self._is_local_loaded:
            self._local.load()
            self._is_local_loaded = True
        found = self._local.detect(frames)
        self.problems += self._local.problems
        return found


def with_remote(detectors: Sequence[Detector], settings: Settings) -> list[Detector]:
    """Return the detectors with those that other machines have put in the place of local ones."""
    from zmhook.gateway.session import RemoteSession

    session = RemoteSession(settings)
    chain: list[Detector] = [
        RemoteDetector(one, settings, session) if one.name in REMOTE else one for one in detectors
    ]
    if settings.general.detection_mode != "first":
        session.together = tuple(
            one.name for one in chain if isinstance(one, RemoteDetector) and _is_always(one)
        )
    return chain


def _is_always(one: RemoteDetector) -> bool:
    return not one.requires and not one.crop_to
