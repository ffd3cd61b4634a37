"""Where a gateway can fetch a picture itself (`ml_gateway_mode = url`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import PortalError
from zmhook.gateway.shot import Address, Shot

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.frame import Frame
    from zmhook.settings import General
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)


class Addresses:
    """The portal's pictures by their addresses, with the login that the portal wants."""

    def __init__(self, general: General) -> None:
        self._general = general
        self._opened: Portal | None = None

    def shot(self, frame: Frame, deadline: Deadline) -> Shot | None:
        """Return the frame by its address; None where another picture than ours is there.

        That is so of one that came from elsewhere, of a part, and of one that we have reduced.
        """
        event = frame.event
        if event is None or event.id is None or not self._general.portal:
            return None
        portal = self._portal()
        if frame.origin != portal.image_origin(event.id, frame.id) or frame.crop:
            return None
        try:
            url, query = portal.image_address(event.id, frame.id, deadline)
        except PortalError as error:
            log.warning("%s; the picture is sent in place of its address", error)
            return None
        size = frame.width, frame.height
        address = Address(url, query, not self._general.allow_self_signed)
        return Shot(frame.id, size, size, address=address)

    def close(self) -> None:
        portal, self._opened = self._opened, None
        if portal is not None:
            portal.close()

    def _portal(self) -> Portal:
        if self._opened is None:
            from zmhook.zoneminder.api import Portal

            self._opened = Portal(self._general)
        return self._opened
