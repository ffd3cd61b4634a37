"""The topics to subscribe to, and the camera and monitor that a topic belongs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from zmhook.printable import one_line
from zmhook.storage.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings import Settings

REMEMBERED = 1024
"""Look-ups that are cached: topics times channels."""

LONGEST_CAMERA = 200
SHARED = "$share/"

# How specific a level of a topic is; where one ends, `#` may go on.
_END, _LITERAL, _PART, _ANY, _REST = 5, 4, 3, 2, 1

_PLACEHOLDER = re.compile(r"\{(monitor|camera)\}")
_PLACEHOLDERS = {"monitor": "(?P<monitor>[0-9]{1,9})", "camera": "(?P<camera>[^/]+)"}


class TopicMatch(NamedTuple):
    """Whose topic it is.

    `clock_offset` is the seconds that the camera's clock is ahead of ours. `named` is false when
    the configuration does not say which camera it is: `camera` is then the topic itself.
    """

    camera: str
    monitor_id: int | None
    clock_offset: float
    named: bool = True


class TopicRule(NamedTuple):
    """What the configuration says of the topics that match a pattern; `channel` -1 is any.

    `camera` and `monitor` are "" and 0 where only the pattern's `{camera}`, `{monitor}` tell.
    """

    pattern: re.Pattern[str]
    weight: tuple[int, ...]
    channel: int
    camera: str
    monitor: int
    clock_offset: float

    def match_topic(self, topic: str, channel: int | None) -> TopicMatch | None:
        """Return whose topic it is, None when the rule does not speak of it."""
        match = self.pattern.fullmatch(topic) if self.channel in (-1, channel) else None
        if match is None:
            return None
        groups = match.groupdict()
        camera = groups.get("camera") or self.camera
        monitor = int(groups.get("monitor") or self.monitor) or None
        return TopicMatch(_name(camera or topic), monitor, self.clock_offset, named=bool(camera))


class Topics:
    """The topics of `[mqtt] mqtt_topic` and of the sections `[mqtt-topic-NAME]`."""

    def __init__(
        self, patterns: Iterable[str], rules: Iterable[TopicRule], clock_offset: float = 0.0
    ) -> None:
        self._patterns = tuple(patterns)
        self._rules = sorted(rules, key=lambda rule: rule.weight, reverse=True)
        self._clock_offset = clock_offset
        self._known: LruCache[tuple[str, int | None], TopicMatch] = LruCache(REMEMBERED)

    @classmethod
    def from_settings(cls, settings: Settings) -> Topics:
        sections = [section for section in settings.topics if section.topic]
        ahead = settings.snapshots.snapshot_clock_offset
        rules = [
            _rule(own.topic, own.channel, own.camera, own.monitor, own.clock_offset or ahead)
            for own in sections
        ]
        patterns = settings.mqtt.mqtt_topic
        rules += [
            _rule(topic, clock_offset=ahead) for topic in patterns if _PLACEHOLDER.search(topic)
        ]
        return cls([*patterns, *(section.topic for section in sections)], rules, ahead)

    def filters(self) -> list[str]:
        """Return what to subscribe to; what another of them covers is left out.

        A broker may send a message once for each filter that matches (MQTT 3.1.1, 3.3.5).
        """
        subscriptions = list(dict.fromkeys(map(_filter, self._patterns)))
        return [
            own for own in subscriptions if not any(_covers(other, own) for other in subscriptions)
        ]

    def find(self, topic: str, channel: int | None) -> TopicMatch:
        """Return whose topic it is: what the most specific of the matching sections says.

        A literal part of a topic is more specific than `{camera}`, that more than `+`, and that
        more than `#`, from left to right; then a channel is more than any.
        """
        key = (topic, channel)
        return self._known.get(key) or self._known.put(key, self._find(topic, channel))

    def _find(self, topic: str, channel: int | None) -> TopicMatch:
        matches = (rule.match_topic(topic, channel) for rule in self._rules)
        return next(
            filter(None, matches), TopicMatch(_name(topic), None, self._clock_offset, named=False)
        )


def _rule(
    pattern: str, channel: int = -1, camera: str = "", monitor: int = 0, clock_offset: float = 0.0
) -> TopicRule:
    """Return the rule of a section; one without a camera is that of a pattern in `mqtt_topic`."""
    levels = _own(pattern).split("/")
    weight = (*map(_weight, levels), _END, int(channel >= 0), int(bool(camera)))
    return TopicRule(_regex(levels), weight, channel, camera, monitor, clock_offset)


def _own(pattern: str) -> str:
    """Take `$share/GROUP/` off, which is no part of the topic (MQTT 5.0, 4.8.2)."""
    return pattern.split("/", 2)[2] if _is_shared(pattern) else pattern


def _is_shared(pattern: str) -> bool:
    return pattern.startswith(SHARED) and pattern.count("/") > 1


def _weight(level: str) -> int:
    if level in ("#", "+"):
        return _REST if level == "#" else _ANY
    return _PART if _PLACEHOLDER.search(level) else _LITERAL


def _regex(levels: list[str]) -> re.Pattern[str]:
    """Wildcards at the beginning do not match topics that begin with `$` (MQTT 5.0, 4.7.2)."""
    *first, last = levels
    if last == "#":
        expression = "/".join(map(_level, first)) + ("(?:/.*)?" if first else ".*")
    else:
        expression = "/".join(map(_level, levels))
    begins = r"(?!\$)" if levels[0][:1] in "+#{" else ""
    return re.compile(begins + expression, re.DOTALL)


def _level(level: str) -> str:
    if level == "+":
        return "[^/]*"
    parts = _PLACEHOLDER.split(level)  # text, name, text, name, text …
    return "".join(
        _PLACEHOLDERS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )


def _filter(pattern: str) -> str:
    """Return the subscription: a part with `{monitor}` or `{camera}` in it may be any."""
    head = pattern[: len(pattern) - len(_own(pattern))]
    levels = _own(pattern).split("/")
    return head + "/".join("+" if _PLACEHOLDER.search(level) else level for level in levels)


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether every topic of `narrow` is one of `wide`, another filter, too."""
    if wide == narrow or _is_shared(wide) or _is_shared(narrow):
        return False
    ours, theirs = wide.split("/"), narrow.split("/")
    if theirs[0].startswith("$") and ours[0] in ("+", "#"):
        return False
    if ours[-1] == "#":
        ours.pop()
        theirs = theirs[: len(ours)]
    fits = (own in (other, "+") and other != "#" for own, other in zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and all(fits)


def _name(camera: str) -> str:
    """Return a name of one line and of a bounded length."""
    return one_line(camera, LONGEST_CAMERA, more="")
