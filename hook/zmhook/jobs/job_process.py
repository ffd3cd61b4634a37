"""`python -m zmhook.jobs.job_process`: the process that runs the jobs in the spool.

It runs one job after the other until none is left, waits where one is due later, and ends. Several
may run, each in a slot whose lock it holds (`kinds.LANES`). `enqueue` starts them.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from zmhook.errors import NotYet, Undelivered, ZmhookError
from zmhook.jobs.enqueue import command
from zmhook.jobs.kinds import FILMS, LANES, LONGEST_PAUSE, JobKind, due_of, kind_of
from zmhook.jobs.spool import ASIDE, Claim, Spool, Unit
from zmhook.jobs.work import Work, unpack
from zmhook.process import environment, startup
from zmhook.process.limits import limit_memory
from zmhook.process.privilege import become_owner
from zmhook.storage.disk import keep_reserve
from zmhook.storage.regular import UNUSABLE
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.logs import Logs
    from zmhook.settings import Settings

log = logging.getLogger("zmhook.jobs.job_process")  # also when it is run as __main__

POLL_SECONDS = 0.25
"""Seconds between two checks of the spool while a job is due later."""
WORTH_RESTARTING = 5.0
"""Seconds of waiting for which it pays to free memory first."""
LONGEST_LIFE = 3600.0
NICE = {FILMS: 15}
_HEAVY = ("cv2", "apprise", "requests")


class JobRunner:
    """Runs the jobs of one lane; `JobProcess` adds the log and the time limit of a process."""

    def __init__(self, spool: Spool, lane: str) -> None:
        self.spool = spool
        self.lane = lane
        self._left_alone: set[str] = set()

    def use_settings(self, settings: Settings) -> None:
        """Learn the settings of the job that comes next."""

    def limit_time(self, work: Work, seconds: float) -> Callable[[], None]:
        """Have an attempt end after so many seconds; return what lifts the limit."""
        del work, seconds
        return lambda: None

    def work(self) -> None:
        """Do what is due, until nothing is."""
        while claim := self.claim():
            try:
                self._do(claim)
            except OSError as error:  # a job that cannot be removed must not stop the others
                self._leave_alone(claim.unit, error)
            finally:
                claim.close()

    def claim(self) -> Claim | None:
        """Take the first job that is due and that nobody else works on.

        Jobs that cannot be opened are set aside on the way.
        """
        now = time.time()
        due = [unit for unit in self._units() if due_of(unit, now) <= now]
        for unit in sorted(due, key=lambda unit: (unit.rank(now), unit)):
            try:
                claim = self.spool.claim(unit)
            except OSError as error:
                self._unusable(unit, error)
                continue
            if claim:
                return claim
        return None

    def next_due(self) -> float | None:
        """Return when the next job is due that nobody works on yet, None when there is none."""
        now = time.time()
        dues = (due_of(unit, now) for unit in self._units())
        return min((due for due in dues if due > now), default=None)

    def _units(self) -> list[Unit]:
        """Return the jobs of the lane; those of an unknown kind go with the messages."""
        default = next(iter(LANES))
        return [
            unit
            for unit in self.spool.units()
            if (kind.lane if (kind := kind_of(unit.job)) else default) == self.lane
            and unit.name not in self._left_alone
        ]

    # -- one job -------------------------------------------------------------------------------

    def _do(self, claim: Claim) -> None:
        unit, kind = claim.unit, kind_of(claim.unit.job)
        try:
            work = unpack(self.spool, unit)
        except FileNotFoundError:
            self.use_settings(_settings_of(self.spool))
            return self._give_up(claim, "what it is made of is gone")
        except Exception as error:  # noqa: BLE001 - whatever lies there, the others go on
            return self._unreadable(unit, error)
        self.use_settings(work.settings)
        if kind is None:
            return self._give_up(claim, "this version of zmhook does not know it", work)
        # Once more than may fail: a process that ends during the last attempt is no failure of it.
        if unit.tries > kind.tries(work.settings):
            return self._give_up(claim, "the process was ended each time that it was tried", work)
        if time.time() - unit.born > kind.age:
            return self._give_up(claim, f"it is more than {kind.age / 3600:g} hours old", work)
        claim.begin()
        return self._attempt(claim, kind, work)

    def _attempt(self, claim: Claim, kind: JobKind, work: Work) -> None:
        stop = self.limit_time(work, kind.seconds(work.settings))
        try:
            kind.function()(work)
        except ZmhookError as error:
            self._failed(claim, kind, work, error)
        except OSError as error:
            self._failed(claim, kind, work, Undelivered(_reason(error), retry=True))
        except Exception as error:  # a bug in one job must not end the others
            log.debug("%s: %s", work.decision.event, claim.unit.job, exc_info=True)
            self._give_up(claim, unexpected(error), work)
        else:
            claim.done()
        finally:
            stop()

    def _failed(self, claim: Claim, kind: JobKind, work: Work, error: ZmhookError) -> None:
        tries = claim.unit.tries
        if not getattr(error, "retry", False) or tries >= kind.tries(work.settings):
            return self._give_up(claim, str(error), work)
        after = min(getattr(error, "after", 0.0), kind.age, LONGEST_PAUSE)
        pause = max(kind.wait(work.settings, tries), after)
        level = logging.DEBUG if isinstance(error, NotYet) else logging.INFO
        text = "%s: %s: attempt %d: %s; again in %.3g s"
        _log(work, level, text, work.decision.event, claim.unit.job, tries, error, pause)
        return claim.again(time.time() + pause)

    def _give_up(self, claim: Claim, why: str, work: Work | None = None) -> None:
        what = work.decision.event if work else f"the job {claim.unit.entry}"
        tries = f" after {claim.unit.tries} attempts" if claim.unit.tries > 1 else ""
        text = "%s: %s was given up%s: %s"
        _log(work, logging.WARNING, text, what, claim.unit.job, tries, why)
        claim.give_up()

    # -- jobs that cannot be used -----------------------------------------------------------------

    def _unusable(self, unit: Unit, error: OSError) -> None:
        """Set aside a job whose own file cannot be opened, unless the error may pass."""
        self.use_settings(_settings_of(self.spool))
        if error.errno in UNUSABLE or isinstance(error, FileNotFoundError):
            self._set_aside(unit, error, entry=False)
        else:
            self._leave_alone(unit, error)

    def _unreadable(self, unit: Unit, error: Exception) -> None:
        """Set aside all jobs of an entry that cannot be read."""
        self.use_settings(_settings_of(self.spool))
        if isinstance(error, OSError) and error.errno not in UNUSABLE:
            self._leave_alone(unit, error)
        else:
            self._set_aside(unit, error, entry=True)

    def _set_aside(self, unit: Unit, error: Exception, *, entry: bool) -> None:
        try:
            self.spool.set_aside(unit, entry=entry)
        except OSError:
            return self._leave_alone(unit, error)
        what = f"the jobs of {unit.entry}" if entry else f"the job {unit.name}"
        text = "%s: %s cannot be read (%s): set aside (%s) and kept for a week; the others go on"
        log.warning(text, self.spool.folder, what, _reason(error), f"*{ASIDE}")
        return None

    def _leave_alone(self, unit: Unit, error: Exception) -> None:
        """Have this process skip a job that can neither be run nor be set aside."""
        self._left_alone.add(unit.name)
        text = "%s: the job %s cannot be used (%s): left where it is; the others go on"
        log.warning(text, self.spool.folder, unit.name, _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]


def _log(work: Work | None, level: int, text: str, *args: object) -> None:
    monitor = work.decision.event.monitor_id if work else None
    log.log(level, text, *args, extra={"monitor_id": monitor})


def _settings_of(spool: Spool) -> Settings:
    """Return the settings that the folder implies, where those of an entry cannot be read."""
    from zmhook.settings import General, Settings

    data = spool.folder.parents[1]
    return Settings(general=General(base_data_path=str(data), log_path=str(data / "logs")))


class JobProcess(JobRunner):
    """The process that runs jobs: its slot, its log, and the ways in which it ends."""

    def __init__(self, spool: Spool, lane: str, slot: int) -> None:
        super().__init__(spool, lane)
        self.slot: int | None = slot
        self._born = time.monotonic()
        self._logs: Logs | None = None
        self._settings: Settings | None = None
        self._current = ""

    def run(self) -> None:
        """Work until nothing is left; then free the slot, and check once more.

        Whoever stores a job checks afterwards whether all slots are taken. So a process that frees
        one has to check for jobs afterwards.
        """
        self.spool.sweep()
        keep_reserve(self.spool.folder)
        while self.slot is not None:
            self._work_and_wait()
            os.close(self.slot)
            self.slot = self._slot_for_more()
        self._close_logs()

    def _slot_for_more(self) -> int | None:
        claim = self.claim()
        if claim is None:
            return None
        claim.close()
        return self.spool.slot(self.lane, LANES[self.lane])

    def _work_and_wait(self) -> None:
        while True:
            self.work()
            waiting = self.spool.waiting(self.lane)
            if waiting is None:
                return  # another process waits for what is due later
            try:
                if not self._wait():
                    return
            finally:
                os.close(waiting)

    def _wait(self) -> bool:
        """Wait until a job is due; False when none is to come."""
        while True:
            due = self.next_due()
            claim = self.claim()
            if claim:
                claim.close()
                return True
            if due is None:
                return False
            self._restart_if_heavy(due - time.time())
            time.sleep(min(POLL_SECONDS, max(0.0, due - time.time())))

    # -- memory and time -----------------------------------------------------------------------

    def _restart_if_heavy(self, wait: float) -> None:
        heavy = any(name in sys.modules for name in _HEAVY)
        old = time.monotonic() - self._born > LONGEST_LIFE
        if wait > WORTH_RESTARTING and (heavy or old):
            self._restart()

    def _restart(self) -> None:
        """Execute ourselves anew in the same slot: small again, and with the code of today."""
        self._close_logs()
        if self.slot is not None:
            os.set_inheritable(self.slot, True)
            arguments = command(self.spool, self.lane, self.slot)
            os.execv(sys.executable, arguments)  # noqa: S606 - ourselves, without a shell

    def limit_time(self, work: Work, seconds: float) -> Callable[[], None]:
        """Cut off an attempt that takes longer, and go on with the other jobs."""
        from zmhook.process.limits import Watchdog

        self._current = f"{work.decision.event}: {work.unit.job if work.unit else ''}"
        return Watchdog(seconds, lambda: self._cut_off(seconds)).stop

    def _cut_off(self, seconds: float) -> None:
        log.warning("%s: took more than %.3g s and was cut off", self._current, seconds)
        from signal import ITIMER_REAL, setitimer

        setitimer(ITIMER_REAL, 0)
        self._restart()

    # -- the log -------------------------------------------------------------------------------

    def use_settings(self, settings: Settings) -> None:
        """Open the log as the first job's settings say; mask the secrets of the current one."""
        from zmhook.logs import Logs

        self._settings = settings
        if self._logs is None:
            in_use: Callable[[], Any] = lambda: [self._settings]  # noqa: E731 - read when it is used
            self._logs = Logs(settings, None, in_force=in_use)

    def _close_logs(self) -> None:
        if self._logs:
            self._logs.close()
            self._logs = None


def main(argv: Sequence[str] | None = None) -> int:
    startup.prepare(startup.HOOK_UMASK)
    environment.trust_environment()
    args = _parser().parse_args(argv)
    os.set_inheritable(args.slot, False)
    become_owner(args.spool)
    limit_memory()
    os.nice(max(0, NICE.get(args.lane, 0) - os.nice(0)))
    JobProcess(Spool(args.spool), args.lane, args.slot).run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m zmhook.jobs.job_process")
    parser.add_argument("--spool", required=True, help="the folder of jobs")
    parser.add_argument("--lane", required=True, choices=list(LANES), help="which of them")
    parser.add_argument("--slot", required=True, type=int, help="the open file that is our lock")
    return parser


if __name__ == "__main__":
    sys.exit(main())
