"""The labels of models and of cameras."""

from __future__ import annotations

COCO: tuple[str, ...] = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
)

COCO_IDS = (
    *range(1, 12),
    *range(13, 26),
    *(27, 28),
    *range(31, 45),
    *range(46, 66),
    *(67, 70),
    *range(72, 83),
    *range(84, 91),
)
"""The number of each of these classes in COCO's own files, which leave gaps from 1 to 90."""

LAST_COCO_ID = COCO_IDS[-1]


# Axis: AXIS Scene Metadata, classification types. Cameras say Bike for bicycles and motorcycles
# alike, and Vehicle or VehicleOther when they cannot tell which; a car is the likeliest.
_COMMON = {
    "human": "person",
    "bike": "bicycle",
    "vehicle": "car",
    "vehicleother": "car",
    "licenseplate": "license plate",
}


_PARTS = frozenset({"head", "face", "licenseplate"})
"""Classes of what is only a part of an object, which has a class, too."""


def is_part(name: str) -> bool:
    """Say whether a camera's class is only a part of an object."""
    return "".join(filter(str.isalpha, name)).lower() in _PARTS


def common(name: str) -> str:
    """Return the models' name for a camera's: `Human` is `person`, `LicensePlate` two words.

    Whatever has no other name is the same in lower case.
    """
    lower = name.strip().lower()
    return _COMMON.get(lower.replace("_", "").replace(" ", ""), lower)
