"""Addresses: what of them may be shown, and how something is added."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from zmhook.printable import MORE, one_line

_FORM = re.compile(r"[=&;]|%(25)*(3d|26)", re.IGNORECASE)

LONGEST = 300
"""Characters of an address that are shown."""


def shown(url: str) -> str:
    """Return an address without what may be secret in it, on one line.

    That are user, password and query, and parts of the path that look like a query or a form.
    """
    try:
        scheme, netloc, path, _, _ = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    path = "/".join(MORE if _FORM.search(part) else part for part in path.split("/"))
    return one_line(urlunsplit((scheme, netloc.rpartition("@")[2], path, "", "")), LONGEST)


def with_query(url: str, query: str) -> str:
    """Return the address with one more piece of query; `query` is quoted already."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query}"
