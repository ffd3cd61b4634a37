"""The local time and the environment of a process: the machine's and the settings', not a caller's.

Whoever comes first starts the service, and what works on after an answer, and both then work for
everybody. So what a shell, a container or a daemon has in its environment is not passed on to them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

PASSED = ("ZMHOOK_CONFIG", "ZMHOOK_RUN", "ZMHOOK_PYTHON")
"""Variables that say where things of ours are: the only ones that a hook passes on."""
FIXED = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
ZONES = Path("/usr/share/zoneinfo")

_of_settings: dict[str, str] = {}
_is_ours = False


def use(zone: str, text: str) -> None:
    """Take the time zone and the variables (`NAME=value, NAME=value`) of the settings."""
    use_zone(zone)
    variables = dict(parsed(text))
    if variables != _of_settings:
        _of_settings.clear()
        _of_settings.update(variables)
        os.environ.update(variables)


def use_zone(name: str) -> None:
    """Have local times be those of a zone by its IANA name; "": of this machine.

    TZ of whoever started us does not count, for hooks and the service have to agree.
    """
    value = _value(name) if name else None
    if os.environ.get("TZ") == value and "TZDIR" not in os.environ:
        return
    for variable in ("TZ", "TZDIR"):
        os.environ.pop(variable, None)
    if value is not None:
        os.environ["TZ"] = value
    time.tzset()


def keep_environment() -> None:
    """Note that what this process was started with is meant for it, and for what it starts."""
    global _is_ours  # noqa: PLW0603 - of the process, as the environment is
    _is_ours = True


def environment() -> dict[str, str]:
    """Return the environment of a process of ours that outlives this one's caller."""
    import zmhook

    source = str(Path(zmhook.__file__).resolve().parent.parent)
    kept = dict(os.environ) if _is_ours else _clean()
    found = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys([source, *found]))}


def parsed(text: str) -> list[tuple[str, str]]:
    """Return the variables of `NAME=value, NAME=value`; raises `ValueError`."""
    found = []
    for part in filter(None, (one.strip() for one in text.replace("\n", ",").split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier() or not name.isascii() or "\0" in value:
            raise ValueError("each is NAME=value")
        found.append((name.strip(), value.strip()))
    return found


def _clean() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    return {**FIXED, **passed, **_of_settings}


def _value(name: str) -> str:
    """Return what TZ has to be; where the system has no zones, Python's package has them."""
    if (ZONES / name).is_file():
        return name
    from importlib import resources

    try:
        return f":{resources.files('tzdata') / 'zoneinfo' / name}"
    except ModuleNotFoundError:
        return name
