"""Make fitted networks: edit the graph, compare with the network itself, keep the file.

Only commands and the service's own process for it do this; an event uses what is there.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec import json, structs

from zmhook.detectors.model_files import yolo_files
from zmhook.detectors.yolo.fit import Size, fitted_size, shown, size_in, step_of
from zmhook.detectors.yolo.fitted_files import (
    VERSION,
    FittedFiles,
    FittedSize,
    Record,
)
from zmhook.detectors.yolo.loaded import LoadedNetwork
from zmhook.detectors.yolo.signs import picture
from zmhook.errors import DetectorError, MissingPart
from zmhook.models.manifest import sha256
from zmhook.storage import atomic
from zmhook.storage.lock import lock_within, open_folder
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from zmhook.detection import Detection
    from zmhook.detectors.model_files import ModelFiles
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

USUAL = ((1920, 1080), (1600, 1200))
"""Pictures that are fitted where none has come yet: most cameras have one of these aspects."""

LARGEST = 1 << 30
"""Bytes of a network's file that is fitted."""
MOST_FILES, MOST_BYTES = 12, 2 << 30
MOST_RECORDS = 64
LOCK_SECONDS = 300.0

STRONG, WEAK = 0.3, 0.01
"""Confidence from which on both have to detect the same; where nothing is strong, the strongest."""
SAME_PLACE = 0.9
"""Least overlap (IoU) of a box with the same one."""
LESS_SURE = 0.2
"""By how much the confidence may differ."""


class FitOutcome(NamedTuple):
    """What became of a size: `made`, `there` already, `refused` with a reason, or `failed`."""

    size: Size | None
    state: str
    reason: str = ""

    def __str__(self) -> str:
        size = f"for {shown(self.size)} " if self.size else ""
        words = {
            "made": "a fitted network is made",
            "there": "a fitted network is there" if size else "nothing to do",
            "refused": "the network is used as it is",
            "failed": "no fitted network could be made",
        }[self.state]
        return f"{size}{words}" + (f" ({self.reason})" if self.reason else "")


def fit(
    settings: Yolo,
    folder: Path,
    pictures: Iterable[Size] | None = None,
    *,
    again: bool = False,
    only_needed: bool = False,
) -> Iterator[FitOutcome]:
    """Make what fits `pictures` (sizes; None: those that came, or `USUAL`), one after the other.

    What was tried before is only told, unless `again`. With `only_needed` nothing is made but what
    a picture would have fitted. Raises `DetectorError` where the network
    itself cannot be loaded, and `OSError` where the folder cannot be used.
    """
    files = yolo_files(settings)
    if only_needed and not FittedFiles(folder, files.weights.path).needed():
        return
    if files.weights.path.suffix.lower() != ".onnx":
        yield FitOutcome(None, "refused", "Darknet stretches pictures, so there is nothing to save")
        return
    # Weak detections count in the comparison where there are no strong ones.
    settings = structs.replace(settings, yolo_min_confidence=WEAK)
    own = LoadedNetwork(files, settings)
    try:
        if not own.is_padded:
            why = f"{own.kind} stretches pictures, so there is nothing to save"
            yield FitOutcome(None, "refused", why)
            return
        yield from _Fitting(settings, files, own, folder).run(pictures, again=again)
    finally:
        own.close()


