"""Set a process's time zone and environment: the machine's and the settings', not the caller's.

The first hook starts the service and the worker of jobs, and both then work for everybody. So they
do not inherit what a shell, a container or a daemon has in its environment.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

PASSED = ("ZMHOOK_CONFIG", "ZMHOOK_RUN", "ZMHOOK_PYTHON")
"""Variables that name our files and folders: the only ones that a hook passes on."""
FIXED = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
ZONES = Path("/usr/share/zoneinfo")
# Debian, Ubuntu; Fedora, RHEL, Rocky (old and new); SUSE; Alpine, Arch.
AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

_of_settings: dict[str, str] = {}
_is_ours = False


def apply_settings(zone: str, text: str) -> None:
    """Set the time zone and the variables (`NAME=value, NAME=value`) of the settings."""
    set_time_zone(zone)
    variables = dict(parse_variables(text))
    if variables != _of_settings:
        _of_settings.clear()
        _of_settings.update(variables)
        os.environ.update(variables)


def set_time_zone(name: str) -> None:
    """Use a time zone by its IANA name, "" for that of this machine.

    The caller's TZ is ignored, since hooks and the service have to agree.
    """
    value = _value(name) if name else None
    if os.environ.get("TZ") == value and "TZDIR" not in os.environ:
        return
    for variable in ("TZ", "TZDIR"):
        os.environ.pop(variable, None)
    if value is not None:
        os.environ["TZ"] = value
    time.tzset()


def trust_environment() -> None:
    """Pass this process's own environment on to its children: it was made for them."""
    global _is_ours  # noqa: PLW0603 - of the process, as the environment is
    _is_ours = True


def child_environment() -> dict[str, str]:
    """Return the environment of a child that outlives this process's caller."""
    import zmhook

    source = str(Path(zmhook.__file__).resolve().parent.parent)
    kept = dict(os.environ) if _is_ours else _clean()
    paths = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys([source, *paths]))}


def start_detached(
    command: Sequence[str],
    *,
    pass_fds: Sequence[int] = (),
    with_input: bool = False,
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process that goes on when its starter ends; raises `OSError`.

    It keeps no file of ours open but `pass_fds`, since a notification server reads our output until
    all have closed it. `variables` are added to its environment.
    """
    import subprocess

    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={**child_environment(), **(variables or {})},
        pass_fds=pass_fds,
        start_new_session=True,
    )


def parse_variables(text: str) -> list[tuple[str, str]]:
    """Return the variables of `NAME=value, NAME=value`; raises `ValueError`."""
    variables = []
    for part in filter(None, map(str.strip, text.replace("\n", ",").split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier() or not name.isascii() or "\0" in value:
            raise ValueError("each is NAME=value")
        variables.append((name.strip(), value.strip()))
    return variables


def _clean() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    return {**FIXED, **passed, **_of_settings}


def _value(name: str) -> str:
    """Return the value of TZ; where the system has no zones, Python's tzdata has them."""
    if (ZONES / name).is_file():
        return name
    from importlib import resources

    try:
        return f":{resources.files('tzdata') / 'zoneinfo' / name}"
    except ModuleNotFoundError:
        return name


def use_system_store(files: tuple[str, ...] = AUTHORITIES) -> None:
    """Have TLS clients of this process believe the machine's authorities; call it before one.

    `requests` believes only the list that came with it, but whoever installs an authority on the
    machine (`update-ca-certificates`) means every program. What somebody has set is left as it is,
    and counts for the others. Without such a file each library keeps its own list.
    """
    chosen = os.environ.get("SSL_CERT_FILE")
    store = chosen or next((file for file in files if os.path.isfile(file)), "")  # noqa: PTH113 - quick
    if not store:
        return
    if not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ["REQUESTS_CA_BUNDLE"] = store
    if not chosen and not os.environ.get("SSL_CERT_DIR"):
        os.environ["SSL_CERT_FILE"] = store
