"""Addresses: what of them may be shown, and how something is added."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from zmhook.printable import one_line

LONGEST = 300
"""Characters of an address that are shown."""


def shown(url: str) -> str:
    """Return an address without what may be secret in it (user, password, query), on one line."""
    try:
        scheme, place, path, _, _ = urlsplit(url)
    except ValueError:
        return "the portal"
    return one_line(urlunsplit((scheme, place.rpartition("@")[2], path, "", "")), LONGEST)


def with_query(url: str, query: str) -> str:
    """Return the address with one more piece of query; `query` is quoted already."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query}"
