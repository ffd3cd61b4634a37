"""What a message says: the words of an alarm, and how they are put into a text."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from msgspec import Struct, json, structs

from zmhook.gate import alarming
from zmhook.printable import one_line
from zmhook.render.line import detection_line, words_of

if TYPE_CHECKING:
    from zmhook.detection import Decision
    from zmhook.settings import Settings

_SECRET = re.compile(
    r"user(name)?|login|pass(w(or)?d|wd)?|pwd|token|auth|secret|credentials?|signature|sig"
    r"|(\w*[-_])?(token|key|secret|password)|apikey",
    re.IGNORECASE,
)
NO_LABELS = "no decision"
LONGEST = 1000
"""Characters of all labels together."""


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
        labels=one_line(", ".join(labels_of(decision) or _said(decision)), LONGEST) or NO_LABELS,
        monitor=one_line(event.monitor_name or monitor) or f"monitor {number}".strip(),
        monitor_id=number,
        event="" if event.id is None else str(event.id),
        cause=one_line(event.cause),
        time=datetime.fromtimestamp(event.asked).astimezone().isoformat(timespec="seconds"),
        url=url_of(decision, settings),
    )


def labels_of(decision: Decision) -> list[str]:
    """Return what was found, each label once, the first one first; descriptions are none."""
    found = (one.label for one in decision.detections if one.kind != "description")
    return list(dict.fromkeys(found))


def _said(decision: Decision) -> list[str]:
    """Return the descriptions that ring by themselves, in their few words."""
    return [one.label for one in alarming(decision.detections)]


def filled(text: str, message: Message) -> str:
    """Put the words in the place of `{labels}` and the like; other braces stay as they are."""
    words = structs.asdict(message)
    return _WORD.sub(lambda found: words[found[1]], text)


def filled_json(text: str, message: Message) -> str:
    """As `filled`, each word as a JSON string with its quotes."""
    words = structs.asdict(message)
    return _WORD.sub(lambda found: json.encode(words[found[1]]).decode(), text)


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
        scheme, place, path, query, fragment = urlsplit(url)
    except ValueError:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(key, value) for key, value in pairs if not _SECRET.fullmatch(key)]
    query = query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((scheme, place.rpartition("@")[2], path, query, fragment))
