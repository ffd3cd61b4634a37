"""`zmhook doctor`: check everything, say what is wrong, and what to type."""

from __future__ import annotations

import os
import signal
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from zmhook.cli.arguments import (
    Parser,
    absolute_config,
    add_config,
    add_json,
    add_override,
    event_argument,
)
from zmhook.cli.output import say_json
from zmhook.errors import RightsError, SettingsError
from zmhook.exit_codes import DONE, FAILED
from zmhook.process.privilege import become_owner, is_root, name_of
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from zmhook.doctor.finding import Check, Finding
    from zmhook.doctor.patient import Patient
    from zmhook.errors import Problem
    from zmhook.settings import Config


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    with _interrupted_by(signal.SIGTERM, signal.SIGHUP):
        return _main(args)


@contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Have signals end the command as Ctrl-C does: temporary folders are removed."""
    before = {number: signal.signal(number, _interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _main(args: argparse.Namespace) -> int:
    patient, findings = examined(args)
    with _temporary_folder():
        kept = _shown(patient, findings, as_json=args.json)
    return DONE if is_healthy(kept) else FAILED


def _shown(patient: Patient, findings: Iterator[Finding], *, as_json: bool) -> list[Finding]:
    if as_json:
        kept = list(findings)
        say_json({"healthy": is_healthy(kept), "findings": kept})
        return kept
    from zmhook.cli.doctor_text import show

    return show(findings, patient.path)


@contextmanager
def _temporary_folder() -> Iterator[None]:
    """Have all temporary folders in one: a check that was given up could leave its own behind."""
    import tempfile

    before = tempfile.tempdir
    try:
        with tempfile.TemporaryDirectory(prefix="zmhook-", ignore_cleanup_errors=True) as folder:
            tempfile.tempdir = folder
            yield
    finally:
        tempfile.tempdir = before


def is_healthy(findings: Sequence[Finding]) -> bool:
    return not any(finding.state == "fault" for finding in findings)


def examined(args: argparse.Namespace) -> tuple[Patient, Iterator[Finding]]:
    """Return what is examined, and its findings as they come."""
    from zmhook.doctor.patient import Patient
    from zmhook.doctor.runner import run

    was_root = is_root()
    path = absolute_config(args.config)
    config, problems, unreadable = _loaded(path, args.override)
    rights = _step_down(config)
    owner = name_of(os.geteuid()) if was_root and not rights else _owner(config)
    if not unreadable and owner != name_of(os.geteuid()):
        _refuse_without_rights(config, owner)
    patient = Patient(path, config, tuple(args.override), owner, was_root, bool(problems))
    checks = _checks(args, patient, problems, rights, is_known=not unreadable)
    return patient, run(checks, patient.everybody())


def _loaded(path: str, overrides: Sequence[str]) -> tuple[Config, list[Problem], bool]:
    """Return the configuration as far as it can be read, its problems, and whether it cannot."""
    from zmhook.errors import Problem
    from zmhook.settings import Settings, load
    from zmhook.settings.loader import Config

    nothing = Config(path, Settings(), {}, [])
    try:
        return load(path, overrides).apply(), [], False
    except RightsError as error:
        return nothing, [Problem("", "", "", str(error))], True
    except SettingsError as error:
        return (error.config or nothing).apply(), list(error.problems), _is_unreadable(error, path)


def _is_unreadable(error: SettingsError, path: str) -> bool:
    """Say whether nothing is known of the settings, as after a line that cannot be read."""
    if not (error.config and os.access(path, os.R_OK)):
        return True
    return any(each.file == path and not each.section + each.key for each in error.problems)


def _step_down(config: Config) -> str:
    """As root, become the owner of the data, or of most of it; return why not of all."""
    folders = folders_of(config.general)
    try:
        become_owner(*folders)
    except RightsError as error:
        if is_root():
            become_owner_of_most(folders)
        return str(error)
    return ""


def become_owner_of_most(folders: Sequence[Path]) -> None:
    """Become the account that owns most of these folders, and does not fall over one of another."""
    others = [uid for uid in _owners(folders) if uid]
    if not others:
        return
    uid = max(sorted({*others}), key=others.count)
    for folder in folders:
        if folder.is_dir() and folder.stat().st_uid == uid and is_root():
            try:
                become_owner(folder)
            except RightsError:
                continue


def _owner(config: Config) -> str:
    """Return whose the data is: root's base folder holds those of the user who runs the hooks."""
    uids = [uid for uid in _owners(folders_of(config.general)) if uid]
    uid = max(sorted({*uids}), key=uids.count) if uids else os.geteuid()
    return name_of(uid)


def _refuse_without_rights(config: Config, owner: str) -> None:
    """Raise `RightsError` where we may not even see the data, and nearly all would look wrong."""
    for folder in folders_of(config.general):
        try:
            folder.stat()
        except PermissionError:
            raise RightsError(f"{folder.parent}: permission denied: it is {owner}'s") from None
        except OSError:
            continue


def _owners(folders: Sequence[Path]) -> Iterator[int]:
    """Yield the owners of these folders; an ordinary user may not look into all of them."""
    for folder in folders:
        try:
            status = folder.stat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            yield status.st_uid


def _checks(
    args: argparse.Namespace,
    patient: Patient,
    problems: Sequence[Problem],
    rights: str,
    *,
    is_known: bool,
) -> list[Check]:
    from zmhook.doctor import examination

    if not is_known:
        return examination.of_nothing(patient, problems)
    if rights and is_root():
        return examination.of_root(patient, problems, rights)
    if args.event is not None:
        return examination.of_event(patient, args.event)
    checks = examination.of_everything(patient, problems, rights, paid=args.paid)
    return [*checks, *_sent(patient)] if args.send else checks


def _sent(patient: Patient) -> Iterator[Check]:
    """Yield checks that really send a test notification."""
    from zmhook.cli.notify import channels, invented_alarm
    from zmhook.doctor.finding import Check, ok
    from zmhook.doctor.others import CHANNELS

    for where, settings in patient.distinct(lambda each: (each.notify, each.mqtt)):
        for channel in channels(invented_alarm(settings, None)):
            name = f"{channel.name}{where}"

            def send(channel=channel, name=name):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
                channel.send()
                yield ok(name, "a test message was sent: did it arrive?")

            yield Check(CHANNELS, name, send)


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook doctor",
        description="Check the whole installation: configuration, folders, Python packages,"
        " ZoneMinder and its monitors, who calls the hook, models, the background service, faces,"
        " MQTT, remote servers and notifications. Each line says whether it works, and what to"
        " type if not. Nothing is changed, and nothing is asked that costs money.",
        examples=["sudo zmhook doctor", "sudo zmhook doctor --event 1022"],
        epilog="Exit code: 0 everything works, 1 something does not.",
    )
    add = parser.add_argument
    add(
        "--event",
        type=event_argument,
        metavar="EVENT",
        help="follow one event through all stations, and say where it stops",
    )
    add("--paid", action="store_true", help="also ask services that charge for each question")
    add("--send", action="store_true", help="also send a test notification through every channel")
    add_json(parser)
    add_config(parser)
    add_override(parser)
    return parser
