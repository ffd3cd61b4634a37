"""Look up keys of the configuration by name, those of older files included, and read their values.

A file with a name without effect is right; `zmhook config check` lists it. One with a name of
version 6 is not, and the message says what to write instead.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from msgspec import Meta, MsgspecError, convert

from zmhook.settings.forms import looks_like_polygon, reader_of
from zmhook.settings.model import SECTIONS, concealed
from zmhook.settings.mqtt import Topic
from zmhook.settings.section import Colour, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zmhook.settings.section import Section


class Key(NamedTuple):
    """One key of the configuration: its section, name, type and default.

    `type` is the annotation with its limits, `kind` the same without its description.
    """

    section: str
    name: str
    type: Any
    default: Any

    @property
    def kind(self) -> Any:
        return self.type.__origin__

    @property
    def metas(self) -> tuple[Meta, ...]:
        metas: tuple[Meta, ...] = self.type.__metadata__
        return metas

    @property
    def description(self) -> str:
        return next((meta.description for meta in self.metas if meta.description), "")

    @property
    def form(self) -> str:
        return next((meta.extra["form"] for meta in self.metas if meta.extra), "")

    @property
    def is_secret(self) -> bool:
        return self.kind is Secret

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed words of a value or a list; empty: any."""
        kind = get_args(self.kind)[0] if self.is_list else self.kind
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def is_list(self) -> bool:
        return get_origin(self.kind) is tuple and get_args(self.kind)[-1] is ...

    @property
    def is_numbers(self) -> bool:
        """Whether the value is two or three numbers, which could be mistaken for a zone."""
        is_pair = get_origin(self.kind) is tuple and not self.is_list
        return is_pair or self.kind is Colour

    @property
    def template(self) -> str | None:
        """The default, if it refers to another key."""
        is_template = isinstance(self.default, str) and "{{" in self.default
        return self.default if is_template else None

    def reader(self) -> Callable[[str], Any]:
        """Return the reader of the text; raises `TypeError` if there is none."""
        return reader_of(self.kind, self.form)

    def read(self, text: str) -> Any:
        """Return the value of a text; raises `ValueError` (see `forms.py`)."""
        plain = self.reader()(text)
        try:
            return convert(plain, self.type, dec_hook=concealed)
        except MsgspecError:
            raise ValueError from None


class Schema:
    """The sections that a configuration may have, and their keys by name.

    Names of keys are unique across the sections. `flaws` says of sections that installed packages
    bring why they cannot be used.
    """

    def __init__(self, sections: Mapping[str, type[Section]]) -> None:
        self.sections = dict(sections)
        self.keys: dict[str, Key] = {}
        self.flaws: dict[str, str] = {}
        for name, section in sections.items():
            self.keys.update(keys_of(name, section, section.__annotations__))

    def find(self, name: str) -> Key | None:
        """Return the key of that name or alias."""
        return self.keys.get(ALIASES.get(name, name))


def keys_of(name: str, section: type[Section], annotations: Mapping[str, Any]) -> dict[str, Key]:
    """Return the keys of one section: the fields with a description."""
    defaults = section()
    return {
        field: Key(name, field, annotation, getattr(defaults, field))
        for field, annotation in annotations.items()
        if hasattr(annotation, "__metadata__")
    }


@cache
def built_in() -> Schema:
    """Return the sections that ship with zmhook."""
    return Schema(SECTIONS)


def keys() -> dict[str, Key]:
    """Return all built-in keys by name."""
    return built_in().keys


def find(name: str) -> Key | None:
    """Return the built-in key of that name or alias."""
    return built_in().find(name)


@cache
def topic_keys() -> dict[str, Key]:
    """Return the keys of `[mqtt-topic-NAME]`."""
    return keys_of("mqtt-topic-NAME", Topic, Topic.__annotations__)


@cache
def named_key(field: str) -> Key:
    """Return the key whose rules hold for the limit of a label or the pattern of a zone."""
    like = {"detection_pattern": "detect_pattern", "ignore_pattern": "detect_pattern"}
    return keys()[like.get(field, field)]


# Names that the field's documents and older files use, and what they are called here.
ALIASES = {
    "model": "models",
    "model_type": "yolo_type",
    "object_detection_pattern": "detect_pattern",
    "alpr_detection_pattern": "alpr_pattern",
    "frame_set": "frame_id",
    "detection_sequence": "models",
    "object_weights": "weights",
    "object_config": "config",
    "object_labels": "labels",
    "object_min_confidence": "yolo_min_confidence",
    "object_processor": "yolo_processor",
    "alpr_look_at": "alpr_input",
    "gemini_look_at": "gemini_input",
}
SECTION_ALIASES = {"ml": "remote"}
ELSEWHERE = {("general", "gate")}
"""Sections whose keys may also stand in another one, as in older files."""
OLD_SECTIONS = {
    ("yolo", "detect_pattern"),
    ("hog", "detect_pattern"),
    ("face", "face_detection_pattern"),
    ("alpr", "alpr_pattern"),
}
"""Keys of [general] that older files have in the section of a model."""

_NO_LONGER = "no longer used"

# key → why it has no effect
OBSOLETE: dict[str, str] = {
    "pyzm_overrides": f"{_NO_LONGER}: log levels are those of ZoneMinder's options",
    "use_opencv_dnn_cuda": f"{_NO_LONGER}: yolo_processor = gpu in [yolo] asks for the GPU",
    "version": _NO_LONGER,
}

MIGRATE = "zmhook config migrate makes an objectconfig.ini of it"
_SIX = "from a version 6 file;"
_SEQUENCE = (
    f"{_SIX} here models, frame_id and detection_mode and the models' own sections say it: "
    "zmhook config migrate makes a file of that kind"
)
_NOTHING = f"{_SIX} nothing here is like it: remove it"

_ONLY_SIX = ("ml_sequence", "stream_sequence", "use_sequence", "object_framework")


def is_of_version_6(sections: Mapping[str, Mapping[str, str]]) -> bool:
    """Say whether a file is of version 6, which must be converted.

    A polygon under one of its names is a zone that somebody has called so.
    """
    return "object" in sections or any(
        key in entries and not looks_like_polygon(entries[key])
        for entries in sections.values()
        for key in _ONLY_SIX
    )


# key or section → what to write instead
VERSION_6: dict[str, str] = {
    "object": f"{_SIX} here its keys stand in [yolo]",
    "ml_sequence": _SEQUENCE,
    "stream_sequence": _SEQUENCE,
    "use_sequence": _SEQUENCE,
    "object_framework": f"{_SIX} here the weights file tells it: remove it",
    "face_detection_framework": f"{_SIX} here it is face_model in [face]",
    "face_recognition_framework": _NOTHING,
    "face_processor": _NOTHING,
    "disable_locks": _NOTHING,
    "cpu_max_processes": _NOTHING,
    "gpu_max_processes": _NOTHING,
    "tpu_max_processes": _NOTHING,
    "cpu_max_lock_wait": _NOTHING,
    "gpu_max_lock_wait": _NOTHING,
    "tpu_max_lock_wait": _NOTHING,
}
