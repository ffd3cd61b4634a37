"""The hook as users run it, reading plates: on this machine, by services, by a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

KEY = "key"
PHOTO = "plate_hyperlpr_test.jpg"


@pytest.fixture
def plates(config, model) -> Callable[..., Path]:
    """Write a configuration whose chain is yolo and alpr."""

    def write(general: str = "models = yolo,alpr", rest: str = "", **own: object) -> Path:
        given = {"plate_ocr": model("cct_xs_v1_global.onnx"), "plate_detector": "", **own}
        lines = "\n".join(f"{key} = {value}" for key, value in given.items())
        path = config(general=general, rest=f"[alpr]\n{lines}\n{rest}\n")
        text = path.read_text()  # YOLOX-nano is not sure enough of these cars
        path.write_text(text.replace("yolox_nano_416.onnx", model("yolov8n.onnx").name))
        return path

    return write


@pytest.fixture
def cloud(plates, fake_plates) -> Callable[..., Path]:
    """The same with a service that is asked."""

    def write(**own: object) -> Path:
        given = {"alpr_url": fake_plates.url, "alpr_key": KEY, "alpr_timeout": 3, **own}
        return plates(alpr_service=given.pop("alpr_service", "plate_recognizer"), **given)

    return write


@pytest.fixture
def look(detect, photo) -> Callable[..., dict]:
    """Look at a photo and return the decision."""

    def run(config: Path, *args: str, name: str = PHOTO) -> dict:
        said = detect("-c", config, "-f", photo(name), "--json", *args)
        return json.loads(said.out)

    return run


def read(decision: dict) -> list[dict]:
    return [one for one in decision["detections"] if one["kind"] == "licenseplate"]


def test_the_hooks_line_has_the_plate(hook, plates, event_folder) -> None:
    folder = event_folder(PHOTO)
    config = plates(rest="[known-plates]\nE D51?12 = Anna")
    said = hook(config, "17", "1", "Drive", "Motion", folder)
    assert said.code == 0
    assert said.text.startswith("[s] detected:car:91%")
    assert " Anna:6" in said.text
    assert " DDS32:9" in said.text
    details = json.loads(said.out.partition("--SPLIT--")[2])
    assert "Anna" in details["labels"]


def test_on_this_machine(look, plates) -> None:
    anna, other = read(look(plates()))
    assert (anna["label"], other["label"]) == ("ED51712", "DDS32")
    x1, y1, x2, y2 = anna["box"]  # the plate is at 1750,745 to 1868,850
    assert 1720 < x1 < 1790
    assert 1830 < x2 < 1920
    assert 700 < y1 < 780
    assert 820 < y2 < 900


def test_pattern_and_forms(look, plates) -> None:
    decision = look(plates("models = yolo,alpr\nalpr_pattern = ED"))
    assert [one["label"] for one in read(decision)] == ["ED51712"]
    rules = [one["rule"] for one in decision["dropped"] if one["detection"]["label"] == "DDS32"]
    assert rules == ["pattern"]
    forms = look(plates(plate_formats="[A-Z]{2}[0-9]{5}; [0-9]{4}"))
    assert [one["label"] for one in read(forms)] == ["ED51712"]


def test_what_is_not_sure_enough_is_dropped_and_told_of(look, plates) -> None:
    decision = look(plates(plate_min_confidence=0.7))
    assert [one["label"] for one in read(decision)] == ["DDS32"]
    told = {one["detection"]["label"]: one["reason"] for one in decision["dropped"]}
    assert told["ED51712"].startswith("confidence 6")
    assert told["ED51712"].endswith("is below 70%")


def test_no_vehicle_no_reading(look, plates) -> None:
    decision = look(plates(), name="two_people.jpg")
    assert "alpr" not in decision["timings"]
    assert not read(decision)


def test_a_missing_file_is_named_and_the_objects_are_told_of(look, plates) -> None:
    decision = look(plates(plate_ocr="/no/such.onnx"))
    assert {one["label"] for one in decision["detections"]} >= {"car"}
    (error,) = decision["errors"]
    assert error.startswith("[alpr] plate_ocr: /no/such.onnx does not exist; copy it there")


@pytest.mark.parametrize(
    ("service", "address"),
    [("plate_recognizer", ""), ("open_alpr", "/v2")],
)
def test_services(look, cloud, fake_plates, service, address) -> None:
    url = f"{fake_plates.url}{address}"
    decision = look(cloud(alpr_service=service, alpr_url=url, alpr_max_crops=1))
    (plate,) = read(decision)
    assert plate["label"] == "AB123CD"
    assert plate["attributes"]["region"] == "fr"
    # Half the crop's width: the car's box and a tenth on each side, within the picture.
    assert plate["box"][2] - plate["box"][0] == pytest.approx((1920 - 460) / 2, abs=4)
    assert len(fake_plates.asked) == 1


@pytest.mark.parametrize(
    ("answer", "short"),
    [
        ("401", "the key is refused"),
        ("402", "no look-ups left"),
        ("429-long", "too many requests"),
        ("503", "no answer"),
        ("hang", "no answer in time"),
    ],
)
def test_the_chain_goes_on_and_the_line_says_so(
    detect, cloud, photo, fake_plates, answer, short
) -> None:
    fake_plates.will(answer)
    said = detect("-c", cloud(), "-f", photo(PHOTO), "--debug")
    assert said.code == 0
    assert "detected:car:91%" in said.text
    assert said.text.rstrip().endswith(f"(alpr skipped: {short})")
    assert f"Token {KEY}" not in said.err
    assert "secret_key" not in said.err


def test_the_months_budget_is_for_all_processes_and_the_log_tells_it(
    detect, cloud, photo, fake_plates
) -> None:
    config = cloud(alpr_per_month=2, alpr_max_crops=1)
    for _ in range(2):
        said = detect("-c", config, "-f", photo(PHOTO), "--debug")
        assert "AB123CD" in said.text
    assert "2 requests this month, 0 left" in said.err
    said = detect("-c", config, "-f", photo(PHOTO))
    assert "(alpr skipped: no look-ups left)" in said.text
    assert len(fake_plates.asked) == 2


def test_a_program(look, plates, fake_plates_module, tmp_path) -> None:
    result = fake_plates_module.openalpr_result("ab123cd", (1460, 771), vehicle=False)
    program = tmp_path / "alpr"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'rb').close()\n"
        f"print({json.dumps({'results': [result]})!r})\n"
    )
    program.chmod(0o755)
    config = plates(
        alpr_service="open_alpr_cmdline", openalpr_cmdline_binary=program, alpr_max_crops=1
    )
    (plate,) = read(look(config))
    assert plate["label"] == "AB123CD"
    assert plate["confidence"] == pytest.approx(0.9425)


def test_a_start_without_plates_does_not_pay_for_them(plates, photo, environment, root) -> None:
    """The chain names alpr, but nothing was found that has plates."""
    import subprocess

    program = (
        "import sys\nfrom zmhook.cli.detect import main\n"
        f"main(['-c', {str(plates())!r}, '-f', {str(photo('two_people.jpg'))!r}])\n"
        "heavy = {'requests', 'zmhook.detectors.alpr.ocr', 'zmhook.detectors.alpr.search'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(root / "hook")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr.splitlines()[-1] == "[]"
