"""Check the configuration: every key, every secret, and who may read and change its files."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.doctor.finding import Check, Finding, fault, ok, warning
from zmhook.errors import DetectorError
from zmhook.process.privilege import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.doctor.patient import Patient
    from zmhook.errors import Problem

GROUP = "Configuration"
NAMED = 8
"""Problems of the settings that are named."""


def checks(patient: Patient, problems: Sequence[Problem]) -> list[Check]:
    """Return the checks; `problems` are those that the configuration was loaded with."""
    return [
        Check(GROUP, "settings", lambda: _settings(patient, problems)),
        Check(GROUP, "files", lambda: _files(patient)),
    ]


def _settings(patient: Patient, problems: Sequence[Problem]) -> Iterator[Finding]:
    lines = [*map(str, problems[:NAMED])]
    if len(problems) > NAMED:
        lines.append(f"and {len(problems) - NAMED} more")
    for line in lines:
        cure = f"correct this, then: {patient.command('config check')}"
        yield fault("settings", line, cure if line == lines[-1] else "")
    unknown = dict.fromkeys(_unknown_models(patient))
    for line in unknown:
        yield fault("models", line, f"correct [general] models in {patient.path}")
    for line in patient.config.warnings:
        yield warning("settings", line)
    if not problems and not unknown:
        numbers = ", ".join(map(str, sorted(patient.config.monitors)))
        own = f"; monitors {numbers} have settings of their own" if numbers else ""
        yield ok("settings", f"{patient.path} is valid{own}")


def _unknown_models(patient: Patient) -> Iterator[str]:
    from zmhook.detectors.base import find

    for settings in patient.everybody():
        for name in settings.general.models:
            try:
                find(name)
            except DetectorError as error:
                yield str(error)


def _files(patient: Patient) -> Iterator[Finding]:
    safe = []
    for path in _paths(patient):
        changed_by = changeable_by(path, patient.owner)
        if changed_by:
            cure = f"sudo chown root {path} && sudo chmod go-w {path}"
            yield fault("files", f"{path}: {changed_by} may change it, and so run programs", cure)
        else:
            safe.append(path)
    if safe:
        names = ", ".join(map(str, safe))
        who = " and ".join(dict.fromkeys(("root", patient.owner)))
        yield ok("files", f"{names}: only {who} may change {'it' if len(safe) == 1 else 'them'}")


def _paths(patient: Patient) -> Iterable[Path]:
    """Return the files of settings that are there."""
    file = Path(patient.path)
    secrets = patient.settings.general.secrets
    paths = [file, file.parent / secrets] if secrets else [file]
    return [path for path in paths if path.exists()]


def changeable_by(path: Path, owner: str) -> str:
    """Return who else than root and `owner` may write to a file, "" for nobody."""
    status = path.stat()
    if status.st_mode & stat.S_IWOTH:
        return "every user"
    if status.st_uid not in (0, os.geteuid()) and name_of(status.st_uid) != owner:
        return name_of(status.st_uid)
    if status.st_mode & stat.S_IWGRP and status.st_gid not in (0, os.getegid()):
        return f"the group {_group(status.st_gid)}"
    return ""


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
