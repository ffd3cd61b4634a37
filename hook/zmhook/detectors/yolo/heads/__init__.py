"""Which kind of network it is, told by its outputs: names, shapes, and where need be values.

The number of boxes over the input's cells tells YOLOv5 (three a cell) from YOLOX and v8 (one a
cell); the number of labels decides between readings with different numbers of classes. Where the
makers of two kinds use one shape, the names of the outputs and what the file says of itself decide,
then the values that it gives for an empty picture, and then `yolo_head`: a guess is never made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detectors.model_files import default_labels, labels_of
from zmhook.detectors.yolo.heads.anchor_free import AnchorFreeHead
from zmhook.detectors.yolo.heads.anchors import AnchorsHead
from zmhook.detectors.yolo.heads.base import Evidence
from zmhook.detectors.yolo.heads.darknet import DarknetHead
from zmhook.detectors.yolo.heads.detr import (
    RfDetrHead,
    RtDetrHead,
    RtDetrLogitsHead,
    UltralyticsDetrHead,
)
from zmhook.detectors.yolo.heads.end_to_end import BatchedEndToEndHead, EndToEndHead
from zmhook.detectors.yolo.heads.nas import NasBatchHead, NasFlatHead, NasRawHead
from zmhook.detectors.yolo.heads.yolox import YoloxHead
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detectors.model_files import ModelFiles
    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head

    Probe = Callable[[Head], Sequence[Floats]]

AUTO = "auto"

HEADS: tuple[type[Head], ...] = (
    AnchorFreeHead,
    YoloxHead,
    AnchorsHead,
    EndToEndHead,
    BatchedEndToEndHead,
    NasFlatHead,
    NasBatchHead,
    NasRawHead,
    RtDetrHead,
    RtDetrLogitsHead,
    UltralyticsDetrHead,
    RfDetrHead,
    DarknetHead,
)


def recognise(
    network: Network, files: ModelFiles, kind: str = AUTO, probe: Probe | None = None
) -> tuple[Head, tuple[str, ...]]:
    """Return the head and the labels of a network.

    `kind` is what `yolo_head` says; `probe` gives the outputs for an empty picture, and is called
    only where nothing else tells two readings apart. Raises `ModelFileError`, with the shapes found
    and understood, with both counts when there are not as many labels as classes, or with the
    setting that decides where more than one reading is left.
    """
    _check_task(network, files)
    heads = readings(network, files, kind)
    labels = labels_of(files.labels, network.metadata)
    if labels is None:
        fitting = [head for head in heads if default_labels(head.classes) is not None]
        if not fitting:
            raise ModelFileError(_no_labels(heads, files))
        head = only_head(fitting, network, files, kind, probe)
        return head, default_labels(head.classes) or ()
    fitting = [head for head in heads if head.classes in (None, len(labels))]
    if not fitting:
        raise ModelFileError(_wrong_count(heads, labels, files))
    return only_head(fitting, network, files, kind, probe), labels


def readings(network: Network, files: ModelFiles, kind: str = AUTO) -> list[Head]:
    """Return how the network can be read, by what names it where anything does.

    Raises `ModelFileError` when it cannot.
    """
    kinds = [head for head in HEADS if kind in (AUTO, head.key)]
    heads = [head for each in kinds for head in each.readings(network, named=kind != AUTO)]
    if not heads:
        raise ModelFileError(_not_understood(network, files, kinds, kind))
    named = [head for head in heads if head.evidence is Evidence.NAMES]
    return named or heads


def only_head(
    fitting: Sequence[Head],
    network: Network,
    files: ModelFiles,
    kind: str = AUTO,
    probe: Probe | None = None,
) -> Head:
    """Return the reading that the most speaks for; raises `ModelFileError` when two are left."""
    if kind != AUTO:
        return fitting[0]
    most = max(head.evidence for head in fitting)
    left = [head for head in fitting if head.evidence is most]
    if most is Evidence.NOTHING:
        raise ModelFileError(_undecided(left, network, files))
    if len({type(head) for head in left}) > 1 and probe is not None:
        left = _by_values(left, probe(left[0]))
    if len({type(head) for head in left}) > 1:
        raise ModelFileError(_undecided(left, network, files))
    return left[0]


def _by_values(left: Sequence[Head], outputs: Sequence[Floats]) -> list[Head]:
    """Leave out whose values these cannot be; they may also be nobody's."""
    verdicts = [(head, head.fits(outputs)) for head in left]
    sure = [head for head, fits in verdicts if fits]
    possible = [head for head, fits in verdicts if fits is not False]
    # Where none fits, the first says what is wrong as soon as it reads a picture.
    return sure or possible or [left[0]]


def _undecided(left: Sequence[Head], network: Network, files: ModelFiles) -> str:
    keys = list(dict.fromkeys(head.key for head in left))
    kinds = " or ".join(f"{key} ({_names(key)})" for key in keys)
    message = f"{files.weights}: what it gives ({_shapes(network)}) may be that of {kinds}, and "
    if not files.head_key:
        return f"{message}nothing in the file says which; use one that is exported with its names"
    return f"{message}nothing in the file says which; set {files.head_key} = {' or '.join(keys)}"


def _names(key: str) -> str:
    return "/".join(head.name for head in HEADS if head.key == key).split(" without")[0]


def _check_task(network: Network, files: ModelFiles) -> None:
    task = network.metadata.get("task", "detect")
    if task != "detect":
        raise ModelFileError(
            f"{files.weights} is a network for the task '{task}'; only 'detect' gives boxes"
        )


def _no_labels(heads: Sequence[Head], files: ModelFiles) -> str:
    have_counts = all(head.classes is not None for head in heads)
    counts = f"{_counts(heads)} " if have_counts else ""
    return (
        f"{files.weights} does not say what its {counts}classes are called; "
        f"name a file with one label a line in {files.labels_key}"
    )


def _not_understood(
    network: Network, files: ModelFiles, kinds: Sequence[type[Head]], kind: str
) -> str:
    understood = "; ".join(f"{head.understands} ({head.name})" for head in kinds)
    what = "is no YOLO network that is understood"
    if kind != AUTO:
        what = f"is no network of the kind {kind} ({files.head_key})"
    return (
        f"{files.weights} {what}: for an input of {network.width}x{network.height} "
        f"it gives {_shapes(network)}; understood: {understood}"
    )


def _shapes(network: Network) -> str:
    return ", ".join(" x ".join(map(str, shape)) for shape in network.outputs)


def _wrong_count(heads: Sequence[Head], labels: Sequence[str], files: ModelFiles) -> str:
    source = files.labels or f"the labels inside {files.weights.path}"
    return f"{source}: {len(labels)} labels, but the network has {_counts(heads)} classes"


def _counts(heads: Sequence[Head]) -> str:
    counts = dict.fromkeys(str(head.classes) for head in heads if head.classes is not None)
    return " or ".join(counts)
