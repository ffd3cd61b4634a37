"""Fill a notification: the words of an alarm, its monitor's name, its picture."""

from __future__ import annotations

import logging
import re
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from msgspec import Struct, json, structs

from zmhook.errors import FrameError, PortalError
from zmhook.gate.alarm_rules import alarming
from zmhook.printable import one_line
from zmhook.render.line import detection_line, words_of
from zmhook.storage import atomic
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.detection import Decision
    from zmhook.event import Event
    from zmhook.jobs.work import Work
    from zmhook.settings import General, Settings

log = logging.getLogger(__name__)

_SECRET = re.compile(
    r"user(name)?|login|pass(w(or)?d|wd)?|pwd|token|auth|secret|credentials?|signature|sig"
    r"|(\w*[-_])?(token|key|secret|password)|apikey",
    re.IGNORECASE,
)
NO_LABELS = "no decision"
LONGEST = 1000
"""Characters of all labels together."""
NAMES_FILE = "state/monitors.json"
NAME_LIFETIME = 86400.0
"""Seconds for which a name is not asked for again."""
MOST_NAMES = 500
QUALITY = 85


class Message(Struct, frozen=True, kw_only=True):
    """The words of an alarm, all of them text; `time` is local, in ISO 8601 with its offset."""

    line: str
    labels: str
    monitor: str
    monitor_id: str
    event: str
    cause: str
    time: str
    url: str


_WORD = re.compile(rf"\{{({'|'.join(Message.__struct_fields__)})\}}")


def message_of(decision: Decision, settings: Settings, monitor: str = "") -> Message:
    """Return the words; `monitor` is the name to use where the caller gave none."""
    event = decision.event
    number = "" if event.monitor_id is None else str(event.monitor_id)
    return Message(
        line=words_of(detection_line(decision, settings)),
        labels=one_line(", ".join(labels_of(decision) or _words_of(decision)), LONGEST)
        or NO_LABELS,
        monitor=one_line(event.monitor_name or monitor) or f"monitor {number}".strip(),
        monitor_id=number,
        event="" if event.id is None else str(event.id),
        cause=one_line(event.cause),
        time=datetime.fromtimestamp(event.asked).astimezone().isoformat(timespec="seconds"),
        url=url_of(decision, settings),
    )


def labels_of(decision: Decision) -> list[str]:
    """Return what was found, each label once, the first one first; descriptions are none."""
    labels = (
        detection.label for detection in decision.detections if detection.kind != "description"
    )
    return list(dict.fromkeys(labels))


def _words_of(decision: Decision) -> list[str]:
    """Return the descriptions that are an alarm by themselves, in their few words."""
    return [detection.label for detection in alarming(decision.detections)]


def filled(text: str, message: Message) -> str:
    """Put the words in the place of `{labels}` and the like; other braces stay as they are."""
    words = structs.asdict(message)
    return _WORD.sub(lambda match: words[match[1]], text)


def filled_json(text: str, message: Message) -> str:
    """As `filled`, each word as a JSON string with its quotes."""
    words = structs.asdict(message)
    return _WORD.sub(lambda match: json.encode(words[match[1]]).decode(), text)


def url_of(decision: Decision, settings: Settings) -> str:
    """Return the address of the event's page, never with a password in it; "" without one."""
    event, url = decision.event, settings.notify.notify_url
    if not url:
        portal = settings.general.portal.rstrip("/").removesuffix("/index.php")
        if not portal or event.id is None:
            return ""
        url = f"{portal}/index.php?view=event&eid={{event}}"
    words = {"event": event.id, "monitor_id": event.monitor_id}
    for word, value in words.items():
        url = url.replace(f"{{{word}}}", "" if value is None else quote(str(value)))
    return without_secrets(url)


def without_secrets(url: str) -> str:
    """Take user, password and everything of the query that lets somebody in out of an address."""
    try:
        scheme, netloc, path, query, fragment = urlsplit(url)
    except ValueError:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(key, value) for key, value in pairs if not _SECRET.fullmatch(key)]
    query = query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((scheme, netloc.rpartition("@")[2], path, query, fragment))


class _MonitorName(Struct, frozen=True):
    name: str
    asked: float


def monitor_name(event: Event, general: General) -> str:
    """Return the name, "" when nobody knows it. ZoneMinder's API is asked once a day.

    Nothing here is worth failing for: a message that says `monitor 3` is a message.
    """
    if event.monitor_name or event.monitor_id is None or not general.portal:
        return event.monitor_name
    path = Path(general.base_data_path, NAMES_FILE)
    known = _read_names(path)
    match = known.get(str(event.monitor_id))
    if match is None or not 0 <= time.time() - match.asked <= NAME_LIFETIME:
        match = _MonitorName(
            _fetched_name(event.monitor_id, general) or (match.name if match else ""), time.time()
        )
        _write_names(path, {**known, str(event.monitor_id): match})
    return match.name


def _fetched_name(monitor_id: int, general: General) -> str:
    from zmhook.zoneminder.api import Portal

    try:
        with closing(Portal(general)) as portal:
            what = f"the name of monitor {monitor_id}"
            answer = portal.json(f"monitors/{monitor_id}.json", what)
        return str(answer["monitor"]["Monitor"]["Name"])
    except (PortalError, KeyError, TypeError) as error:
        log.debug("monitor %d has no name for us: %s", monitor_id, error)
        return ""


def _read_names(path: Path) -> dict[str, _MonitorName]:
    try:
        return decoded(read(path), dict[str, _MonitorName])
    except (OSError, Unreadable):
        return {}


def _write_names(path: Path, known: dict[str, _MonitorName]) -> None:
    newest = sorted(known.items(), key=lambda item: item[1].asked)[-MOST_NAMES:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, json.encode(dict(newest)), 0o600)
    except OSError as error:
        log.debug("%s: cannot be written (%s)", path, error.strerror)


def picture_of(work: Work) -> bytes | None:
    """Return a JPEG, None without a picture or when the settings want none sent.

    A picture that cannot be drawn costs the picture, not the message.
    """
    notify = work.settings.notify
    if not notify.notify_picture:
        return None
    try:
        return _jpeg(work, notify.notify_picture_width)
    except FrameError as error:
        log.warning("%s: the message goes out without its picture: %s", work.decision.event, error)
        return None


def _jpeg(work: Work, width: int) -> bytes | None:
    frame = work.frame
    if frame is None:
        return None
    from zmhook.image.jpeg import jpeg
    from zmhook.image.resize import narrowed
    from zmhook.render.picture import annotated

    small = narrowed(annotated(frame, work.decision, work.settings), width)
    return jpeg(small, QUALITY) or None
