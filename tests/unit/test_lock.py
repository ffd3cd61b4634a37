"""requirements.lock: what install.sh installs is pinned, hashed, and fits pyproject.toml."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
NOT_FOR_USERS = {"demo", "pictures", "test", "lint", "lock", "docs", "dev"}
HASH = re.compile(r"sha256:[0-9a-f]{64}")


class Pin(NamedTuple):
    parts: frozenset[str]
    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]


def holds(marker: Marker | None, python: str) -> bool:
    here = {"python_version": python, "python_full_version": f"{python}.1", "extra": ""}
    return marker is None or marker.evaluate({**here, "sys_platform": "linux"})


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "requirements.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def pins(text: str) -> list[Pin]:
    found = []
    for block in text.split("# parts: ")[1:]:
        parts, _, entry = block.partition("\n")
        what, *hashes = entry.replace("\\\n", " ").split("--hash=")
        requirement = Requirement(what.strip())
        (exact,) = requirement.specifier
        assert exact.operator == "=="
        name = canonicalize_name(requirement.name)
        pin = Pin(frozenset(parts.split()), name, exact.version, requirement.marker, ())
        found.append(pin._replace(hashes=tuple(one.strip() for one in hashes)))
    return found


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wanted(project: dict[str, Any]) -> dict[str, list[Requirement]]:
    """What each part asks for; `base` and `build` too."""
    extras: dict[str, list[str]] = project["project"]["optional-dependencies"]
    parts = {name: extras[name] for name in extras.keys() - NOT_FOR_USERS}
    parts["base"] = project["project"]["dependencies"]
    parts["build"] = project["build-system"]["requires"]
    return {part: [*map(Requirement, listed)] for part, listed in parts.items()}


def pinned(pins: list[Pin], part: str, python: str) -> dict[str, str]:
    """What install.sh would install for a part, by the Python version."""
    chosen = {part} if part == "build" else {part, "base"}
    return {p.name: p.version for p in pins if p.parts & chosen and holds(p.marker, python)}


@pytest.mark.parametrize("python", PYTHONS)
def test_each_part_is_pinned_as_it_asks(wanted, pins: list[Pin], python: str):
    """When this fails, pyproject.toml has changed: run make lock."""
    missing = []
    for part, requirements in wanted.items():
        there = pinned(pins, part, python)
        for one in requirements:
            if one.name == "zmhook" or not holds(one.marker, python):
                continue
            version = there.get(canonicalize_name(one.name))
            if version is None or not one.specifier.contains(version, prereleases=True):
                missing.append(f"{part}: {one} (pinned: {version})")
    assert missing == []


@pytest.mark.parametrize("python", PYTHONS)
def test_parts_of_parts_are_in_them(wanted, pins: list[Pin], python: str):
    for part, requirements in wanted.items():
        for one in requirements:
            for other in one.extras if one.name == "zmhook" else ():
                assert pinned(pins, other, python).items() <= pinned(pins, part, python).items()


def test_what_pinned_packages_need_is_pinned_too(pins: list[Pin]):
    """As far as the packages of these tests are those that are pinned: their own words count."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    checked, missing = 0, []
    for pin in pins:
        if not holds(pin.marker, python) or pin.parts & {"build", "numpy-1"}:
            continue
        try:
            package = metadata.distribution(pin.name)
        except metadata.PackageNotFoundError:
            continue
        if package.version != pin.version:
            continue
        checked += 1
        for part in pin.parts:
            there = pinned(pins, part, python)
            missing += [
                f"{part}: {pin.name} needs {one}"
                for one in map(Requirement, package.requires or [])
                if holds(one.marker, python) and canonicalize_name(one.name) not in there
            ]
    assert missing == []
    assert checked


def test_each_file_has_a_hash(pins: list[Pin]):
    assert len(pins) > 50
    for pin in pins:
        assert pin.hashes, pin.name
        assert all(HASH.fullmatch(one) for one in pin.hashes), pin.name


def test_wheels_of_every_kind_of_machine_are_among_them(pins: list[Pin]):
    """Hashes are those of all files of a version, not of what one machine would take."""
    for name in ("numpy", "opencv-contrib-python-headless", "msgspec", "dlib-bin"):
        assert all(len(pin.hashes) > 5 for pin in pins if pin.name == name)


def test_it_names_no_server(text: str):
    assert "://" not in text
    for line in text.splitlines():
        assert line.lstrip().startswith(("#", "--hash=sha256:")) or "==" in line, line


def test_parts_are_those_of_pyproject(wanted, pins: list[Pin]):
    assert frozenset().union(*(pin.parts for pin in pins)) == {
        *(part for part, requirements in wanted.items() if requirements),
        "numpy-1",
    }
    for pin in pins:
        assert "base" not in pin.parts or len(pin.parts) == 1


def test_numpy_1_can_stand_in_for_numpy(pins: list[Pin]):
    (pin,) = [pin for pin in pins if "numpy-1" in pin.parts]
    assert (pin.name, pin.version.partition(".")[0]) == ("numpy", "1")
