import pytest

from zmhook.labels import common


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
