"""Authorities that this machine trusts, its own ones included, for every TLS client.

`requests` believes only the list that came with it. Whoever installs an authority on the machine
(`update-ca-certificates`) means every program, so the machine's list is put in the place of that
one: by the variables of the environment that the libraries look at, for all of them alike.
"""

from __future__ import annotations

import os

# Debian, Ubuntu; Fedora, RHEL, Rocky (old and new); SUSE; Alpine, Arch.
FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def use_system_store(files: tuple[str, ...] = FILES) -> None:
    """Have TLS clients of this process believe the machine's authorities; call it before one.

    What somebody has set is left as it is, and counts for the others. Without such a file each
    library keeps its own list.
    """
    chosen = os.environ.get("SSL_CERT_FILE")
    store = chosen or next((file for file in files if os.path.isfile(file)), "")  # noqa: PTH113 - quick
    if not store:
        return
    if not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ["REQUESTS_CA_BUNDLE"] = store
    if not chosen and not os.environ.get("SSL_CERT_DIR"):
        os.environ["SSL_CERT_FILE"] = store
