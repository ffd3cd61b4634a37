"""Best snapshots: the one picture that a camera sends of each thing it tracked."""

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


class TrackFacts(Struct, frozen=True, kw_only=True):
    """What a camera says of a tracked object. Times are seconds since the epoch, UTC, our clock.

    `label` is the best class, as the camera names it; empty when it named none. `taken` is when
    the picture was taken. `ended` says whether the track is over (`end` may then still be unknown);
    while it goes on, `end` is when the camera last detected it.
    `box` is the object in the scene and `crop` the picture's own area there; None when unknown.
    `format` names the message's kind, such as `axis.object_track.v1`.
    """

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


class BestSnapshot(TrackFacts, frozen=True, kw_only=True):
    """A best snapshot as it came in a message; `picture` is a JPEG or PNG file."""

    picture: bytes


class StoredSnapshot(TrackFacts, frozen=True, kw_only=True):
    """A best snapshot as the index has it: everything but the picture's bytes.

    `number` is that in the file's name, `file` its path below the store's folder, `size` its bytes
    and `sha256` their hash; `width` and `height` are the picture's, in pixels. `description` is
    what a handler returned for it, as plain data.
    """

    number: int
    file: str
    size: int
    sha256: str
    width: int = 0
    height: int = 0
    description: dict[str, Attribute] | None = None


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
