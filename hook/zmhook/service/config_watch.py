"""Watch the configuration and the files behind it.

An edit of `objectconfig.ini`, the secrets, the known faces or a model file takes effect on the
next event; a broken edit, or one that names a model that is not there, leaves the last good
configuration in force and is reported.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import zmhook
from zmhook.deadline import waited
from zmhook.errors import RightsError, SettingsError
from zmhook.settings import load
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings import Config, Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""Seconds between two checks of the model files and the package, which are many."""
BEING_WRITTEN = 2.0
"""Seconds after a change within which a file may be only half written."""

FileState = tuple[str, int, int]


class ConfigWatch:
    """Hold the last good configuration of a file.

    Raises `SettingsError` when there never was one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error = ""
        before = self._file_states()
        self._config = load(path).apply()
        self._refused: Config | None = None
        self._rechecked = self._changed = time.monotonic()
        self._states = self._states_read(before)

    def in_force(self) -> list[Settings]:
        """Return the settings of every monitor, as they were read last."""
        return self._config.in_force()

    def longest_deadline(self) -> float:
        """Return the seconds after which every event has been answered."""
        self.current()
        return max(settings.general.event_deadline for settings in self.in_force())

    def shortest_deadline(self) -> float:
        return min(settings.general.event_deadline for settings in self.in_force())

    def waits(self) -> tuple[float, dict[int, float]]:
        """Return how long hooks wait for an answer, and the monitors for which it differs."""
        usual = waited(self.current().general.general.event_deadline)
        monitors = self._config.monitors.items()
        waits = {monitor: waited(settings.general.event_deadline) for monitor, settings in monitors}
        return usual, {monitor: wait for monitor, wait in waits.items() if wait != usual}

    def current(self) -> Config:
        """Return the configuration, read anew when a file of it has changed."""
        stats = self._file_states()
        if stats != self._states:
            self._states = stats
            self._changed = time.monotonic()
            self._read()
        elif self._refused and time.monotonic() - self._rechecked >= POLL_SECONDS:
            self._take(self._refused)  # the file that it lacked may be there now
        return self._config

    def lacking(self) -> list[str]:
        """Return what the models in use lack, a line each."""
        from zmhook.detectors.model_files import lacking

        return lacking(self.in_force())

    def _read(self) -> None:
        self._refused = None
        try:
            config = load(self.path)
        except (RightsError, SettingsError) as error:
            self._keep(str(error))
            return
        self._take(config)

    def _take(self, config: Config) -> None:
        """Use a configuration, unless its models lack something that the current ones have."""
        from zmhook.detectors.model_files import lacking

        self._rechecked = time.monotonic()
        is_new = self._rechecked - self._changed < BEING_WRITTEN
        if is_new and any(_ends_within_a_line(path, size) for path, _, size in self._file_states()):
            self._refused = config  # all that is there may be right, and yet not all
            return
        problems = lacking(config.in_force())
        missing = [line for line in problems if line not in self.lacking()] if problems else []
        if missing:
            self._refused = config
            self._keep("\n".join(f"{self.path}: {line}" for line in missing))
            return
        self._refused = None
        self._config = config.apply()
        self._states = self._states_read(self._states)
        self.error = ""
        log.info("%s was read anew", self.path)

    def _keep(self, error: str) -> None:
        """Keep the last good configuration, and log the reason once."""
        if error != self.error:
            log.error("the last good configuration stays in force: %s", error)
        self.error = error

    def _states_read(self, before: list[FileState]) -> list[FileState]:
        """Return the states that were read: the file's from before, so that no edit is missed."""
        return [before[0], *self._file_states()[1:]]

    def _file_states(self) -> list[FileState]:
        config = getattr(self, "_config", None)
        secrets = config.general.general.secrets if config else ""
        # A relative path starts at the folder of the configuration.
        beside = [str(Path(self.path).parent / secrets)] if secrets else []
        return _states([self.path, *beside])


class Fingerprint:
    """A text that changes with the model files and known faces of the settings.

    The files are checked for every event; folders, where there may be many, now and then.
    """

    def __init__(self) -> None:
        self._walked: dict[tuple[str, ...], tuple[float, list[FileState]]] = {}

    def of(self, settings: Settings) -> str:
        paths = _model_paths(settings)
        return str(hash((*_states(paths), *self._inside(paths))))

    def _inside(self, paths: tuple[str, ...]) -> list[FileState]:
        walked, states = self._walked.get(paths, (0.0, []))
        if time.monotonic() - walked >= POLL_SECONDS:
            states = _states(_inside(paths))
            self._walked[paths] = time.monotonic(), states
        return states


class CodeWatch:
    """Notice that the installed package has been replaced by another version."""

    def __init__(self) -> None:
        self._folder = Path(zmhook.__file__).parent
        self._states = self._file_states()
        self._checked = time.monotonic()

    def has_changed(self) -> bool:
        if time.monotonic() - self._checked < POLL_SECONDS:
            return False
        self._checked = time.monotonic()
        return self._file_states() != self._states

    def _file_states(self) -> list[FileState]:
        return _states(str(path) for path in sorted(self._folder.rglob("*.py")))


def _model_paths(settings: Settings) -> tuple[str, ...]:
    yolo, face = settings.yolo, settings.face
    models = settings.general.models
    paths: list[str] = []
    if "yolo" in models:
        tiny = yolo.yolo_type == "tiny"
        paths += [yolo.tiny_weights, yolo.tiny_config, yolo.tiny_labels] if tiny else []
        paths += [] if tiny else [yolo.weights, yolo.config, yolo.labels]
    if "face" in models:
        paths += [face.face_yunet_model, face.known_images_path]
    return tuple(path for path in paths if path)


def _inside(paths: Iterable[str]) -> Iterable[str]:
    """Return what is in those of the paths that are folders."""
    for path in paths:
        for folder, folders, files in os.walk(path):
            yield from (f"{folder}/{name}" for name in (*folders, *files))


def _ends_within_a_line(path: str, size: int) -> bool:
    """Say whether a file ends as it does while it is being written; False without a file."""
    if size < 0:
        return False
    try:
        with reading(path, follow=True) as file:
            file.seek(-min(size, 1), os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return True


def _states(paths: Iterable[str]) -> list[FileState]:
    return [_state(path) for path in paths]


def _state(path: str) -> FileState:
    try:
        status = Path(path).stat()
    except OSError:
        return path, -1, -1
    return path, status.st_mtime_ns, status.st_size
