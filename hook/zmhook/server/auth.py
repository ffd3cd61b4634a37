"""Authenticate clients: one user, a password, expiring tokens, a limit on failed logins."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import time
from collections import OrderedDict, deque
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.errors import ZmhookError
from zmhook.net.connections import network_of
from zmhook.net.tokens import FOLDER
from zmhook.storage import atomic
from zmhook.storage.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.settings import Settings

log = logging.getLogger(__name__)

FILE = "listen_password"
TOKEN_SECONDS = 3600
MOST_TOKENS = 10_000
"""Some clients log in for every event; beyond this the oldest token ends early."""
MOST_ADDRESSES = 4096

WINDOW = 60.0
EACH, ALL = 5, 50
"""Failed logins within `WINDOW` seconds from one address, and from all that never got in."""
LONGEST_PASSWORD_FILE = 1024


class NoPasswordError(ZmhookError):
    """There is no password to compare with, and none can be made."""


class IssuedTokens:
    """The tokens that were issued. They are in memory: after a restart clients log in again."""

    def __init__(self, seconds: float = TOKEN_SECONDS, most: int = MOST_TOKENS) -> None:
        self._seconds = seconds
        self._most = most
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    def issue(self) -> str:
        token = secrets.token_urlsafe(32)
        self._drop_expired()
        self._ends[_hash(token)] = time.monotonic() + self._seconds
        return token

    def is_valid(self, token: str) -> bool:
        """Return whether the token is valid. It is found by its hash: timing reveals nothing."""
        return self._ends.get(_hash(token), 0.0) > time.monotonic()

    def _drop_expired(self) -> None:
        now = time.monotonic()
        while self._ends and (len(self._ends) >= self._most or self._oldest() <= now):
            self._ends.popitem(last=False)

    def _oldest(self) -> float:
        return next(iter(self._ends.values()))


class FailedLogins:
    """Counts failed logins of the last minute: after too many, every further one is refused.

    An address that logged in lately is not locked out by the failures of others.
    """

    def __init__(self) -> None:
        self._each: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=ALL)
        self._proven: OrderedDict[str, None] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return the seconds until this address may try again; 0 means now."""
        network, now = network_of(address), time.monotonic()
        own = self._each.get(network, deque[float]())
        waits = [own[0] + WINDOW - now] if len(own) == EACH else []
        if network not in self._proven and len(self._all) == ALL:
            waits.append(self._all[0] + WINDOW - now)
        return max(0.0, *waits, 0.0)

    def add_failure(self, address: str) -> None:
        network, now = network_of(address), time.monotonic()
        self._each.setdefault(network, deque(maxlen=EACH)).append(now)
        _bound(self._each, network)
        if network not in self._proven:
            self._all.append(now)

    def add_success(self, address: str) -> None:
        network = network_of(address)
        self._each.pop(network, None)
        self._proven[network] = None
        _bound(self._proven, network)


class Users:
    """Checks logins against the one user that there is."""

    def __init__(self, user: str, password: str, failures: FailedLogins | None = None) -> None:
        self.identity = (_hash(user), _hash(password))
        self.tokens = IssuedTokens()
        self.failures = failures or FailedLogins()

    @classmethod
    def of(cls, settings: Settings, failures: FailedLogins | None = None) -> Users:
        """Create the password if there is none yet; raises `NoPasswordError`."""
        service = settings.service
        password = service.listen_password.reveal() or stored_password(settings)
        return cls(service.listen_user, password, failures)

    def log_in(self, user: str, password: str, address: str) -> str | None:
        """Return a token, or None. User and password are both compared in any case."""
        right_user = hmac.compare_digest(_hash(user), self.identity[0])
        right_password = hmac.compare_digest(_hash(password), self.identity[1])
        if not (right_user and right_password):
            self.failures.add_failure(address)
            log.warning("%s: a login was refused", address)
            return None
        self.failures.add_success(address)
        return self.tokens.issue()


class Access:
    """The user and the password as the settings have them now.

    When either changes, all tokens end and `on_change` is called. Failed logins stay counted, so
    nobody gets more tries by that.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._on_change = on_change
        self._failures = FailedLogins()
        self._users: Users | None = None
        self._key: object = None
        self.problem = ""

    @property
    def users(self) -> Users | None:
        """Who may log in now; None when there is no password (see `problem`)."""
        settings = self._settings()
        key = _credentials_key(settings)
        if key != self._key or self.problem:
            self._read(settings)
            self._key = _credentials_key(settings)
        return self._users

    def _read(self, settings: Settings) -> None:
        before = self._users
        try:
            users = Users.of(settings, self._failures)
        except NoPasswordError as error:
            if str(error) != self.problem:
                self.problem = str(error)
                log.error("%s; other machines get health and metrics only", error)  # noqa: TRY400
            self._users = None
        else:
            self.problem = ""
            self._users = before if before and before.identity == users.identity else users
        if before and self._users is not before:
            log.warning("the user or password for other machines has changed: all log in again")
            self._on_change()


def _credentials_key(settings: Settings) -> object:
    """Return a value that changes with the user or the password."""
    service = settings.service
    password, file = service.listen_password.reveal(), None
    if not password:
        try:
            stat = _file(settings).lstat()
            file = (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_mode)
        except OSError:
            pass
    return service.listen_user, password, settings.general.base_data_path, file


def _file(settings: Settings) -> Path:
    return Path(settings.general.base_data_path) / FOLDER / FILE


def stored_password(settings: Settings) -> str:
    """Return the password in the file, which is created if it is missing."""
    path = _file(settings)
    try:
        return _read(path) or _make(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise NoPasswordError(
            f"{path}: no password to log in with ({reason}): make it readable, or set"
            " [service] listen_password"
        ) from None


def _read(path: Path) -> str:
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(LONGEST_PASSWORD_FILE).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    if mode & 0o077:
        log.warning("%s: others than its owner may read the password: chmod 600 it", path)
    return text


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(18)
    atomic.write(path, f"{password}\n".encode(), 0o600, durable=True)
    log.warning("a password for other machines was made: it is in %s", path)
    return _read(path) or password


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _bound(table: OrderedDict[str, Any], newest: str) -> None:
    table.move_to_end(newest)
    while len(table) > MOST_ADDRESSES:
        table.popitem(last=False)
