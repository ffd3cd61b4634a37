"""Recognise servers, choose among several, and go on to the next one when a server fails.

A server that fails is not asked for a while, longer each time. With more than one server the least
busy is asked first, so their status is requested, from all at once, every few seconds.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from zmhook.deadline import Deadline
from zmhook.errors import GatewayError
from zmhook.gateway.dialect import Dialect, GatewayResult, GatewayStatus, ImageDetections
from zmhook.gateway.endpoint import Endpoint
from zmhook.gateway.mlapi_client import MlapiClient
from zmhook.gateway.pyzm_client import PyzmClient
from zmhook.gateway.zmhook_client import ZmhookClient
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.gateway.dialect import GatewayRequest
    from zmhook.settings import Settings


log = logging.getLogger(__name__)

STATUS_HOLDS = 5.0
"""Seconds for which a server's status is used."""
STATUS_SECONDS = 2.0
"""How long it may take to get it."""
FIRST_PAUSE, LONGEST_PAUSE, LOGIN_PAUSE = 5.0, 300.0, 60.0
"""Seconds that a server is not asked: after one failure, after many, when it refuses the login."""
MOST_FAILURES = 16
"""So many are counted; the pause is at its longest before."""
MOST_AT_ONCE = 8
LEAST_TIME = 0.5
LONGEST_WAIT = 5.0
"""Seconds to wait for servers that are all too busy."""
_TYPICAL = 1.0
MLAPI = "/api/v1"
"""The path below which mlapi is, and which addresses in older files have."""


class KnownServer(NamedTuple):
    """A server whose dialect we speak."""

    endpoint: Endpoint
    dialect: Dialect
    status: GatewayStatus


