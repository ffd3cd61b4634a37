"""Check the known faces: whether there are pictures, and whether all of them are trained."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.doctor.finding import Check, Finding, fault, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.patient import Patient

GROUP = "Models"
NAMED = 3
"""Pictures that are named of those that are not trained."""


def checks(patient: Patient) -> list[Check]:
    uses = [settings for settings in patient.everybody() if "face" in settings.general.models]
    folders = dict.fromkeys(settings.face.known_images_path for settings in uses)
    return [
        Check(GROUP, "known faces", partial(_faces, patient, Path(folder))) for folder in folders
    ]


def _faces(patient: Patient, folder: Path) -> Iterator[Finding]:
    from zmhook.detectors.face import store
    from zmhook.detectors.face.pictures import listed

    train = patient.command("train-faces")
    pictures = listed(folder)
    if not pictures:
        cure = f"one folder a person in {folder}, then: {train}"
        yield warning("known faces", f"{folder} holds no picture: every face is unknown", cure)
        return
    entries = store.read(folder / store.FILE)
    stale = [
        path
        for path in sorted({*pictures, *entries})
        if path not in pictures or path not in entries or entries[path][:3] != pictures[path]
    ]
    if stale:
        names = ", ".join(stale[:NAMED])
        names += f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
        text = f"{folder}: new, changed or removed since the last training: {names}"
        yield fault("known faces", text, train)
        return
    used = [path for path, entry in entries.items() if not entry.reason]
    people = len({path.partition("/")[0] for path in used})
    text = f"{len(used)} pictures of {people} people are trained"
    if rejected := len(entries) - len(used):
        yield warning("known faces", f"{text}, {rejected} cannot be used", f"{train} says why")
    else:
        yield ok("known faces", text)
