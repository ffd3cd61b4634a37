"""All checks, in the order of the report."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from zmhook.doctor import (
    broker,
    callers,
    configuration,
    environment,
    faces,
    folders,
    monitors,
    networks,
    others,
    portal,
    service,
    trail,
)
from zmhook.doctor.database import NoDatabase, ZmDatabase
from zmhook.doctor.finding import Check, fault, unchecked
from zmhook.process.privilege import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.doctor.finding import Finding
    from zmhook.doctor.patient import Patient
    from zmhook.errors import Problem

SHARED = ("pyzm.zm.auth", "pyzm.zm.db", "requests", "paho.mqtt.client")


def of_everything(
    patient: Patient, problems: Sequence[Problem], rights: str, *, paid: bool
) -> list[Check]:
    """Return all checks; `rights` says why not all of the data may be used, "" where it may."""
    _import_shared()
    database = ZmDatabase(patient.settings.general.base_zm_conf_path)
    return [
        Check(configuration.GROUP, "user", lambda: _user(patient, rights)),
        *configuration.checks(patient, problems),
        *folders.checks(patient),
        *environment.checks(patient),
        *portal.checks(patient),
        *monitors.checks(patient, lambda: _names(database)),
        *callers.checks(patient, database),
        *networks.checks(patient, paid=paid),
        *faces.checks(patient),
        *service.checks(patient),
        *broker.checks(patient),
        *others.checks(patient),
    ]


def of_root(patient: Patient, problems: Sequence[Problem], rights: str) -> list[Check]:
    """Return what can be checked by a root who may not become the owner of the data.

    What works in the data, or starts what does, is left out: it would leave files of root's.
    """
    return [
        Check(configuration.GROUP, "user", lambda: _user(patient, rights)),
        *configuration.checks(patient, problems),
        *environment.checks(patient),
        Check(environment.GROUP, "the rest", _not_as_root),
    ]


def _not_as_root() -> Iterator[Finding]:
    yield unchecked("the rest", "root does not work in another's data: nothing else is checked")


def of_nothing(patient: Patient, problems: Sequence[Problem]) -> list[Check]:
    """Return what can be checked where the configuration cannot be read."""
    return [
        Check(configuration.GROUP, "settings", lambda: _unreadable(patient, problems)),
        *environment.checks(patient),
    ]


def of_event(patient: Patient, event_id: int) -> list[Check]:
    _import_shared()
    database = ZmDatabase(patient.settings.general.base_zm_conf_path)
    return trail.checks(patient, event_id, database)


def _import_shared() -> None:
    """Import what several checks need: two threads would wait for each other's half."""
    for name in SHARED:
        with suppress(ImportError):
            import_module(name)


def _unreadable(patient: Patient, problems: Sequence[Problem]) -> Iterator[Finding]:
    for problem in problems:
        yield fault("settings", str(problem), _unreadable_cure(patient))
    yield unchecked("the rest", "without the settings nothing else can be checked")


def _unreadable_cure(patient: Patient) -> str:
    if os.path.exists(patient.path) and not os.access(patient.path, os.R_OK):  # noqa: PTH110
        doctor = patient.with_config("sudo zmhook doctor")
        return f"{doctor}, or: sudo chgrp {name_of(os.geteuid())} {patient.path}"
    if os.path.exists(patient.path):  # noqa: PTH110
        return f"correct this, then: {patient.command('doctor')}"
    return "sudo ./install.sh writes one; or --config FILE"


def _user(patient: Patient, rights: str) -> Iterator[Finding]:
    if rights:
        yield fault("rights", rights)
    if patient.is_strangers:
        me = name_of(os.geteuid())
        text = f"this is checked as {me}, and the hook runs as {patient.owner}"
        yield unchecked("user", text, patient.with_config("sudo zmhook doctor"))


def _names(database: ZmDatabase) -> dict[int, str]:
    try:
        return database.monitor_names()
    except NoDatabase:
        return {}
