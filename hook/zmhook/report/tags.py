"""Tag an event with what was found, where ZoneMinder has tags (1.37.44 and newer).

Its API can only list tags (and lists every event of each with them), so they are set as
ZoneMinder's own page of an event does: `index.php?request=tags` with the actions
getavailabletags and createtag, `index.php?request=event` with getselectedtags and addtag. Answers
are `{"result": "Ok", "response": [rows]}`, or `{"result": "Error", "message": …}`.
"""

from __future__ import annotations

import logging
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from zmhook.errors import PortalError
from zmhook.notify.message import labels_of
from zmhook.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.report.work import Work

log = logging.getLogger(__name__)

SINCE = (1, 37, 44)
LONGEST = 64
"""Characters of the column `Tags.Name`."""


def run(work: Work) -> None:
    """Tag the event with each label; raises `PortalError`."""
    event_id, labels = work.decision.event.id, labels_of(work.decision)
    if event_id is not None and labels:
        with closing(Portal(work.settings.general)) as portal:
            write_tags(portal, event_id, labels)


def write_tags(portal: Portal, event_id: int, labels: Sequence[str]) -> None:
    """Give the event those of the tags that it has not got; what others tagged stays."""
    version = zoneminder_version(portal)
    if version < SINCE:
        told = ".".join(map(str, version))
        log.debug("no tags: ZoneMinder %s has none (%s and newer do)", told, "1.37.44")
        return
    known = _ids(_ask(portal, "all tags", request="tags", action="getavailabletags"))
    of_event = f"the tags of event {event_id}"
    selected = _ask(portal, of_event, request="event", action="getselectedtags", id=event_id)
    there = set(_ids(selected))
    for name in dict.fromkeys(label[:LONGEST] for label in labels):
        if name.casefold() not in there:
            number = known.get(name.casefold()) or _created(portal, name)
            _ask(portal, of_event, request="event", action="addtag", tid=number, id=event_id)


def zoneminder_version(portal: Portal) -> tuple[int, ...]:
    """Return such as (1, 36, 33)."""
    text = str(portal.json("host/getVersion.json", "its version").get("version"))
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _created(portal: Portal, name: str) -> str:
    what = f"a tag '{name}'"
    made = _ids(_ask(portal, what, request="tags", action="createtag", tname=name))
    # Where another event made it just before, there is no new row.
    known = made or _ids(_ask(portal, what, request="tags", action="getavailabletags"))
    found = known.get(name.casefold())
    if found is None:
        raise PortalError(
            f"{portal.address}: did not make {what}: may user '{portal.general.user}' edit events?"
        )
    return found


def _ids(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tags' numbers by their names, which its database compares without case."""
    return {str(row["Name"]).casefold(): str(row["Id"]) for row in rows}


def _ask(portal: Portal, what: str, **query: str | int) -> list[dict[str, Any]]:
    answer = portal.json(f"index.php?{urlencode(query)}", what, api=False)
    if answer.get("result") != "Ok":
        said = str(answer.get("message") or "no reason given")[:200]
        raise PortalError(
            f"{portal.address}: refused {what} ({said}): may user '{portal.general.user}' edit"
            " events?"
        )
    rows = answer.get("response")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
