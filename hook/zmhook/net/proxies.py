"""The proxy that stands between us and an address, when the environment names one."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_TUNNEL = "tunnel connection failed"
_NOT_THERE = (ConnectionRefusedError, socket.gaierror)
_NEVER_MADE = ("ConnectTimeout", "NewConnection", "ConnectError", "NameResolution", "ProxyError")


def named(url: str) -> str:
    """Return the proxy for an address and the variable that names it; "" for none."""
    from urllib.request import getproxies_environment, proxy_bypass

    try:
        parts = urlsplit(url)
        proxies = getproxies_environment()
        key = next(one for one in (parts.scheme, "all") if proxies.get(one))
        if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
            return ""
    except (ValueError, StopIteration):
        return ""
    name = f"{key}_proxy"
    variable = name if os.environ.get(name) else name.upper()
    address = proxies[key]
    where = shown(address if "://" in address else f"//{address}")
    return f"the proxy {where}, which {variable} names"


def trouble(url: str, found: Iterable[BaseException]) -> str:
    """Say what is wrong with the proxy, when it is the proxy; "" when it is not.

    `found` are the errors and their causes. Through a proxy no other connection is made than the
    one to it, so one that was not made is its fault.
    """
    errors = list(found)
    names = {type(one).__name__ for one in errors}
    # These two say so themselves; what others raise is the same with a proxy and without.
    says_so = any(type(one).__module__.startswith(("urllib3", "requests")) for one in errors)
    if not ("ProxyError" in names if says_so else any(map(_is_of_connecting, errors))):
        return ""
    proxy = named(url)
    if not proxy:
        return ""
    return f"{proxy}, {_why(errors)}: set that right, or add this host to no_proxy"


def _is_of_connecting(error: BaseException) -> bool:
    name = type(error).__name__
    is_early = isinstance(error, _NOT_THERE) or any(one in name for one in _NEVER_MADE)
    return is_early or _TUNNEL in str(error).lower() or _errno(error) in _UNREACHABLE


def _errno(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


_UNREACHABLE = {101, 113}  # ENETUNREACH, EHOSTUNREACH


def _why(errors: list[BaseException]) -> str:
    for error in errors:
        if isinstance(error, ConnectionRefusedError):
            return "refused the connection"
        if isinstance(error, socket.gaierror):
            return "has a name that cannot be resolved"
        if _TUNNEL in str(error).lower():
            return "does not let us through"
    return "cannot be reached"
