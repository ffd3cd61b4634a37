"""Which kind of YOLO a network is, told by its outputs' shapes.

The number of boxes over the input's cells tells YOLOv5 (three a cell) from YOLOX and v8 (one a
cell); where two readings are left, the number of labels decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detectors.yolo import labels as names
from zmhook.detectors.yolo.heads.anchor_free import AnchorFreeHead
from zmhook.detectors.yolo.heads.anchors import AnchorsHead
from zmhook.detectors.yolo.heads.darknet import DarknetHead
from zmhook.detectors.yolo.heads.end_to_end import BatchedEndToEndHead, EndToEndHead
from zmhook.detectors.yolo.heads.yolox import YoloxHead
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.detectors.yolo.heads.base import Head

HEADS: tuple[type[Head], ...] = (
    AnchorFreeHead,
    YoloxHead,
    AnchorsHead,
    EndToEndHead,
    BatchedEndToEndHead,
    DarknetHead,
)


def recognise(network: Network, files: ModelFiles) -> tuple[Head, tuple[str, ...]]:
    """Return the head and the labels of a network.

    Raises `ModelFileError`, with the shapes found and understood, or with both counts when there
    are not as many labels as classes.
    """
    _check_task(network, files)
    readings = [head for kind in HEADS for head in kind.readings(network)]
    if not readings:
        raise ModelFileError(_not_understood(network, files))
    labels = names.given(files.labels, network.metadata)
    if labels is None:
        return _with_default_labels(readings, files)
    for head in readings:
        if head.classes in (None, len(labels)):
            return head, labels
    raise ModelFileError(_wrong_count(readings, labels, files))


def _with_default_labels(
    readings: Sequence[Head], files: ModelFiles
) -> tuple[Head, tuple[str, ...]]:
    for head in readings:
        labels = names.default(head.classes)
        if labels is not None:
            return head, labels
    counts = _counts(readings) and f"{_counts(readings)} "
    raise ModelFileError(
        f"{files.weights} does not say what its {counts}classes are called; "
        f"name a file with one label a line in {files.labels_key}"
    )


def _check_task(network: Network, files: ModelFiles) -> None:
    task = network.metadata.get("task", "detect")
    if task != "detect":
        raise ModelFileError(
            f"{files.weights} is a network for the task '{task}'; only 'detect' gives boxes"
        )


def _not_understood(network: Network, files: ModelFiles) -> str:
    found = ", ".join(" x ".join(map(str, shape)) for shape in network.outputs)
    understood = "; ".join(f"{head.understands} ({head.name})" for head in HEADS)
    return (
        f"{files.weights} is no YOLO network that is understood: for an input of "
        f"{network.width}x{network.height} it gives {found}; understood: {understood}"
    )


def _wrong_count(readings: Sequence[Head], labels: Sequence[str], files: ModelFiles) -> str:
    source = files.labels or f"the labels inside {files.weights.path}"
    return f"{source}: {len(labels)} labels, but the network has {_counts(readings)} classes"


def _counts(readings: Sequence[Head]) -> str:
    return " or ".join(str(head.classes) for head in readings if head.classes is not None)
