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
    from zmhook.gateway.dialect import ImageDetections
    from zmhook.gateway.remote_plates import RemotePlates
    from zmhook.gateway.session import RemoteSession
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class RemoteDetector(Detector):
    """Replaces `local` in the chain, under the same conditions.

    With `ml_fallback_local` the local model runs if no server answers, and is loaded only then.
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
        self._plates: RemotePlates | None = None
        if self.name == "alpr":
            from zmhook.gateway.remote_plates import RemotePlates

            self._plates = RemotePlates(settings)

    def load(self) -> None:
        """Recognise the servers. One that is not there yet is recognised when it is asked."""
        self._session.prepare()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return what is in each frame; raises `DetectorError`."""
        self.problems = []
        try:
            return self._remotely(frames)
        except DetectorError as error:
            if not self._falls_back:
                raise
            log.warning("%s: %s; running it on this machine instead", self.name, error)
        return self._locally(frames)

    @property
    def description(self) -> str:
        """Name the model and the servers that run it."""
        servers = ", ".join(gateway.address for gateway in self._session.gateways.all)
        here = self._local.description if self._is_local_loaded else ""
        return f"{self.name}: on {servers}{here and f', or {here}'}"

    def close(self) -> None:
        self._session.close()
        if self._is_local_loaded:
            self._is_local_loaded = False
            self._local.close()

    def _remotely(self, frames: Sequence[Frame]) -> ImageDetections:
        if self._plates is not None:
            return self._plates.read(frames, self._infer)
        return self._infer(frames)

    def _infer(self, frames: Sequence[Frame]) -> ImageDetections:
        return self._session.infer(self.name, frames, crops=bool(self.crop_to))

    def _locally(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        if not self._is_local_loaded:
            self._local.load()
            self._is_local_loaded = True
        detections = self._local.detect(frames)
        self.problems += self._local.problems
        return detections


def with_remote(detectors: Sequence[Detector], settings: Settings) -> list[Detector]:
    """Return the detectors, with remote ones in place of those that other machines run."""
    from zmhook.gateway.session import RemoteSession

    session = RemoteSession(settings)
    chain: list[Detector] = [
        RemoteDetector(each, settings, session) if each.name in REMOTE else each
        for each in detectors
    ]
    if settings.general.detection_mode != "first":
        session.together = tuple(
            each.name
            for each in chain
            if isinstance(each, RemoteDetector) and not each.requires and not each.crop_to
        )
    return chain
