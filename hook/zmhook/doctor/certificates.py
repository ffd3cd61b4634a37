"""Check the dates of certificates, also of those that zmhook accepts unverified."""

from __future__ import annotations

import socket
import ssl
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from zmhook.doctor.finding import Finding, fault, ok, warning

SECONDS = 6.0
SOON = 14 * 86400.0
"""Seconds before its end from which a certificate is worth a warning."""
_DATE = "%Y-%m-%d"
_EXPIRED, _NOT_YET = 10, 9
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID."""


class Server(NamedTuple):
    """A host and port that speaks TLS."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def server_of(address: str) -> Server | None:
    """Return the server of an https address, None for others."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "https" and parts.hostname:
            return Server(parts.hostname, parts.port or 443)
    except ValueError:
        pass
    return None


def check(server: Server, cure: str) -> Finding:
    """Say whether the server's certificate is of today; who signed it is another matter."""
    name = "certificate"
    try:
        leaf = _leaf(server)
        ends = _ends(server, leaf)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in (_EXPIRED, _NOT_YET):
            return fault(name, f"{server}: {error.verify_message}", cure)
        return warning(name, f"{server}: its dates cannot be read ({error.verify_message})")
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror or error
        return fault(name, f"{server}: no TLS connection ({why})", "does that port speak TLS?")
    day = time.strftime(_DATE, time.localtime(ends))
    if ends - time.time() < SOON:
        return warning(name, f"{server}: expires on {day}", cure)
    return ok(name, f"{server}: valid until {day}")


def _leaf(server: Server) -> str:
    """Return the server's own certificate, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _connected(server, context) as connection:
        data = connection.getpeercert(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(data or b"")


def _ends(server: Server, leaf: str) -> float:
    """Return when it ends, seconds since the epoch; raises when its time is not now.

    It is trusted by itself, so that nothing is left to be wrong with it but its dates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=leaf)
    with _connected(server, context) as connection:
        peer = connection.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(peer["notAfter"]))


def _connected(server: Server, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((server.host, server.port), timeout=SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=server.host)
    except BaseException:
        plain.close()
        raise
