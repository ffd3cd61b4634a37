"""Being logged in at a gateway: a token that processes share, renewed before it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zmhook.errors import GatewayError
from zmhook.gateway.finite import finite
from zmhook.gateway.protocol import LOGIN
from zmhook.gateway.wire import refused
from zmhook.net.tokens import MARGIN, Tokens, lasts_until

if TYPE_CHECKING:
    from zmhook.gateway.wire import Wire
    from zmhook.settings import Settings

FILE = "remote_tokens.json"
LONGEST_TOKEN = 8192
LONGEST_LIFE = 30 * 86_400.0
RENEW_AT = 0.9
"""The share of its life after which a short-lived token is renewed."""
_REFUSALS = (400, 401, 403)


class Account:
    """One user at one gateway, whose address the token belongs to."""

    def __init__(self, settings: Settings, base: str) -> None:
        remote = settings.remote
        self.user = remote.ml_user
        self._password = remote.ml_password
        self._base = base
        self._kept = Tokens(settings.general.base_data_path, base, self.user, FILE)
        self._token = ""
        self._renew = 0.0

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._token, self._password.reveal()

    def token(self, wire: Wire, seconds: float) -> str:
        """Return a token that holds, nothing without a user; raises `GatewayError`."""
        if not self.user:
            return ""
        if not self.held():
            self._log_in(wire, seconds)
        return self._token

    def held(self) -> str:
        """Return the token that we have, or another process has kept; nothing when there is none.

        One that was refused is not taken up again.
        """
        if not self.user:
            return ""
        if time.time() < self._renew:
            return self._token
        kept = self._kept.kept()
        if kept is None or kept.credentials == self._token:
            return ""
        self._token, self._renew = kept.credentials, kept.until - MARGIN
        return self._token

    def forget(self) -> None:
        """Take no notice of the token any more: it was refused."""
        self._renew = 0.0

    def refused(self, place: str, said: str) -> GatewayError:
        """Say that a request is refused for want of a login, or in spite of one."""
        if not self.user:
            text = "asks for a login: set [remote] ml_user and ml_password"
        else:
            text = f"does not let user '{self.user}' ask ({said}): check [remote] ml_user"
        return GatewayError(f"{place}: {text}", "login")

    def _log_in(self, wire: Wire, seconds: float) -> None:
        words = {"username": self.user, "password": self._password.reveal()}
        reply = wire.ask("POST", f"{self._base}{LOGIN}", seconds, json=words)
        if reply.status in _REFUSALS:
            raise GatewayError(
                f"{reply.place}: refused to log in user '{self.user}'"
                f" ({reply.said(*self.secrets)}): check [remote] ml_user and ml_password",
                "login",
            )
        if not reply.ok:
            raise refused(reply, *self.secrets)
        said = reply.data()
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not _is_token(token):
            raise GatewayError(
                f"{reply.place}: its answer to the login has no token: is [remote] ml_gateway"
                " right?"
            )
        self._keep(token, _life(said.get("expires"), token))

    def _keep(self, token: str, life: float) -> None:
        """Keep it so that others, too, renew it before it ends."""
        renew = time.time() + max(life - MARGIN, life * RENEW_AT)
        self._token, self._renew = token, renew
        self._kept.write(token, renew + MARGIN)


def _is_token(text: str) -> bool:
    """Say whether this can stand in a header."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable()


def _life(expires: object, token: str) -> float:
    """Return the seconds that a token lasts: as the server says, or else as it says itself."""
    life = finite(expires) or 0.0
    if life <= 0:
        life = lasts_until(token) - time.time()
    return min(max(life, 0.0), LONGEST_LIFE)
