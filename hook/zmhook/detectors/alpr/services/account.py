"""An account at a service: its key, what it may still be asked, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.detectors.alpr.services.base import Unread
from zmhook.detectors.alpr.services.budget import Budget, Left
from zmhook.detectors.alpr.services.web import Request, Web
from zmhook.settings.values import flaw_of_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.deadline import Deadline
    from zmhook.settings import Settings


class Account:
    """Asks with `alpr_key`, within `alpr_per_month` where that holds (`counted`)."""

    def __init__(
        self,
        settings: Settings,
        place: str,
        *,
        counted: bool = True,
        meanings: Mapping[int, tuple[str, str]] | None = None,
    ) -> None:
        alpr = settings.alpr
        self.key = alpr.alpr_key.reveal().strip()
        self.web = Web(alpr.alpr_timeout, self.key, meanings)
        limit = alpr.alpr_per_month if counted else 0
        account = f"{place}\0{self.key}"
        self.budget = Budget(settings.general.base_data_path, account, limit)

    def needs_key(self) -> None:
        """Raise `Unread` where there is no key."""
        if not self.key:
            raise Unread("no key", "[alpr] alpr_key is empty: set it to the key of your account")

    def ask(self, request: Request, deadline: Deadline) -> Any:
        """Return the JSON of an answer that costs a look-up; raises `Unread`."""
        flaw = flaw_of_key(self.key)
        if flaw:
            text = f"[alpr] alpr_key: {flaw}, which no key has; nothing is asked: copy it again"
            raise Unread("the key cannot be right", text)
        self.budget.take()
        try:
            return self.web.ask(request, deadline)
        except Unread as error:
            if not error.counts:
                self.budget.give_back()
            if error.hold:
                self.budget.hold(error)
            raise

    def left(self) -> Left:
        """Say how many look-ups are left."""
        return self.budget.left()

    def close(self) -> None:
        self.web.close()
        self.budget.close()
