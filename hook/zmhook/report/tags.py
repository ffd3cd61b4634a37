"""Tag an event with its labels, where ZoneMinder has tags (1.37.44 and newer).

Its API can only list tags (and lists every event of each with them), so they are set as
ZoneMinder's own page of an event does: `index.php?request=tags` with the actions
getavailabletags and createtag, `index.php?request=event` with getselectedtags and addtag. Answers
are `{"result": "Ok", "response": [rows]}`, or `{"result": "Error", "message": …}`; where a name
cannot be stored, "Ok" without a row.
"""

from __future__ import annotations

import logging
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from zmhook.errors import PortalError
from zmhook.notify.message import labels_of
from zmhook.text.bounded_json import mappings
from zmhook.text.names import composed
from zmhook.zoneminder import rights
from zmhook.zoneminder.api import Portal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zmhook.jobs.work import Work

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
    """Give the event those of the tags that it has not got; what others tagged stays.

    One that cannot be given keeps none of the others; the first such error is raised in the end.
    """
    version = zoneminder_version(portal)
    if version < SINCE:
        shown = ".".join(map(str, version))
        log.debug("no tags: ZoneMinder %s has none (%s and newer do)", shown, "1.37.44")
        return
    known = _ids(_ask(portal, "all tags", request="tags", action="getavailabletags"))
    of_event = f"the tags of event {event_id}"
    selected = _ask(portal, of_event, request="event", action="getselectedtags", id=event_id)
    there = _ids(selected)
    errors: list[PortalError] = []
    for name in dict.fromkeys(filter(None, map(_tag_of, labels))):
        if _number(there, name) is not None:
            continue
        try:
            number = _number(known, name) or _created(portal, name)
            if number:
                _ask(portal, of_event, request="event", action="addtag", tid=number, id=event_id)
                there[name] = number
        except PortalError as error:
            if error.retry:
                raise
            errors.append(error)
    if errors:
        raise errors[0]


def _tag_of(label: str) -> str:
    """Return the tag for a label, as long as one may be."""
    name = composed(label).strip()
    if len(name) <= LONGEST:
        return name
    text = "the label '%s' is cut: ZoneMinder's tags have at most %d characters"
    log.info(text, name, LONGEST)
    return name[:LONGEST].strip()


def zoneminder_version(portal: Portal) -> tuple[int, ...]:
    """Return such as (1, 36, 33)."""
    text = str(portal.json("host/getVersion.json", "its version").get("version"))
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _created(portal: Portal, name: str) -> str | None:
    """Return the number of a new tag, None for a name that the database has no letters for."""
    what = f"a tag '{name}'"
    made = _ids(_ask(portal, what, request="tags", action="createtag", tname=name))
    # What cannot be stored is answered with "Ok" and no row.
    if not made and not _is_storable(name):
        text = "%s: cannot store %s: its tags have letters of Western Europe alone (latin-1)"
        log.warning(text, portal.address, what)
        return None
    # Where another event made it just before, there is no new row, either.
    known = made or _ids(_ask(portal, what, request="tags", action="getavailabletags"))
    number = _number(known, name)
    if number is None:
        raise PortalError(
            f"{portal.address}: did not make {what}: the user '{portal.general.user}' needs"
            f" {rights.TAGS}"
        )
    return number


def _is_storable(name: str) -> bool:
    """Say whether the column `Tags.Name` can hold it: what MySQL calls latin1 is Windows's."""
    try:
        name.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _ids(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tags' numbers by their names."""
    return {str(row["Name"]): str(row["Id"]) for row in rows if "Name" in row and "Id" in row}


def _number(known: Mapping[str, str], name: str) -> str | None:
    """Return the number of a tag, or of one that differs in case alone."""
    if name in known:
        return known[name]
    folded = name.casefold()
    return next((number for other, number in known.items() if other.casefold() == folded), None)


def _ask(portal: Portal, what: str, **query: str | int) -> list[dict[str, Any]]:
    answer = portal.json(f"index.php?{urlencode(query)}", what, api=False, right=rights.TAGS)
    if answer.get("result") != "Ok":
        reason = str(answer.get("message") or "no reason given")[:200]
        raise PortalError(
            f"{portal.address}: refused {what} ({reason}): the user '{portal.general.user}' needs"
            f" {rights.TAGS}"
        )
    return mappings(answer.get("response"))
