"""Check each monitor of ZoneMinder: its events, a picture, the right to edit, its zones."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.doctor.portal import GROUP, USERS, visiting
from zmhook.errors import FrameError, LoginError, PortalError, ZmhookError
from zmhook.process.privilege import name_of
from zmhook.text.bounded_json import whole
from zmhook.zoneminder.api import Portal
from zmhook.zoneminder.event_row import event_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from zmhook.doctor.patient import Patient
    from zmhook.settings import General, Settings
    from zmhook.zoneminder.event_row import EventRow

AT_ONCE = 4
"""Monitors that are asked about at a time: ZoneMinder has other things to do."""
SECONDS = 40.0
"""After which no further monitor is asked about."""
NAMED = 3
"""Monitors that are named of those about which the same is to be said."""
MOST = 5
"""Monitors about which the same is said that have a line each."""
FRAMES = ("snapshot", "alarm", "1")
_NUMBER = re.compile(r"[0-9]+")


class Camera(NamedTuple):
    """A monitor by its number and name, as ZoneMinder has them."""

    id: int
    name: str

    def __str__(self) -> str:
        return f"monitor {self.id}"

    @property
    def label(self) -> str:
        return f"{self.id} {self.name}".rstrip()

    def says(self, finding: Finding) -> Finding:
        """Return a finding whose text begins with the monitor's name."""
        text = f"{self.name}: {finding.text}" if self.name else finding.text
        return structs.replace(finding, text=text)


def checks(patient: Patient, all_monitors: Callable[[], dict[int, str]]) -> list[Check]:
    """Return the check; `all_monitors` tells those of ZoneMinder's database, as far as it can."""
    if not patient.settings.general.portal:
        return []
    return [Check(GROUP, "monitors", lambda: _monitors(patient, all_monitors))]


def _monitors(patient: Patient, all_monitors: Callable[[], dict[int, str]]) -> Iterator[Finding]:
    with visiting(patient.settings.general) as general:
        try:
            with closing(Portal(general)) as portal:
                visible = listed(portal)
        except LoginError as error:
            if error.status is None:
                yield unchecked("monitors", "not tried: there is no login")
            else:
                yield fault("monitors", str(error), f"{USERS}: Monitors: View, Events: Edit")
            return
        except PortalError:
            yield unchecked("monitors", "not tried: ZoneMinder does not answer")
            return
        hidden = {**dict.fromkeys(patient.config.monitors, ""), **all_monitors()}
        unseen = [Camera(number, hidden[number]) for number in sorted({*hidden} - {*visible})]
        yield from summed_up((camera, _hidden(camera, general)) for camera in unseen)
        cameras = [Camera(number, visible[number]) for number in sorted(visible)]
        end = time.monotonic() + SECONDS
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tried = pool.map(lambda camera: _tried(patient, general, camera, end), cameras)
            yield from summed_up(zip(cameras, tried, strict=True))
        if not visible and not hidden:
            yield unchecked("monitors", "ZoneMinder has no monitor yet")


def summed_up(findings: Iterable[tuple[Camera, Finding]]) -> Iterator[Finding]:
    """Yield a finding for each monitor, or one for many that differ in nothing but numbers."""
    alike: dict[tuple[str, ...], list[tuple[Camera, Finding]]] = {}
    for camera, finding in findings:
        texts = (_NUMBER.sub("0", text) for text in (finding.text, finding.cure))
        alike.setdefault((finding.state, *texts), []).append((camera, finding))
    for group in alike.values():
        if len(group) <= MOST:
            yield from (camera.says(finding) for camera, finding in group)
        else:
            yield _sum([camera for camera, _ in group], group[0][1])


def _sum(cameras: Sequence[Camera], first: Finding) -> Finding:
    names = ", ".join(camera.label for camera in cameras[:NAMED])
    text = f"{len(cameras)} monitors ({names} and {len(cameras) - NAMED} more): {first.text}"
    return structs.replace(first, name="monitors", text=text)


def listed(portal: Portal) -> dict[int, str]:
    """Return the names of all monitors that the user may see, by number."""
    rows = portal.json("monitors.json", "the monitors").get("monitors")
    monitors = [row.get("Monitor") for row in rows or () if isinstance(row, dict)]
    return {whole(row.get("Id")): str(row.get("Name") or "") for row in monitors if row}


