import pytest

from zmhook.labels import common, is_part


@pytest.mark.parametrize(
    ("camera", "model"),
    [
        ("Human", "person"),
        ("Bike", "bicycle"),
        ("Bicycle", "bicycle"),
        ("Car", "car"),
        ("Bus", "bus"),
        ("Truck", "truck"),
        ("Vehicle", "car"),
        ("VehicleOther", "car"),
        ("Head", "head"),
        ("LicensePlate", "license plate"),
        ("license_plate", "license plate"),
        ("license plate", "license plate"),
        ("Face", "face"),
        ("person", "person"),
        ("Animal", "animal"),
        (" HUMAN ", "person"),
        ("fire hydrant", "fire hydrant"),
        ("", ""),
    ],
)
def test_a_cameras_class_has_the_models_name(camera, model):
    assert common(camera) == model


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("Head", True),
        ("FACE", True),
        ("LicensePlate", True),
        ("license_plate", True),
        ("license plate", True),
        ("license-plate", True),
        ("Human", False),
        ("Headset", False),
        ("", False),
    ],
)
def test_parts_of_objects_are_known(label, part):
    assert is_part(label) is part
