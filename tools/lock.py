"""Write requirements.lock: versions and hashes of all packages that install.sh may install.

    make lock                  pin what pyproject.toml needs, and keep all other versions
    make lock ARGS=--upgrade   use the newest versions

Each package is listed once for all parts, Python versions and machines; the line above it names
the parts that need it. Besides the parts that a user can choose there are `base` (always), `build`
(to build zmhook and source packages) and `numpy-1` (instead of `numpy`, for a machine's own OpenCV
that was compiled against numpy 1).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[import-not-found,no-redef]

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.lock"
OLDEST = "3.10"
NOT_FOR_USERS = {"demo", "pictures", "test", "lint", "docs", "dev", "lock"}
HEAD = """\
# Made by `make lock` from pyproject.toml: what install.sh installs, with the hashes of its files.
# Above each package stand the parts that need it.
"""
ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==")


def main(arguments: list[str]) -> int:
    project = tomllib.loads((PROJECT).read_text("utf-8"))
    parts = project["project"]["optional-dependencies"].keys() - NOT_FOR_USERS
    with tempfile.TemporaryDirectory() as folder:
        pins, build_pins = Path(folder) / "pins.txt", Path(folder) / "build-pins.txt"
        if LOCK.exists():  # present pins are preferred
            pins.write_text(_pinned(lambda parts: not {"numpy-1", "build"} & parts), "utf-8")
            build_pins.write_text(_pinned(lambda parts: "build" in parts), "utf-8")
        everything = [option for part in sorted(parts) for option in ("--extra", part)]
        entries = _entries(
            _compile(PROJECT, *everything, "--generate-hashes", *arguments, pins=pins)
        )
        needs = {part: _needed(pins, "--extra", part) for part in parts}
        needs["base"] = _needed(pins)
        old = Path(folder) / "numpy-1.in"
        old.write_text("numpy<2\n", "utf-8")
        old_numpy = _entries(_compile(old, "--generate-hashes"))
        build = Path(folder) / "build.in"
        build.write_text("\n".join(project["build-system"]["requires"]), "utf-8")
        built_with = _entries(_compile(build, "--generate-hashes", *arguments, pins=build_pins))
    blocks = [_block(text, ["build"]) for text in built_with]
    for text in entries:
        name = _name(text)
        users = sorted(part for part, names in needs.items() if name in names)
        # Packages of the base are not repeated for each part.
        blocks.append(_block(text, ["base"] if "base" in users else users))
    blocks += [_block(text, ["numpy-1"]) for text in old_numpy]
    LOCK.write_text(HEAD + "".join(blocks), "utf-8")
    print(f"{LOCK.name}: {len(blocks)} packages")
    return 0


def _compile(source: Path, *options: str | Path, pins: Path | None = None) -> str:
    """Return what uv resolves for all supported Pythons and machines.

    Settings of this machine (indexes, folders of packages) are ignored.
    """
    command = [Path(sys.executable).with_name("uv"), "pip", "compile", source, "--universal"]
    command += ["--python-version", OLDEST, "--no-config", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--quiet", *options]
    if pins:
        command += ["-o", pins]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"make lock: {done.stderr.strip()}")
    return pins.read_text("utf-8") if pins else done.stdout


def _needed(pins: Path, *options: str) -> set[str]:
    """Return the names of the packages that a part needs, with all pins given."""
    text = _compile(PROJECT, *options, "--constraint", pins, "--offline")
    return {_name(entry) for entry in _entries(text)}


def _pinned(wanted: Callable[[set[str]], bool]) -> str:
    """Return the present pins of the parts for which `wanted` holds."""
    blocks = LOCK.read_text("utf-8").split("# parts: ")[1:]
    return "".join(
        text
        for parts, _, text in (block.partition("\n") for block in blocks)
        if wanted(set(parts.split()))
    )


def _entries(text: str) -> list[str]:
    """Split a requirements file into its packages, each with the lines of its hashes."""
    entries: list[str] = []
    for line in text.splitlines():
        if ENTRY.match(line):
            entries.append(line)
        elif entries and line.strip():
            entries[-1] += f"\n{line}"
    return entries


def _name(entry: str) -> str:
    found = ENTRY.match(entry)
    if not found:
        sys.exit(f"make lock: not understood: {entry.splitlines()[0]}")
    return re.sub(r"[-_.]+", "-", found[1]).lower()


def _block(entry: str, parts: list[str]) -> str:
    return f"# parts: {' '.join(parts)}\n{entry}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