def _hidden(camera: Camera, general: General) -> Finding:
    text = f"ZoneMinder's user '{general.user}' may not see it: its events are answered by silence"
    cure = f"{USERS}, user {general.user}: allow this monitor (View), or all of them"
    return fault(str(camera), text, cure)


def _tried(patient: Patient, general: General, camera: Camera, end: float) -> Finding:
    if time.monotonic() > end:
        return unchecked(str(camera), f"not tried: the others took {SECONDS:g} s")
    settings = patient.config.for_monitor(camera.id)
    try:
        with closing(Portal(general)) as portal:
            return _examined(settings, portal, camera)
    except LoginError as error:
        cure = f"{USERS}, user {general.user}: Events: Edit, Monitors: View, and this monitor"
        return fault(str(camera), str(error), cure)
    except ZmhookError as error:
        return fault(str(camera), str(error))


def _examined(settings: Settings, portal: Portal, camera: Camera) -> Finding:
    count = len(portal.zones(camera.id))
    zones = f"{count} zone{'' if count == 1 else 's'}"
    newest = newest_event(portal, camera.id)
    if newest is None:
        text = f"no event yet, so nothing to try; {zones}"
        return unchecked(str(camera), text, "let something move before it")
    picture = _picture(portal, newest)
    if not picture:
        text = f"event {newest.id} has no picture (yet): {' and '.join(FRAMES)} were asked for"
        return warning(str(camera), text, f"open event {newest.id} on ZoneMinder's page")
    notes = [f"event {newest.id}: {picture}", zones]
    problem = folder_problem(newest.folder, settings)
    if problem:
        return fault(str(camera), f"{', '.join(notes)}; {problem.text}", problem.cure)
    notes.append(
        "its folder is readable here" if Path(newest.folder).is_dir() else "read over http"
    )
    if portal.may_edit(newest.id):
        return ok(str(camera), ", ".join([*notes, "editable"]))
    return _not_editable(settings, camera, notes)


def newest_event(portal: Portal, monitor_id: int) -> EventRow | None:
    query = "sort=StartDateTime&direction=desc&limit=1"
    path = f"events/index/MonitorId:{monitor_id}.json?{query}"
    rows: Any = portal.json(path, f"the newest event of monitor {monitor_id}").get("events")
    for row in rows or ():
        event = event_row(row.get("Event") or {})
        if event.id:
            return event
    return None


def _picture(portal: Portal, event: EventRow) -> str:
    """Return what came in place of a picture's description; "" when none did."""
    from zmhook.image.decode import decode

    for frame in FRAMES:
        try:
            data = portal.image(event.id, frame)
            height, width = decode(data, frame, portal.general.max_picture_pixels).shape[:2]
        except FrameError:
            continue
        return f"{frame} {width}x{height}"
    return ""


class FolderFlaw(NamedTuple):
    """Why an event's folder is of no use, and what to do about it."""

    text: str
    cure: str


def folder_problem(folder: str, settings: Settings) -> FolderFlaw | None:
    """Say why an event's folder on this machine cannot be used; None where there is none."""
    path = Path(folder)
    if not folder or not path.exists():
        return None
    me = name_of(os.geteuid())
    if not os.access(path, os.R_OK | os.X_OK):
        cure = f"run the hook as {name_of(path.stat().st_uid)}, or: sudo chmod o+rx {path}"
        return FolderFlaw(f"{me} may not read {path}", cure)
    if settings.general.write_image_to_zm and not os.access(path, os.W_OK):
        cure = "set write_image_to_zm = no, or run the hook as " + name_of(path.stat().st_uid)
        return FolderFlaw(f"{me} may not write objdetect.jpg into {path}", cure)
    return None


def _not_editable(settings: Settings, camera: Camera, notes: list[str]) -> Finding:
    general = settings.general
    text = f"{', '.join(notes)}; user '{general.user}' may not edit its events"
    cure = f"{USERS}, user {general.user}: Events: Edit"
    if general.write_notes:
        return fault(str(camera), f"{text}, and write_notes is on", cure)
    return ok(str(camera), f"{text}, which only write_notes needs")
