"""One snapshot: the best picture that a camera has of something it tracked."""

from __future__ import annotations

from msgspec import Struct, field

Attribute = str | float | int | bool


class SceneBox(Struct, frozen=True, array_like=True):
    """A box in the camera's whole picture: 0..1 each, from the upper left corner.

    Source: Axis analytics data format, basic types.
    """

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


class Classification(Struct, frozen=True):
    """A class as the camera names it (`Human`), and its score 0..1 (None: it gave none)."""

    name: str
    score: float | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """A tracked object with its picture. Times are seconds since the epoch, UTC, our clock.

    `label` is the best class, as the camera names it; empty when it named none. `taken` is when
    the picture was taken. `ended` says whether the track is over (`end` may then still be unknown);
    while it goes on, `end` is when it was last seen.
    `box` is the object in the scene and `crop` the picture's own place there; None when unknown.
    `picture` is a JPEG or PNG file. `format` names the message's kind, such as
    `axis.object_track.v1`.
    """

    camera: str
    topic: str
    format: str
    track_id: str
    taken: float
    received: float
    picture: bytes
    monitor_id: int | None = None
    channel: int | None = None
    start: float | None = None
    end: float | None = None
    duration: float | None = None
    ended: bool = False
    label: str = ""
    score: float | None = None
    classes: tuple[Classification, ...] = ()
    colours: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)
    box: SceneBox | None = None
    crop: SceneBox | None = None


class Amendment(Struct, frozen=True, kw_only=True):
    """What a later message says about a track whose snapshot came before; None: nothing new.

    A track whose name changed (Axis' Rename) has its new one in `renamed_to`.
    """

    camera: str
    channel: int | None
    track_id: str
    start: float | None = None
    end: float | None = None
    ended: bool | None = None
    label: str | None = None
    score: float | None = None
    classes: tuple[Classification, ...] | None = None
    colours: tuple[str, ...] | None = None
    box: SceneBox | None = None
    renamed_to: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """A snapshot as the index has it: everything but the picture's bytes.

    `number` is that in the file's name, `file` its path below the store's folder, `size` its bytes
    and `sha256` their hash. `description` is what a handler made of it, as plain data.
    """

    number: int
    file: str
    size: int
    sha256: str
    camera: str
    topic: str
    format: str
    track_id: str
    taken: float
    received: float
    monitor_id: int | None = None
    channel: int | None = None
    start: float | None = None
    end: float | None = None
    duration: float | None = None
    ended: bool = False
    label: str = ""
    score: float | None = None
    classes: tuple[Classification, ...] = ()
    colours: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)
    box: SceneBox | None = None
    crop: SceneBox | None = None
    width: int = 0
    height: int = 0
    description: dict[str, Attribute] | None = None
