"""Keep the jobs of events on the disk: files in `<base_data_path>/state/spool`.

One event is an entry: `ENTRY.json` with the decision and the settings, which hold secrets (so the
folder and its files are for their owner alone), and `ENTRY.picture` with the picture. Each job of
it is an empty file beside, `ENTRY.JOB.TRIES.DUE`, whose name says all that changes: renaming is
atomic, and a lock on the file survives it. Who works on a job holds that lock; when the process
dies the kernel lets go of it, and the job is still there.

Two endings mark what is no job any more: `.aside` one that cannot be read, kept for a week with
all that its entry has; `.failed` one that was given up, kept for a day to be counted.

Files rather than a table: on a full disk they can still be renamed and removed, so that messages
that were stored go out, where SQLite can neither write nor, in WAL mode, open its file.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.storage import atomic
from zmhook.storage.lock import try_lock
from zmhook.storage.regular import UNUSABLE, discard, open_regular, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER = "state/spool"
MOST = 500
"""Jobs that may wait; above that the oldest go, films before messages."""
ORPHANED = 120.0
"""Seconds after which files that no job needs are removed."""
ASIDE, FAILED = ".aside", ".failed"
KEPT = {ASIDE: 7 * 86400.0, FAILED: 86400.0}
"""Seconds for which what is no job any more is kept, by its ending; at most `MOST` of each."""
AHEAD = 60.0
"""Seconds that a job may be younger than now; more than that, and the clock was set back since."""
LARGEST_ENTRY, LARGEST_PICTURE = 64 << 20, 1 << 30
"""Bytes."""
_NAME = re.compile(
    r"((\d{13})-[0-9a-f]{8}-m(\d{1,19}|x))\.([a-z-]+[0-9]*)\.(\d{1,4})\.(\d{13})", re.ASCII
)


class Unit(NamedTuple):
    """One job of one entry: how often it was begun, and when it is due (seconds since 1970)."""

    entry: str
    job: str
    tries: int
    due: float

    @property
    def name(self) -> str:
        # Rounded down, so that what is due now is due now.
        return f"{self.entry}.{self.job}.{self.tries}.{max(0, int(self.due * 1000)):013d}"

    def due_at(self, now: float) -> float:
        """Return when it is due; at once where the clock has been put back since it was made.

        It would be kept until the clock comes to that time again. Once begun, it waits for its
        next attempt by the new clock.
        """
        # A clock that is put right by seconds does not end a delay that was asked for.
        is_delayed = self.due > self.born
        is_wrong = not self.tries and (self.is_ahead(now) if is_delayed else self.born > now)
        return min(self.due, now) if is_wrong else self.due

    @property
    def born(self) -> float:
        """When its event was answered, in seconds since 1970."""
        return int(self.entry[:13]) / 1000

    def is_ahead(self, now: float) -> bool:
        """Say whether the clock has been set back since its event was answered."""
        return self.born > now + AHEAD

    def rank(self, now: float) -> tuple[bool, str]:
        """Return what sorts it by age: what a clock that was ahead has dated is the oldest."""
        return not self.is_ahead(now), self.entry

    @property
    def monitor(self) -> str:
        return self.entry.rpartition("-m")[2]

    @classmethod
    def named(cls, name: str) -> Unit | None:
        parts = _NAME.fullmatch(name)
        return cls(parts[1], parts[4], int(parts[5]), int(parts[6]) / 1000) if parts else None


class NotStored(OSError):
    """The disk takes no jobs; `left` are those that are not stored, `error` is why."""

    def __init__(self, error: OSError, left: list[str]) -> None:
        super().__init__(error.errno, error.strerror, error.filename)
        self.error = error
        self.left = left


class Claim:
    """A job that is locked for us until `close`, also when its name changes."""

    def __init__(self, spool: Spool, unit: Unit, lock: int) -> None:
        self.unit = unit
        self._spool = spool
        self._lock = lock

    def begin(self) -> None:
        """Count the attempt before it is made, so that one which kills us is not made for ever."""
        self._rename(self.unit._replace(tries=self.unit.tries + 1))

    def again(self, due: float) -> None:
        self._rename(self.unit._replace(due=due))

    def done(self) -> None:
        """Remove the job, and with the last one all that its entry has."""
        self._spool.remove([self.unit])

    def give_up(self) -> None:
        """As `done`, and count it among those that failed."""
        self._spool.give_up([self.unit])

    def close(self) -> None:
        os.close(self._lock)

    def _rename(self, unit: Unit) -> None:
        folder = self._spool.folder
        (folder / self.unit.name).rename(folder / unit.name)
        self.unit = unit


class Spool:
    """The folder of jobs. All methods raise `OSError` when the disk fails."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    @classmethod
    def of(cls, base_data_path: str) -> Spool:
        return cls(Path(base_data_path) / FOLDER)

    # -- writing -------------------------------------------------------------------------------

    def add(self, data: bytes, picture: bytes, jobs: Iterable[str], monitor: int | None) -> str:
        """Store an event's jobs, each due at once; return the entry's name.

        Raises `NotStored`: what it does not name is stored.
        """
        entry, left = entry_name(monitor), list(jobs)
        try:
            self._make_folder()
            self._write(f"{entry}.json", data)
            if picture:
                self._write(f"{entry}.picture", picture)
            while left:
                self.add_unit(Unit(entry, left[0], 0, int(entry[:13]) / 1000))
                del left[0]
        except OSError as error:
            with suppress(OSError):
                self._forget({entry})
            raise NotStored(error, left) from error
        return entry

    def add_unit(self, unit: Unit) -> None:
        """Store one more job of an entry that is there."""
        path = self.folder / unit.name
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        os.close(os.open(path, flags, 0o600))

    def remove(self, units: Iterable[Unit]) -> None:
        units = list(units)
        for unit in units:
            (self.folder / unit.name).unlink(missing_ok=True)
        self._forget({unit.entry for unit in units})

    def give_up(self, units: Iterable[Unit]) -> None:
        """Remove jobs that failed; an empty file of each remains, to be counted."""
        units = list(units)
        for unit in units:
            path = self.folder / unit.name
            try:
                path.rename(f"{path}{FAILED}")
            except OSError:
                path.unlink(missing_ok=True)
        self._forget({unit.entry for unit in units})

    def set_aside(self, unit: Unit, *, entry: bool = False) -> None:
        """Try a job no more, or all of its `entry`; its data stays for a week."""
        units = [job for job in self.units() if job.entry == unit.entry] if entry else [unit]
        for job in units:
            with suppress(FileNotFoundError):
                (self.folder / job.name).rename(self.folder / f"{job.name}{ASIDE}")

    def trim(self) -> list[Unit]:
        """Give up the oldest jobs above `MOST`, and return them."""
        units = self.units()
        if len(units) <= MOST:
            return []
        now = time.time()
        units.sort(key=lambda unit: (unit.job != "animation", unit.rank(now)))
        gone = units[: len(units) - MOST]
        self.give_up(gone)
        return gone

    def sweep(self) -> None:
        """Remove what a killed process left behind, and old jobs that failed or were set aside."""
        for ending, seconds in KEPT.items():
            self._sweep_old(ending, seconds)
        needed = self._needed()
        before = time.time() - ORPHANED
        for path in self.folder.iterdir():
            left = path.suffix == ".tmp" or path.suffix in (".json", ".picture")
            if left and path.stem not in needed:
                _discard(path, before)

    def _sweep_old(self, ending: str, seconds: float) -> None:
        paths = sorted(path for path in self.folder.iterdir() if path.suffix == ending)
        too_many = max(0, len(paths) - MOST)
        now = time.time()
        for number, path in enumerate(paths):
            unit = Unit.named(path.stem)
            if unit and (unit.born < now - seconds or number < too_many):
                _discard(path)
            elif not unit or unit.is_ahead(now):
                _discard(path, now - seconds)

    def _forget(self, entries: set[str]) -> None:
        """Remove all that entries have, but for those that a job still needs."""
        for entry in entries - self._needed():
            for kind in ("json", "picture"):
                _discard(self.folder / f"{entry}.{kind}")

    def _needed(self) -> set[str]:
        return {unit.entry for unit in (*self.units(), *self.units(ASIDE))}

    def _write(self, name: str, data: bytes) -> None:
        atomic.write(self.folder / name, data, 0o600)

    def _make_folder(self) -> None:
        if self.folder.is_dir():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o700)

    # -- reading -------------------------------------------------------------------------------

    def units(self, ending: str = "") -> list[Unit]:
        """Return all jobs, in no order; with an ending those that are none any more."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        units = (Unit.named(name.removesuffix(ending)) for name in names if name.endswith(ending))
        return [unit for unit in units if unit]

    def claim(self, unit: Unit) -> Claim | None:
        """Take a job, unless somebody else has it or it has changed meanwhile."""
        path = self.folder / unit.name
        try:
            lock = open_regular(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        if try_lock(lock) and _is_still(path, lock):
            return Claim(self, unit, lock)
        os.close(lock)
        return None

    def data(self, entry: str) -> bytes:
        return read(self.folder / f"{entry}.json", LARGEST_ENTRY)

    def picture(self, entry: str) -> bytes:
        """Return the picture, b"" when there is none."""
        try:
            return read(self.folder / f"{entry}.picture", LARGEST_PICTURE)
        except FileNotFoundError:
            return b""

    # -- slots ---------------------------------------------------------------------------------

    def slot(self, lane: str, count: int) -> int | None:
        """Lock a slot of a lane and return its open file, or None when all are taken."""
        return next(self._free(f"{lane}.slot-{number}" for number in range(count)), None)

    def waiting(self, lane: str) -> int | None:
        """Lock the file of the process that waits for later jobs; None when one holds it."""
        return next(self._free([f"{lane}.waiting"]), None)

    def _free(self, names: Iterable[str]) -> Iterator[int]:
        for name in names:
            path = self.folder / name
            lock = _lock_file(path)
            if try_lock(lock) and _is_still(path, lock):
                yield lock
                return
            os.close(lock)


def _lock_file(path: Path) -> int:
    """Open a file to lock; whatever else has its name (another user's file, a folder) is renamed.

    Raises `OSError`.
    """
    try:
        return open_regular(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        if error.errno not in UNUSABLE or not os.path.lexists(path):
            raise
    path.rename(path.with_name(f"{path.name}-{secrets.token_hex(4)}{ASIDE}"))
    return open_regular(path, os.O_RDWR | os.O_CREAT)


def _discard(path: Path, before: float | None = None) -> None:
    """Remove a file, or an empty folder in its place, as far as that can be done.

    With `before` only what was not changed since then, in seconds since 1970. What a clock that was
    ahead has dated is as old as this look at it.
    """
    with suppress(OSError):
        if before is not None and (changed := path.lstat().st_mtime) >= before:
            if changed > time.time() + AHEAD:
                os.utime(path, follow_symlinks=False)
            return
        discard(path)


def entry_name(monitor: int | None) -> str:
    """Return the name of a new entry."""
    now = f"{max(0, int(time.time() * 1000)):013d}"
    return f"{now}-{secrets.token_hex(4)}-m{'x' if monitor is None else monitor}"


def _is_still(path: Path, file: int) -> bool:
    """Say whether the file that was opened still has that name."""
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False
