"""Whether an environment holds what install.sh put into it: every file whole, every part loading.

install.sh runs the text of this file by the environment's Python, so it needs nothing but that:

    python -I -B -c TEXT PINS PARTS

PINS are the lines of requirements.lock that were chosen, without the hashes; PARTS the chosen
extras with commas between. Each thing that is wrong is a line: the package, a tab, and the reason.
The exit code is 0 in any case.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = {
    "base": (
        "zmhook.cli.main",
        "cronsim",
        "h11",
        "msgspec",
        "numpy",
        "cv2",
        "prometheus_client",
        "regex",
        "requests",
        "shapely",
    ),
    "zoneminder": ("pyzm", "pymysql"),
    "yolo": ("onnxruntime",),
    "yolo-gpu": ("onnxruntime",),
    "openvino": ("openvino",),
    "fit": ("onnx",),
    "face": ("dlib", "PIL"),
    "alpr": ("onnxruntime",),
    "mqtt": ("paho.mqtt.client", "dotenv"),
    "gemini": ("google.genai",),
    "notify": ("apprise", "paho.mqtt.client"),
    "serve": ("python_multipart",),
    "remote": ("requests",),
    "cli": ("rich", "yaml"),
}
"""What each part imports while it works."""

OF_ALL = (
    "zoneminder",
    "yolo",
    "fit",
    "face",
    "alpr",
    "mqtt",
    "gemini",
    "notify",
    "serve",
    "remote",
    "cli",
)
PACKAGES = {
    "cv2": "opencv-contrib-python-headless",
    "dlib": "dlib-bin",
    "PIL": "pillow",
    "dotenv": "python-dotenv",
    "yaml": "pyyaml",
    "paho": "paho-mqtt",
    "google": "google-genai",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}
"""The packages of modules that are called otherwise."""

SECONDS = 120.0
AT_ONCE = min(4, os.cpu_count() or 1)
"""Processes that import at the same time."""
PIN = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)\s*(?:;\s*([^\\]*))?")


def wrong(pins: str, parts: str) -> Iterator[tuple[str, str]]:
    """Yield the package and the reason for everything that is wrong."""
    damaged = False
    for name, version in [*_pinned(pins), ("zmhook", ""), ("pip", "")]:
        reason = _reason(name, version)
        if reason:
            damaged = True
            yield name, reason
    if damaged:  # then importing would only say the same in other words
        return
    chosen = {"base", *parts.split(",")}
    if "all" in chosen:
        chosen |= {*OF_ALL}
    modules = list(
        dict.fromkeys(module for part in sorted(chosen) for module in MODULES.get(part, ()))
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reasons = list(pool.map(_import_error, modules))
    for module, reason in zip(modules, reasons, strict=True):
        if reason:
            top = module.partition(".")[0]
            yield PACKAGES.get(top, top), f"{module} cannot be imported: {reason}"


def _pinned(pins: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of what is meant for this Python on this machine."""
    try:
        from pip._vendor.packaging.markers import Marker
    except Exception:  # noqa: BLE001 - whatever is wrong with it: it is told below, as pip's fault
        return
    for line in pins.splitlines():
        match = PIN.match(line)
        if match and (not match[3] or Marker(match[3].strip()).evaluate()):
            yield match[1], match[2]


def _reason(name: str, version: str) -> str:
    """Say what is wrong with one package; empty: nothing is."""
    try:
        package = metadata.distribution(name)
        if "Version" not in package.metadata:
            return "its description names no version"
        there = package.metadata["Version"]
        if version and there != version:
            return f"version {there} is there instead of {version}"
        digests = _digests(package)
        if not any(file.endswith("/RECORD") for file in digests):
            return "its list of files is damaged"
        states = ((file, _state(package, file, digest)) for file, digest in digests.items())
        return next((f"{file} is {state}" for file, state in states if state), "")
    except metadata.PackageNotFoundError:
        return "it is missing"
    except Exception as error:  # noqa: BLE001 - a damaged file can break anything
        return f"its description cannot be read: {type(error).__name__}"


def _digests(package: metadata.Distribution) -> dict[str, str]:
    """Return what RECORD says of each file; Python 3.12's `files` leaves out those missing."""
    try:
        rows = [*csv.reader((package.read_text("RECORD") or "").splitlines())]
    except csv.Error:
        return {}
    return {row[0]: row[1] for row in rows if len(row) > 1}


def _state(package: metadata.Distribution, file: str, digest: str) -> str:
    """Say whether a file is missing or changed; byte code is made anew by whoever installs."""
    if not digest or file.endswith(".pyc"):
        return ""
    algorithm, _, value = digest.partition("=")
    try:
        content = Path(str(package.locate_file(file))).read_bytes()
    except OSError as error:
        return error.strerror or "unreadable"
    there = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    return "" if there == value else "damaged"


def _import_error(module: str) -> str:
    """Import in a process of its own, which may crash; return the last line of what it says."""
    command = [sys.executable, "-I", "-B", "-c", f"import {module}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"it takes longer than {SECONDS:g} s: is the machine busy?"
    if not done.returncode:
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with status {done.returncode}"


if __name__ == "__main__":
    for package, reason in wrong(*sys.argv[1:3]):
        reason_shown = "".join(char if char.isprintable() else "?" for char in reason)
        sys.stdout.write(f"{package}\t{reason_shown}\n")