class _Fitting:
    """The sizes of one network."""

    def __init__(self, settings: Yolo, files: ModelFiles, own: LoadedNetwork, folder: Path) -> None:
        self._settings = settings
        self._files = files
        self._own = own
        self._fits = FittedFiles(folder, files.weights.path)

    def run(self, pictures: Iterable[Size] | None, *, again: bool) -> Iterator[FitOutcome]:
        self._fits.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self._fits.folder) as is_ours:
            if not is_ours:
                yield FitOutcome(None, "failed", "another process is fitting networks")
                return
            sizes = self._sizes(pictures)
            if not sizes:
                yield FitOutcome(None, "there", "its input fits as it is")
            for size in sizes:
                yield self._outcome(size, again=again)

    def _sizes(self, pictures: Iterable[Size] | None) -> list[Size]:
        network = self._own.network
        needed = [] if pictures else self._fits.needed()
        step = step_of(network)
        asked = [fitted_size(each, network.size, step) for each in pictures or USUAL]
        sizes = needed or asked
        known = self._fits.record
        if not pictures and not needed and known and known.own == network.size:
            sizes = [*sizes, *map(size_in, known.sizes)]
        return [size for size in dict.fromkeys(sizes) if size != network.size]

    def _outcome(self, size: Size, *, again: bool) -> FitOutcome:
        record = self._record()
        known = record.sizes.get(shown(size))
        is_ready = self._fits.fitted(record, size) is not None
        if known and not again and (known.refused or is_ready):
            self._fits.done(size)
            return FitOutcome(size, "refused" if known.refused else "there", known.refused)
        try:
            entry = self._made(record, size)
        except MissingPart as error:
            return FitOutcome(size, "failed", str(error))
        except DetectorError as error:
            entry = FittedSize(refused=str(error))
        except OSError as error:
            return FitOutcome(size, "failed", f"{self._fits.folder}: {error.strerror}")
        try:
            self._keep(record, size, entry)
        except OSError as error:
            return FitOutcome(size, "failed", f"{self._fits.folder}: {error.strerror}")
        return FitOutcome(size, "refused" if entry.refused else "made", entry.refused)

    def _made(self, record: Record, size: Size) -> FittedSize:
        """Make and compare; raises `DetectorError` where it is not the same, and `OSError`."""
        if self._own.network.is_open:
            self._compare(self._files.weights.path, size)
            return FittedSize()
        data = _edited(read(self._files.weights.path, LARGEST, follow=True), size)
        path = self._fits.path_of(record.sha256, size)
        atomic.write(path, data, durable=True)
        try:
            self._compare(path, size)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return FittedSize(bytes=len(data))

    def _compare(self, path: Path, size: Size) -> None:
        """Compare what both detect in the built-in picture; raises `DetectorError`."""
        weights = self._files.weights._replace(path=path)
        fitted = LoadedNetwork(self._files._replace(weights=weights, size=size), self._settings)
        try:
            if fitted.network.size != size:
                raise DetectorError(f"it takes {shown(fitted.network.size)} all the same")
            image = picture((2 * size[0], 2 * size[1]))
            why = difference(self._own.detect(image), fitted.detect(image))
        finally:
            fitted.close()
        if why:
            raise DetectorError(why)

    def _record(self) -> Record:
        """Return what is known, or a new record; raises `OSError`."""
        known = self._fits.record
        own = self._own.network.size
        if known is not None and known.own == own:
            return known
        return Record(VERSION, sha256(self._files.weights.path), *own, {})

    def _keep(self, record: Record, size: Size, entry: FittedSize) -> None:
        sizes = {**record.sizes, shown(size): entry}
        path = self._fits.folder / f"{self._fits.key}.json"
        atomic.write(path, json.encode(structs.replace(record, sizes=sizes)), durable=True)
        self._fits.done(size)
        prune(self._fits.folder)


def difference(own: Sequence[Detection], fitted: Sequence[Detection]) -> str:
    """Return in words what one detects of the built-in picture and the other does not; "": same."""
    if not own:
        return "the network detects nothing in the built-in picture, so it cannot be compared"
    floor = min(STRONG, own[0].confidence)
    for these, others, what in ((own, fitted, "does not detect"), (fitted, own, "also detects")):
        for detection in (each for each in these if each.confidence >= floor):
            if not any(_is_same(detection, other) for other in others):
                return f"in the built-in picture it {what} {detection.label} in the same place"
    return ""


def _is_same(detection: Detection, other: Detection) -> bool:
    return (
        detection.label == other.label
        and abs(detection.confidence - other.confidence) <= LESS_SURE
        and detection.box.iou(other.box) >= SAME_PLACE
    )


def prune(folder: Path) -> None:
    """Remove the files used least, beyond the most that are kept, and what is left over."""
    total = 0
    for number, path in enumerate(_newest(folder, "*.onnx")):
        with suppress(OSError):
            total += path.stat().st_size
            if number and (number >= MOST_FILES or total > MOST_BYTES):
                path.unlink()
    for pattern in ("*.json", "*.needed"):
        for path in _newest(folder, pattern)[MOST_RECORDS:]:
            with suppress(OSError):
                path.unlink()


def _newest(folder: Path, pattern: str) -> list[Path]:
    dated = []
    for path in folder.glob(pattern):
        with suppress(OSError):
            dated.append((path.lstat().st_mtime_ns, path))
    return [path for _, path in sorted(dated, reverse=True)]


def _edited(data: bytes, size: Size) -> bytes:
    try:
        from zmhook.detectors.yolo.refit import refitted
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise MissingPart("zmhook models fit", "onnx", "fit") from None
    return refitted(data, size)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock the folder; False where another process has not ended within the time."""
    descriptor = open_folder(folder)
    try:
        yield lock_within(descriptor, LOCK_SECONDS)
    finally:
        os.close(descriptor)
