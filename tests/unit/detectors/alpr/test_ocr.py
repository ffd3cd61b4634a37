from __future__ import annotations

import numpy as np
import pytest

from zmhook.detectors.alpr.ocr import ALPHABET, AT_ONCE, NOTHING, PAD, PlateOcr, read_slots
from zmhook.detectors.model_files import ModelFile
from zmhook.errors import DetectorError, MissingPart, ModelFileError

PICTURE = np.zeros((20, 60, 3), np.uint8)


@pytest.fixture
def real(model) -> PlateOcr:
    return PlateOcr(ModelFile("plate_ocr", model("cct_xs_v1_global.onnx"), "alpr"), 1)


def file(path) -> ModelFile:
    return ModelFile("plate_ocr", path, "alpr")


def slots(*said: tuple[str, float]) -> np.ndarray:
    made = np.zeros((len(said), len(ALPHABET)), np.float32)
    for i, (letter, sure) in enumerate(said):
        made[i] = (1 - sure) / PAD
        made[i, ALPHABET.index(letter)] = sure
    return made


def test_a_real_plate_is_read(real, cut):
    (reading,) = real.read([cut("fpo_test_plate_1.png")])
    # What fast-plate-ocr 1.1.0 itself gives for this file: AD799KB, its least sure letter 0.99374.
    assert reading.text == "AD799KB"
    assert reading.confidence == pytest.approx(0.99374, abs=0.002)


def test_a_plate_at_an_angle_is_read(real, cut):
    (reading,) = real.read([cut("plate_hyperlpr_test.jpg", 1750, 745, 1868, 850)])
    assert reading.text == "ED51712"  # the Chinese character before it is not in its alphabet
    assert reading.confidence == pytest.approx(0.9587, abs=0.002)


def test_batches_give_what_single_pictures_do(real, cut):
    plate, grey = cut("fpo_test_plate_1.png"), PICTURE
    many = [plate, grey] * AT_ONCE
    assert [one.text for one in real.read(many)][::2] == ["AD799KB"] * AT_ONCE
    assert real.read([]) == []


def test_a_text_is_as_sure_as_its_weakest_letter():
    found = read_slots(slots(("A", 0.9), ("1", 0.7), ("_", 0.8), ("_", 0.99)))
    assert found.text == "A1"
    assert found.confidence == pytest.approx(0.7)
    assert found.mean == pytest.approx(0.8)


def test_doubt_about_the_end_is_doubt_about_the_text():
    assert read_slots(slots(("A", 0.9), ("_", 0.6), ("_", 0.9))).confidence == pytest.approx(0.6)
    broken = read_slots(slots(("A", 0.9), ("_", 0.9), ("B", 0.99)))
    assert broken.text == "A"
    assert broken.confidence < 0.01


def test_all_slots_may_be_used_and_none():
    assert read_slots(slots(("A", 0.9), ("B", 0.8))).text == "AB"
    assert read_slots(slots(("_", 0.9), ("A", 0.9))) == NOTHING


@pytest.mark.parametrize(("colours", "flat"), [(3, False), (1, True)])
def test_other_networks_of_the_family(network, colours, flat):
    answer = slots(("X", 0.9), ("7", 0.8), ("_", 1.0))[None]
    path = network(answer.reshape(1, -1) if flat else answer, (1, 70, 140, colours), "UINT8")
    (reading,) = PlateOcr(file(path), 1).read([PICTURE])
    assert reading.text == "X7"


def test_numbers_that_are_none_are_no_text(network):
    answer = np.full((1, 3, len(ALPHABET)), np.nan)
    (reading,) = PlateOcr(file(network(answer, (1, 70, 140, 3), "UINT8")), 1).read([PICTURE])
    assert reading.confidence == 0


@pytest.mark.parametrize(
    ("answer", "shape", "kind", "said"),
    [
        ((1, 9, 37), (1, 3, 64, 128), "FLOAT", "takes tensor(float) 1 x 3 x 64 x 128"),
        ((1, 9, 37), (1, 64, 128, 4), "UINT8", "takes tensor(uint8) 1 x 64 x 128 x 4"),
        ((1, 9, 37), (1, "h", "w", 3), "UINT8", "takes tensor(uint8) 1 x h x w x 3"),
        ((1, 9, 36), (1, 64, 128, 3), "UINT8", "gives 1 x 9 x 36"),
    ],
)
def test_other_networks_are_refused_with_what_they_are(network, answer, shape, kind, said):
    path = network(np.zeros(answer), shape, kind)
    with pytest.raises(ModelFileError) as caught:
        PlateOcr(file(path), 1)
    assert str(caught.value).startswith(f"[alpr] plate_ocr: {path} {said}; understood: uint8")


def test_a_missing_and_a_damaged_file_are_named(tmp_path):
    missing, damaged = tmp_path / "no.onnx", tmp_path / "bad.onnx"
    damaged.write_bytes(b"no network")
    with pytest.raises(ModelFileError, match=r"\[alpr\] plate_ocr: .*no\.onnx does not exist"):
        PlateOcr(file(missing), 1)
    with pytest.raises(ModelFileError, match=r"bad\.onnx is damaged or no ONNX network"):
        PlateOcr(file(damaged), 1)


def test_without_onnxruntime_the_extra_is_named(model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingPart, match=r"reading plates .* needs .* onnxruntime.*\.\[alpr\]"):
        PlateOcr(file(model("cct_xs_v1_global.onnx")), 1)


def test_a_network_that_fails_is_named(real, monkeypatch):
    class Broken:
        def run(self, *_: object) -> None:
            raise RuntimeError("node failed: out of memory")

    monkeypatch.setattr(real, "_session", Broken())
    with pytest.raises(DetectorError, match=r"cct_xs_v1_global\.onnx failed: out of memory"):
        real.read([PICTURE])
