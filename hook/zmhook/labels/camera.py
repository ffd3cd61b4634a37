"""Map labels of cameras to those of models."""

from __future__ import annotations

# Axis: AXIS Scene Metadata, classification types. Cameras say Bike for bicycles and motorcycles
# alike, and Vehicle or VehicleOther when they cannot tell which; a car is the likeliest.
_COMMON = {
    "human": "person",
    "bike": "bicycle",
    "vehicle": "car",
    "vehicleother": "car",
    "licenseplate": "license plate",
}


def common(name: str) -> str:
    """Return the models' name for a camera's: `Human` is `person`, `LicensePlate` two words.

    Whatever has no other name is the same in lower case.
    """
    lower = name.strip().lower()
    return _COMMON.get(lower.replace("_", "").replace(" ", ""), lower)
