"""Pack what a job needs of its event (decision, settings, picture), and unpack it."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Raw, Struct, json, structs

from zmhook.detection import Decision
from zmhook.errors import PictureError
from zmhook.frame import Crop
from zmhook.process.environment import set_time_zone
from zmhook.settings.model import from_plain, to_plain
from zmhook.text.bounded_json import decoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.decide import Decided
    from zmhook.frame import Frame
    from zmhook.jobs.spool import Unit
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class _Picture(Struct, frozen=True):
    """What a frame is beside its bytes; `shape` when those are pixels rather than a file."""

    id: str
    origin: str
    crop: Crop | None = None
    shape: tuple[int, int, int] | None = None


class _Entry(Struct, frozen=True):
    decision: Raw
    settings: dict[str, Any]
    picture: _Picture | None = None


class EntryStore(Protocol):
    """Where entries are: `Spool`, or memory."""

    def data(self, entry: str) -> bytes: ...

    def picture(self, entry: str) -> bytes: ...

    def add_unit(self, unit: Unit) -> None: ...

    def remove(self, units: Iterable[Unit]) -> None: ...

    def units(self) -> list[Unit]: ...


class Work:
    """One job: its event's decision, settings and picture.

    `id` is the same whenever the job is tried again, so that who gets a message twice can tell.
    """

    def __init__(
        self,
        decision: Decision,
        settings: Settings,
        *,
        unit: Unit | None = None,
        spool: EntryStore | None = None,
        frame: Frame | None = None,
        picture: _Picture | None = None,
    ) -> None:
        self.decision = decision
        self.settings = settings
        self.unit = unit
        self.id = unit.entry if unit else "test"
        self._spool = spool
        self._frame = frame
        self._picture = picture

    @cached_property
    def frame(self) -> Frame | None:
        """The picture that answered; raises `PictureError`."""
        if self._frame or not (self._picture and self._spool):
            return self._frame
        try:
            data = self._spool.picture(self.id)
        except OSError as error:
            raise PictureError(f"its picture cannot be read ({error.strerror})") from None
        try:
            return _frame(self._picture, data) if data else None
        except ValueError as error:
            raise PictureError(f"its picture is not the one that was stored ({error})") from None

    def follow(self, job: str, due: float) -> None:
        """Have another job done for the same event at a time (seconds since 1970)."""
        if self._spool and self.unit:
            self._spool.add_unit(self.unit._replace(job=job, tries=0, due=due))

    def replace_follower(self, job: str, due: float) -> None:
        """As `follow`, in the place of that job of older events of the same monitor."""
        if self._spool and self.unit:
            self._spool.remove(unit for unit in self._same(job) if unit.entry != self.unit.entry)
            self.follow(job, due)

    def _same(self, job: str) -> list[Unit]:
        if not (self._spool and self.unit):
            return []
        units = self._spool.units()
        return [unit for unit in units if unit.job == job and unit.monitor == self.unit.monitor]


def pack(decided: Decided, settings: Settings) -> tuple[bytes, bytes]:
    """Return what `unpack` makes a `Work` of: the entry, and the picture's bytes."""
    frame = decided.frame
    picture, data = _packed(frame) if frame else (None, b"")
    entry = _Entry(Raw(decided.decision.to_json()), to_plain(settings), picture)
    return json.encode(entry), data


def unpack(spool: EntryStore, unit: Unit) -> Work:
    """Read a job's event.

    Raises `OSError` when it is not there, `ValueError` or msgspec.s `ValidationError` when it was
    written by another version of zmhook and cannot be understood.
    """
    entry = decoded(spool.data(unit.entry), _Entry)
    settings = from_plain(entry.settings)
    decision = Decision.from_json(bytes(entry.decision))
    set_time_zone(settings.general.time_zone)
    return Work(decision, settings, unit=unit, spool=spool, picture=entry.picture)


def _packed(frame: Frame) -> tuple[_Picture, bytes]:
    """Take the file as it came; encoding a picture would cost more than all the rest."""
    crop = structs.replace(frame.crop, source=None) if frame.crop else None
    if frame.data:
        return _Picture(frame.id, frame.origin, crop), frame.data
    height, width = frame.image.shape[:2]
    return _Picture(frame.id, frame.origin, crop, (height, width, 3)), frame.image.tobytes()


def _frame(picture: _Picture, data: bytes) -> Frame:
    from zmhook.frame import Frame, Picture
    from zmhook.image.decode import frame_of

    if picture.shape is None:
        return frame_of(Picture(data, picture.id, picture.origin, picture.crop))
    import numpy as np

    image = np.frombuffer(data, np.uint8).reshape(picture.shape)
    return Frame(image, picture.id, picture.origin, crop=picture.crop)
