"""The addresses of `notify_apprise`, which stand between blanks or commas."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]{0,40}://)|\s+")


def addresses_of(text: str) -> list[str]:
    """Return the addresses in their order.

    A comma divides two of them where another address follows; others belong to an address, such
    as those between the recipients of a mail.
    """
    found = (part.strip(",;") for part in _BETWEEN.split(text))
    return [one for one in found if one]


def scheme_of(address: str) -> str:
    """Return what kind of address it is; of one without a kind all may be a key."""
    scheme, found, _ = address.partition("://")
    return scheme if found else "?"
