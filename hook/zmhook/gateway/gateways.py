"""Several servers: which one is asked, and the next when it fails.

Who fails is left alone for a while, longer each time. With more than one server the least busy is
asked first, so they are asked how they are, all at once, when the last time is some seconds ago.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.errors import GatewayError
from zmhook.gateway.question import Answer, Found
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.gateway.dialects.recognise import Recognised
    from zmhook.gateway.question import Health, Question
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

HEALTH_SECONDS = 5.0
"""How long the answer to how a server is holds."""
STATUS_SECONDS = 2.0
"""How long it may take."""
FIRST_HOLD, LONGEST_HOLD, LOGIN_HOLD = 5.0, 300.0, 60.0
"""Seconds that a server is left alone: after one failure, after many, when it refuses the login."""
MOST_FAILURES = 16
"""So many are counted; the time has come to its longest before."""
MOST_AT_ONCE = 8
LEAST_TIME = 0.5
LONGEST_WAIT = 5.0
"""Seconds that are waited for servers that are all too busy."""
_USUAL = 1.0


class Gateway:
    """One server: how it is asked, how it was, and until when it is left alone."""

    def __init__(self, settings: Settings, address: str) -> None:
        self.place = shown(address)
        self.health: Health | None = None
        self.round_trip = 0.0
        self._settings = settings
        self._address = address
        self._known: Recognised | None = None
        self._asked = float("-inf")
        self._usual = _USUAL
        self._failures = 0
        self._held_until = 0.0
        self._trouble: GatewayError | None = None

    @property
    def is_held(self) -> bool:
        return time.monotonic() < self._held_until

    @property
    def is_doubtful(self) -> bool:
        """Whether it failed when it was asked last."""
        return self._failures > 0

    @property
    def is_locked(self) -> bool:
        """Whether it refuses our login: asking again has it refuse everything for a while."""
        return self.is_held and self._trouble is not None and self._trouble.blame == "login"

    @property
    def trouble(self) -> str:
        """What went wrong when it was asked last; nothing when it answered."""
        return str(self._trouble or "")

    @property
    def load(self) -> tuple[float, float]:
        """Return what orders servers, the idlest first.

        One that does not say how busy it is answers late when it is: its models keep it.
        """
        busy = self.health.busy if self.health else None
        return (self.round_trip / self._usual if busy is None else busy), self.round_trip

    def serves(self, model: str) -> bool:
        """Say whether it may be asked for that model."""
        models = self.health.models if self.health else None
        return models is None or model in models

    def refresh(self, seconds: float = STATUS_SECONDS, *, anyway: bool = False) -> None:
        """Ask how it is, when that is due; raises `GatewayError`."""
        is_due = time.monotonic() - self._asked >= HEALTH_SECONDS
        if not (is_due or anyway or self.is_doubtful):
            return
        started = time.monotonic()
        try:
            self.health = self._status(Deadline(seconds))
        except GatewayError as error:
            self._failed(error)
            raise
        self._asked = time.monotonic()
        self.round_trip = self._asked - started
        if not self.is_doubtful:
            self._trouble = None

    def look(self, question: Question) -> Answer:
        """Ask it; raises `GatewayError`."""
        started = time.monotonic()
        try:
            known = self._recognise(question.deadline)
            answer = known.dialect.look(known.link, question)
        except GatewayError as error:
            self._failed(error)
            raise
        self._failures, self._held_until, self._trouble = 0, 0.0, None
        self._usual = (self._usual + time.monotonic() - started) / 2
        if answer.busy is not None and self.health is not None:
            self.health = self.health._replace(busy=answer.busy)
        return answer

    def close(self) -> None:
        known, self._known = self._known, None
        if known is not None:
            known.link.close()

    def _status(self, deadline: Deadline) -> Health:
        if self._known is None:
            return self._recognise(deadline).health
        health = self._known.dialect.status(self._known.link, deadline)
        if health is None:
            raise GatewayError(f"{self.place}: no longer answers as it did: what runs there now?")
        return health

    def _recognise(self, deadline: Deadline) -> Recognised:
        if self._known is None:
            from zmhook.gateway.dialects import recognised

            self._known = recognised(self._settings, self._address, deadline)
            self.health = self._known.health
            log.info("%s speaks %s", self._known.link.place, self.health.speaks)
        return self._known

    def _failed(self, error: GatewayError) -> None:
        """Leave it alone for as long as that failure is worth."""
        self._trouble = error
        seconds = {"busy": error.after, "login": LOGIN_HOLD}.get(error.blame, 0.0)
        if error.blame == "server":
            seconds = min(FIRST_HOLD * 2**self._failures, LONGEST_HOLD)
            self._failures = min(self._failures + 1, MOST_FAILURES)
            self.close()  # it may be another kind of server when it comes back
        if seconds:
            self._held_until = time.monotonic() + seconds
            log.debug("%s is left alone for %.0f s", self.place, seconds)


class Gateways:
    """All servers of the settings. Used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        remote = settings.remote
        self.all = [Gateway(settings, address) for address in remote.ml_gateway]
        self._local = remote.ml_fallback_local

    def prepare(self, seconds: float = STATUS_SECONDS) -> None:
        """Get to know the servers, so that the first question need not; never raises."""
        self._refresh(self.all, seconds)

    def ask(self, question: Question) -> Answer:
        """Return what the models see; `errors` has those that no server answered for.

        Servers that are all too busy are asked once more, when they say that it is soon.
        """
        answer, busy = self._ask(question)
        left = question.deadline.left() - LEAST_TIME
        if not answer.errors or busy is None or busy > min(left, LONGEST_WAIT):
            return answer
        question.deadline.sleep(busy)
        again, _ = self._ask(question.of(list(answer.errors), question.deadline), anyway=True)
        return Answer({**answer.results, **again.results}, again.errors, again.busy)

    def close(self) -> None:
        for gateway in self.all:
            gateway.close()

    def _ask(self, question: Question, *, anyway: bool = False) -> tuple[Answer, float | None]:
        """Return the answer, and the seconds after which one that was too busy may not be."""
        results: dict[str, Found] = {}
        errors: dict[str, str] = {}
        wait: float | None = None
        missing = list(question.models)
        for gateway, deadline in self._in_turn(question.deadline, anyway=anyway):
            todo = [name for name in missing if len(self.all) == 1 or gateway.serves(name)]
            if not todo:
                continue
            try:
                answer = gateway.look(question.of(todo, deadline))
            except GatewayError as error:
                log.info("%s", error)
                if error.blame == "image":
                    raise
                if error.blame == "busy":
                    wait = error.after if wait is None else min(wait, error.after)
                continue
            results |= answer.results
            errors |= answer.errors
            missing = [name for name in missing if name not in results]
            if not missing:
                break
        return Answer(results, {name: self._why(name, errors) for name in missing}), wait

    def _in_turn(self, deadline: Deadline, *, anyway: bool) -> Iterator[tuple[Gateway, Deadline]]:
        """Yield the servers, the least busy first, each with its part of what time is left."""
        order = self._order(anyway=anyway)
        for i, gateway in enumerate(order):
            if deadline.left() < LEAST_TIME:
                return
            turns = len(order) - i + self._local
            yield gateway, Deadline(deadline.left() / turns)

    def _order(self, *, anyway: bool) -> list[Gateway]:
        """Return those that are not left alone; where all are, those that are well again."""
        only = self.all[0] if len(self.all) == 1 else None
        if only and (anyway or not (only.is_held or only.is_doubtful)):
            return self.all
        free = [one for one in self.all if anyway or not one.is_held]
        well = self._refresh(free)
        if not well and not self._local:
            held = [one for one in self.all if one not in free and not one.is_locked]
            well = self._refresh(held, anyway=True)
        return sorted(well, key=lambda one: one.load)

    def _refresh(
        self, some: Sequence[Gateway], seconds: float = STATUS_SECONDS, *, anyway: bool = False
    ) -> list[Gateway]:
        """Ask how they are, all at once, and return those that are well."""

        def is_well(gateway: Gateway) -> bool:
            try:
                gateway.refresh(seconds, anyway=anyway)
            except GatewayError as error:
                log.info("%s", error)
                return False
            return True

        if not some:
            return []
        with ThreadPoolExecutor(min(len(some), MOST_AT_ONCE), thread_name_prefix="gateway") as pool:
            return [one for one, well in zip(some, pool.map(is_well, some), strict=True) if well]

    def _why(self, name: str, errors: Mapping[str, str]) -> str:
        """Say why nobody answered for a model, naming each server."""
        troubles = [one.trouble for one in self.all if one.trouble]
        told = dict.fromkeys(filter(None, (errors.get(name, ""), *troubles)))
        places = ", ".join(one.place for one in self.all)
        return "; ".join(told) or f"none of {places} serves {name}, or there was no time to ask"
