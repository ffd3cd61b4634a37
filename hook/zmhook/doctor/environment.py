"""Check the Python environment: each part in use imports, and the versions fit together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from zmhook import __version__
from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.doctor.installed import MODULES, PACKAGES
from zmhook.process.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.doctor.patient import Patient
    from zmhook.settings import Settings

GROUP = "Python"
REPAIR = "sudo ./install.sh repairs the environment"
SECONDS = 45.0
TIMED_OUT = -9
LATE = f"took longer than {SECONDS:g} s"
NAMED = 3
"""Packages that are named with the reason, of those that do not load."""

_IMPORT_ALL = """
import importlib, sys
say = sys.stdout.write
for name in sys.argv[1:]:
    say(f"\\0begin {name}\\n"); sys.stdout.flush()
    try: importlib.import_module(name)
    except BaseException as error: say(f"\\0{name} {type(error).__name__}: {error}\\n")
say("\\0end\\n")
"""


def checks(patient: Patient) -> list[Check]:
    return [
        Check(GROUP, "parts", lambda: _parts(patient)),
        Check(GROUP, "versions", _versions),
    ]


def _parts(patient: Patient) -> Iterator[Finding]:
    """Import the parts that the settings need, and name those that are not installed."""
    needed = {part for settings in patient.everybody() for part in needed_parts(settings)}
    used = [part for part in MODULES if part in needed or part == "base"]
    installed = [part for part in used if all(map(_is_there, MODULES[part]))]
    for part in sorted(needed - {*installed}):
        lacking = [name for name in MODULES[part] if not _is_there(name)]
        names = ", ".join(dict.fromkeys(map(package_of, lacking)))
        text = f"part {part}: {names} is not installed, and the settings need it"
        yield fault("parts", text, f"sudo ./install.sh --yes --with {part}")
    modules = dict.fromkeys(module for part in installed for module in MODULES[part])
    errors = import_errors([*modules])
    late = [module for module, why in errors.items() if why == LATE]
    for module in late:
        del errors[module]
        text = f"importing {module} ({package_of(module)}) {LATE}: this machine is busy"
        yield warning("parts", text, "uptime shows its load; doctor tries again")
    for module, why in [*errors.items()][:NAMED]:
        yield fault("parts", f"{package_of(module)}: {module} cannot be imported: {why}", REPAIR)
    if len(errors) > NAMED:
        names = ", ".join(dict.fromkeys(map(package_of, [*errors][NAMED:])))
        yield fault("parts", f"nor can these: {names}", REPAIR)
    if not errors and not late:
        parts = ", ".join(part for part in installed if part != "base")
        what = f"the parts in use load: {parts}" if parts else "needs no further part"
        yield ok("parts", f"zmhook {__version__}; {what}")


def needed_parts(settings: Settings) -> Iterator[str]:
    """Yield the parts without which these settings cannot work."""
    from zmhook.doctor.files import models_here

    if settings.general.portal:
        yield "zoneminder"
    yield from ({"yolo", "face", "alpr", "gemini"} & {*models_here(settings)}) - _without(settings)
    if settings.notify.notify_mqtt or settings.topics:
        yield "mqtt"
    if settings.notify.notify_apprise:
        yield "notify"
    if settings.remote.ml_gateway:
        yield "remote"
    if settings.service.listen:
        yield "serve"
    if "yolo" in models_here(settings) and settings.yolo.yolo_engine == "openvino":
        yield "openvino"


def _without(settings: Settings) -> set[str]:
    """Return the models that need no packages of their own, as they are set."""
    parts = set()
    if settings.yolo.yolo_engine == "openvino" or settings.yolo.weights.endswith(".weights"):
        parts.add("yolo")
    if settings.alpr.alpr_service != "local":
        parts.add("alpr")
    if settings.gemini.gemini_backend == "openai":
        parts.add("gemini")
    return parts


def package_of(module: str) -> str:
    top = module.partition(".")[0]
    return PACKAGES.get(top, top)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None and find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def import_errors(modules: Sequence[str]) -> dict[str, str]:
    """Import all of them in a process of its own, which may crash; return what went wrong."""
    command = [sys.executable, "-B", "-c", _IMPORT_ALL, *modules]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS,
            env=our_environment(), check=False,
        )  # fmt: skip
        out, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        out, code = late.stdout or b"", TIMED_OUT
    return read_imports(out.decode("utf-8", "replace"), code)


def our_environment() -> dict[str, str]:
    """Return the environment of a child that finds the packages that we find."""
    return {**child_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def read_imports(out: str, code: int) -> dict[str, str]:
    """Return module and error; the one that was being imported when the process died, too."""
    errors, current = {}, ""
    for line in out.split("\n"):
        word, _, rest = line.partition("\0")[2].partition(" ")
        if word == "begin":
            current = rest
        elif word == "end":
            current = ""
        elif word:
            errors[word] = rest
    if current:
        errors[current] = LATE if code == TIMED_OUT else f"it crashes (status {code})"
    return errors


def _versions() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    wrong = sorted(misfits())
    for text in wrong:
        yield fault("versions", text, REPAIR)
    builds = sorted({name for name in map(_name, _all()) if name.startswith("opencv-")})
    if len(builds) > 1:
        text = f"{', '.join(builds)} are installed, and overwrite each other's files"
        yield fault(
            "versions", text, f"{sys.prefix}/bin/pip uninstall {' '.join(builds)}; {REPAIR}"
        )
    elif not builds:
        yield unchecked("versions", "OpenCV is this machine's own, not a package")
    if not wrong and len(builds) <= 1:
        yield ok("versions", f"Python {version} in {sys.prefix}; all versions are within range")


def misfits() -> Iterator[str]:
    """Yield a line for each installed package whose version another one does not go with."""
    try:
        from pip._vendor.packaging.requirements import Requirement
    except ImportError:  # an environment without pip: nobody has changed anything in it
        return
    known = [package.metadata for package in _all()]
    installed = {canonical(each["Name"] or ""): each["Version"] for each in known}
    for package in known:
        for text in package.get_all("Requires-Dist") or ():
            needs = Requirement(text)
            version = installed.get(canonical(needs.name))
            if version is None or (needs.marker and not _holds(needs.marker)):
                continue
            if not needs.specifier.contains(version, prereleases=True):
                by = package["Name"]
                yield f"{needs.name} {version} is installed, and {by} needs {needs.specifier}"


def _holds(marker: Any) -> bool:
    """Say whether a requirement counts here, as far as it is not about a part to choose."""
    if "extra" not in str(marker):
        return bool(marker.evaluate({"extra": ""}))
    return False


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _all() -> Iterator[metadata.Distribution]:
    """Yield the packages of this environment, those of the machine below it left out."""
    yield from metadata.distributions(
        path=[path for path in sys.path if path.startswith(sys.prefix)]
    )


def _name(package: metadata.Distribution) -> str:
    return canonical(package.metadata["Name"] or "")
