"""Store login tokens for all processes, so that not every event has to log in.

They are in `<base_data_path>/cache/zm_token.json`, which only its owner can read and which is
replaced atomically.
"""

from __future__ import annotations

import logging
import time
from hashlib import sha256
from pathlib import Path

from msgspec import Struct, json

from zmhook.storage import atomic
from zmhook.storage.regular import read
from zmhook.text.bounded_json import ERRORS, Unreadable, claims, decoded

log = logging.getLogger(__name__)

FOLDER = "cache"  # the data folder itself need not belong to the user who runs events
FILE = "zm_token.json"
MOST_TOKENS = 16
# A token is not used in its last minutes, so that it lasts for the event at hand.
MARGIN = 120.0
# For credentials that do not say how long they are valid.
ASSUMED_LIFE = 3600.0
LONGEST_LIFE = 366 * 86400.0


class StoredToken(Struct, frozen=True):
    """What goes into a request to be let in, and until when (seconds since the epoch)."""

    credentials: str
    until: float


class TokenStore:
    """The stored token of one user at one portal, or at another server with a `file` of its own.

    Nothing here raises: a file that cannot be read or written costs a login.
    """

    def __init__(self, folder: str, portal: str, user: str, file: str = FILE) -> None:
        self.path = Path(folder) / FOLDER / file
        self._key = sha256(f"{portal}\n{user}".encode()).hexdigest()

    def read(self) -> str | None:
        """Return credentials that are still valid, or None."""
        stored = self.stored()
        return stored.credentials if stored else None

    def stored(self) -> StoredToken | None:
        """Return a token that is still valid, or None."""
        stored = self._all().get(self._key)
        return stored if stored and stored.until - MARGIN > time.time() else None

    def write(self, credentials: str, until: float) -> None:
        now = time.time()
        others = [
            (key, token)
            for key, token in self._all().items()
            if token.until > now and key != self._key
        ]
        newest = dict(others[-MOST_TOKENS + 1 :])
        self._replace(json.encode({**newest, self._key: StoredToken(credentials, until)}))

    def _all(self) -> dict[str, StoredToken]:
        try:
            return decoded(read(self.path), dict[str, StoredToken])
        except FileNotFoundError:
            return {}
        except (OSError, Unreadable) as error:
            # What is in the file is never shown.
            log.debug("%s: cannot be read (%s); logging in", self.path, type(error).__name__)
            return {}

    def _replace(self, data: bytes) -> None:
        try:
            self.path.parent.mkdir(exist_ok=True)
            atomic.write(self.path, data, 0o600)
        except OSError as error:
            log.debug("%s: cannot be written (%s)", self.path, error.strerror)


def expiry_of(credentials: str) -> float:
    """Return when a token ends (seconds since the epoch): it is a JWT and says so (RFC 7519).

    One that says nothing, or nothing possible, is taken to last an hour.
    """
    now = time.time()
    try:
        until = float(claims(credentials)["exp"])
    except ERRORS:
        return now + ASSUMED_LIFE
    return until if 0 <= until < now + LONGEST_LIFE else now + ASSUMED_LIFE
