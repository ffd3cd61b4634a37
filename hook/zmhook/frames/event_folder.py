"""The pictures in an event's folder on disk, as ZoneMinder's capture daemon writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import FrameUnavailable
from zmhook.frames.file import read
from zmhook.frames.patience import Waiter
from zmhook.frames.picture import checked

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Picture
    from zmhook.frames.patience import Patience

# ZoneMinder's option EVENT_IMAGE_DIGITS; 5 unless somebody changed it.
USUAL_DIGITS = 5


class EventFolder:
    """Reads `snapshot.jpg`, `alarm.jpg` and `00042-capture.jpg`.

    snapshot.jpg is rewritten in place while the event goes on, so a reader can meet it empty or
    cut short. `patience` says how long to wait for the rest of it, and, unless `missing_is_final`,
    for a picture that is not there.
    """

    def __init__(
        self,
        path: str | Path,
        max_pixels: int,
        patience: Patience,
        *,
        missing_is_final: bool = False,
    ) -> None:
        self.path = Path(path)
        self.max_pixels = max_pixels
        self._waiter = Waiter(patience)
        self.missing_is_final = missing_is_final

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        return self._waiter.ask(frame_id, lambda: self._once(frame_id, deadline), deadline)

    def close(self) -> None:
        """Nothing is held open."""

    def _once(self, frame_id: str, deadline: Deadline) -> Picture:
        deadline.check(f"reading the {frame_id} picture in {self.path}")
        try:
            file = self._file(frame_id)
            data = read(file)
        except FrameUnavailable as error:
            error.retry = error.retry and not self.missing_is_final
            raise
        return checked(data, frame_id, str(file), self.max_pixels)

    def _file(self, frame_id: str) -> Path:
        if not frame_id.isdecimal():
            return self.path / f"{frame_id}.jpg"
        usual = self.path / f"{int(frame_id):0{USUAL_DIGITS}}-capture.jpg"
        return usual if usual.exists() else self._padded(int(frame_id)) or usual

    def _padded(self, number: int) -> Path | None:
        """Find the number written with any count of leading zeros."""
        wanted = re.compile(rf"0*{number}-capture\.jpg")
        try:
            return next((file for file in self.path.iterdir() if wanted.fullmatch(file.name)), None)
        except FileNotFoundError:
            raise FrameUnavailable(f"{self.path}: there is no such folder", retry=True) from None
        except OSError as error:
            raise FrameUnavailable(f"{self.path}: cannot be read ({error.strerror})") from None