class Gateway:
    """One server: its dialect, its status, and until when it is not asked."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.address = shown(url)
        self.status: GatewayStatus | None = None
        self.round_trip = 0.0
        self._settings = settings
        self._url = url
        self._known: KnownServer | None = None
        self._status_at = float("-inf")
        self._typical = _TYPICAL
        self._failures = 0
        self._paused_until = 0.0
        self._error: GatewayError | None = None

    @property
    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    @property
    def has_failed(self) -> bool:
        """Whether it failed when it was asked last."""
        return self._failures > 0

    @property
    def refuses_login(self) -> bool:
        """Whether it refuses our login: another try may have it refuse everything for a while."""
        return self.is_paused and self._error is not None and self._error.blame == "login"

    @property
    def problem(self) -> str:
        """What went wrong when it was asked last; "" when it answered."""
        return str(self._error or "")

    @property
    def load(self) -> tuple[float, float]:
        """Return what orders servers, the idlest first.

        For one that does not say how busy it is, its round trip is used instead.
        """
        busy = self.status.busy if self.status else None
        return (self.round_trip / self._typical if busy is None else busy), self.round_trip

    def serves(self, model: str) -> bool:
        """Return whether it may be asked for that model."""
        models = self.status.models if self.status else None
        return models is None or model in models

    def refresh(self, seconds: float = STATUS_SECONDS, *, anyway: bool = False) -> None:
        """Request its status if that is due; raises `GatewayError`."""
        is_due = time.monotonic() - self._status_at >= STATUS_HOLDS
        if not (is_due or anyway or self.has_failed):
            return
        started = time.monotonic()
        try:
            self.status = self._request_status(Deadline(seconds))
        except GatewayError as error:
            self._fail(error)
            raise
        self._status_at = time.monotonic()
        self.round_trip = self._status_at - started
        if not self.has_failed:
            self._error = None

    def infer(self, request: GatewayRequest) -> GatewayResult:
        """Run models there; raises `GatewayError`."""
        started = time.monotonic()
        try:
            known = self._recognise(request.deadline)
            result = known.dialect.infer(known.endpoint, request)
        except GatewayError as error:
            self._fail(error)
            raise
        self._failures, self._paused_until, self._error = 0, 0.0, None
        self._typical = (self._typical + time.monotonic() - started) / 2
        if result.busy is not None and self.status is not None:
            self.status = self.status._replace(busy=result.busy)
        return result

    def close(self) -> None:
        known, self._known = self._known, None
        if known is not None:
            known.endpoint.close()

    def _request_status(self, deadline: Deadline) -> GatewayStatus:
        if self._known is None:
            return self._recognise(deadline).status
        status = self._known.dialect.status(self._known.endpoint, deadline)
        if status is None:
            raise GatewayError(f"{self.address}: no longer answers as before: what runs there now?")
        return status

    def _recognise(self, deadline: Deadline) -> KnownServer:
        if self._known is None:
            self._known = recognise(self._settings, self._url, deadline)
            self.status = self._known.status
            log.info("%s speaks %s", self._known.endpoint.address, self.status.speaks)
        return self._known

    def _fail(self, error: GatewayError) -> None:
        """Pause for as long as this failure calls for."""
        self._error = error
        seconds = {"busy": error.after, "login": LOGIN_PAUSE}.get(error.blame, 0.0)
        if error.blame == "server":
            seconds = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
            self._failures = min(self._failures + 1, MOST_FAILURES)
            self.close()  # it may be another kind of server when it comes back
        if seconds:
            self._paused_until = time.monotonic() + seconds
            log.debug("%s is not asked for %.0f s", self.address, seconds)


class Gateways:
    """All servers of the settings. Used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        remote = settings.remote
        self.all = [Gateway(settings, url) for url in remote.ml_gateway]
        self._local = remote.ml_fallback_local

    def prepare(self, seconds: float = STATUS_SECONDS) -> None:
        """Recognise the servers, so that the first request need not; never raises."""
        self._refresh(self.all, seconds)

    def infer(self, request: GatewayRequest) -> GatewayResult:
        """Return the models' detections; `errors` has the models that no server ran.

        If all servers are too busy they are asked once more, when they say that it is soon.
        """
        result, wait = self._infer(request)
        left = request.deadline.left() - LEAST_TIME
        if not result.errors or wait is None or wait > min(left, LONGEST_WAIT):
            return result
        request.deadline.sleep(wait)
        missing = request.narrowed(list(result.errors), request.deadline)
        again, _ = self._infer(missing, anyway=True)
        return GatewayResult({**result.results, **again.results}, again.errors, again.busy)

    def close(self) -> None:
        for gateway in self.all:
            gateway.close()

    def _infer(
        self, request: GatewayRequest, *, anyway: bool = False
    ) -> tuple[GatewayResult, float | None]:
        """Return the result, and the seconds after which a busy server may be free."""
        results: dict[str, ImageDetections] = {}
        errors: dict[str, str] = {}
        wait: float | None = None
        missing = list(request.models)
        for gateway, deadline in self._in_turn(request.deadline, anyway=anyway):
            models = [name for name in missing if len(self.all) == 1 or gateway.serves(name)]
            if not models:
                continue
            try:
                result = gateway.infer(request.narrowed(models, deadline))
            except GatewayError as error:
                log.info("%s", error)
                if error.blame == "image":
                    raise
                if error.blame == "busy":
                    wait = error.after if wait is None else min(wait, error.after)
                continue
            results |= result.results
            errors |= result.errors
            missing = [name for name in missing if name not in results]
            if not missing:
                break
        unserved = {name: self._reason(name, errors) for name in missing}
        return GatewayResult(results, unserved), wait

    def _in_turn(self, deadline: Deadline, *, anyway: bool) -> Iterator[tuple[Gateway, Deadline]]:
        """Yield the servers, the least busy first, each with its share of the time left."""
        order = self._order(anyway=anyway)
        for i, gateway in enumerate(order):
            if deadline.left() < LEAST_TIME:
                return
            turns = len(order) - i + self._local
            yield gateway, Deadline(deadline.left() / turns)

    def _order(self, *, anyway: bool) -> list[Gateway]:
        """Return the servers that are not paused; if all are, those that answer again."""
        only = self.all[0] if len(self.all) == 1 else None
        if only and (anyway or not (only.is_paused or only.has_failed)):
            return self.all
        free = [gateway for gateway in self.all if anyway or not gateway.is_paused]
        reachable = self._refresh(free)
        if not reachable and not self._local:
            paused = [each for each in self.all if each not in free and not each.refuses_login]
            reachable = self._refresh(paused, anyway=True)
        return sorted(reachable, key=lambda gateway: gateway.load)

    def _refresh(
        self, gateways: Sequence[Gateway], seconds: float = STATUS_SECONDS, *, anyway: bool = False
    ) -> list[Gateway]:
        """Request the status of all at once, and return those that answer."""

        def is_reachable(gateway: Gateway) -> bool:
            try:
                gateway.refresh(seconds, anyway=anyway)
            except GatewayError as error:
                log.info("%s", error)
                return False
            return True

        if not gateways:
            return []
        threads = min(len(gateways), MOST_AT_ONCE)
        with ThreadPoolExecutor(threads, thread_name_prefix="gateway") as pool:
            reachable = pool.map(is_reachable, gateways)
            return [each for each, is_up in zip(gateways, reachable, strict=True) if is_up]

    def _reason(self, name: str, errors: Mapping[str, str]) -> str:
        """Return why no server ran a model, naming each server."""
        problems = [gateway.problem for gateway in self.all if gateway.problem]
        reasons = dict.fromkeys(filter(None, (errors.get(name, ""), *problems)))
        servers = ", ".join(gateway.address for gateway in self.all)
        return "; ".join(reasons) or f"none of {servers} serves {name}, or no time was left to ask"


def recognise(settings: Settings, address: str, deadline: Deadline) -> KnownServer:
    """Return how to ask the server; raises `GatewayError`.

    The address is tried as it is, then with mlapi's path or without it.
    """
    other = address.removesuffix(MLAPI) if address.endswith(MLAPI) else f"{address}{MLAPI}"
    for base in (address, other):
        endpoint = Endpoint(settings, base)
        try:
            for dialect in (ZmhookClient(), PyzmClient(), MlapiClient()):
                status = dialect.status(endpoint, deadline)
                if status is not None:
                    return KnownServer(endpoint, dialect, status)
        except GatewayError:
            endpoint.close()
            raise
        endpoint.close()
    raise GatewayError(
        f"{shown(address)}: answers, but neither as zmhook nor as pyzm.serve or mlapi do: is"
        " [remote] ml_gateway right?"
    )
