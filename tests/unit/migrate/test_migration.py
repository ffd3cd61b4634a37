"""Whole files: a sample of each generation, read by our reader afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.migrate import migrate
from zmhook.settings import Extent, Secret

PLAIN = "geheim"


def test_version_5(sample, right) -> None:
    config = right(sample("five.ini"))
    all_, drive, door = config.general, config.for_monitor(2), config.for_monitor(7)
    assert config.warnings == []
    assert all_.general.models == ("yolo", "face", "alpr")
    assert all_.general.password == Secret("pa#ss word%1")
    assert all_.general.api_portal == "https://zm.example.org/zm/api"
    assert all_.gate.past_det_max_diff_area == Extent(10.0, "%")
    assert all_.yolo.yolo_processor == "gpu"
    assert all_.alpr.platerec_regions == ("de", "at")
    assert all_.remote.ml_gateway == ("http://192.0.2.7:5000/api/v1",)
    assert (drive.general.wait, [zone.name for zone in drive.zones]) == (8.0, ["drive", "gate"])
    assert (door.general.frame_id, door.gate.match_past_detections) == (("snapshot",), False)


def test_version_6(sample, right) -> None:
    found = sample("six.ini")
    config = right(found)
    all_, second, third, fourth = map(config.for_monitor, (None, 2, 3, 4))
    assert all_.general.models == ("yolo", "face", "alpr")
    assert all_.general.frame_id == ("snapshot", "alarm")
    assert (all_.general.frame_strategy, all_.general.frame_skip) == ("most_unique", 2)
    assert all_.yolo.weights == "/var/lib/zmeventnotification/models/yolov4/yolov4.weights"
    assert (all_.yolo.yolo_min_confidence, all_.yolo.yolo_input_size) == (0.3, 608)
    assert all_.gate.aliases == (("car", "bus", "truck"), ("dog", "cat"))
    assert all_.labels["person"].max_detection_size == Extent(60.0, "%")
    assert all_.face.face_pre_existing_labels == ("person",)
    assert all_.face.unknown_face_name == "invader"
    assert all_.alpr.alpr_key == Secret("0123456789abcdef")
    assert (second.general.detect_pattern, second.general.wait) == ("(person|dog)", 7.0)
    assert second.gate.match_past_detections
    assert second.zone_rules["drive"].detection_pattern == "(person)"
    assert third.gate.only_triggered_zm_zones
    assert (third.zones, third.gate.past_det_max_diff_area) == ((), Extent(20.0, "%"))
    assert fourth.general.models == ("yolo",)
    assert fourth.yolo.weights.endswith("yolo11n.onnx")
    assert (fourth.yolo.config, fourth.gate.aliases) == ("", ())
    assert "plain-aws-secret" not in found.whole.text
    assert "aws_access_key_id: !AWS_KEY" in found.whole.text


def test_version_6_without_sequences(sample, right) -> None:
    found = sample("six_flat.ini")
    config = right(found)
    assert config.general.general.password == Secret("plain password")
    assert config.general.general.detection_mode == "first"
    assert config.general.yolo.weights.endswith("yolox_s.onnx")
    assert config.for_monitor(9).general.frame_strategy == "most"
    assert [note.split(":")[0] for note in found.whole.notes] == ["[general] password"]
    assert found.whole.has_plain


def test_ng(sample, right) -> None:
    found = sample("ng.yml", "new-secrets.ini")
    config = right(found)
    all_, second, fifth = map(config.for_monitor, (None, 2, 5))
    assert all_.general.frame_strategy == "first_new"
    assert all_.general.password == Secret("pa#ss word%1")
    assert all_.remote.ml_password == Secret("ml plain")
    assert all_.general.base_zm_conf_path == "/config/zm"
    assert all_.yolo.weights.endswith("/ultralytics/yolo11n.onnx")
    assert all_.gate.zone_match_strategy == "largest_overlap"
    assert all_.gate.max_detection_size == Extent(90.0, "%")
    assert second.general.models == ("yolo", "alpr")
    assert second.general.frame_id == ("snapshot", "alarm", "1", "15")
    assert [zone.name for zone in second.zones] == ["my drive", "config_zone"]
    assert second.zone_rules["my drive"].ignore_pattern == "truck"
    assert second.zone_rules["front porch"].detection_pattern == "(person)"
    assert not fifth.general.show_percent
    assert not found.whole.has_plain
    assert "plain-fcm-key" not in found.whole.text
    assert PLAIN not in found.whole.text


def test_secrets_in_yaml_have_to_be_written_anew(sample) -> None:
    found = sample("ng.yml")
    (problem,) = found.whole.problems
    assert problem.endswith(
        "secrets.yml: is YAML, which is not read here: --secrets FILE writes an ini"
    )
    assert found.general()["secrets"] == "secrets.ini"
    assert found.general()["password"] == "!ZM_PASSWORD"
    assert found.whole.secrets is None


def test_tokens_stay_where_the_secrets_cannot_be_read(result, tmp_path: Path) -> None:
    found = result("[general]\nsecrets=elsewhere.ini\nuser=!ZM_USER\n")
    assert found.general()["user"] == "!ZM_USER"
    why = f"{tmp_path / 'elsewhere.ini'}: cannot be read: No such file or directory"
    assert found.whole.problems == [why]


def test_a_result_elsewhere_still_finds_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "secrets.ini").write_text("[secrets]\nU=me\n")
    (tmp_path / "old.ini").write_text("[general]\nsecrets=secrets.ini\nuser=!U\n")
    done = migrate(str(tmp_path / "old.ini"), str(tmp_path / "new" / "objectconfig.ini"))
    assert f"secrets = {tmp_path}/secrets.ini" in done.text
    assert done.problems == []


def test_nothing_to_keep_secret(result) -> None:
    found = result("[general]\nwait=1\n", "new-secrets.ini")
    assert found.whole.secrets is None
    assert "there is no secret" in found.whole.notes[0]
    assert "secrets" not in found.general()


FIVE = """
[general]
resize = {resize}
past_det_max_diff_area = 5%
[monitor-3]
past_det_max_diff_area = 5000px
"""


def test_boxes_and_limits_are_noted(result) -> None:
    whole = result(FIVE.format(resize=800)).whole
    assert "# boxes in the JSON and in objects.json were in pixels of the picture" in whole.text
    assert "# was in pixels of the picture reduced to 800; of the original it is" in whole.text
    all_, own = (note for note in whole.notes if note.startswith("resize = 800: boxes"))
    assert "so were" not in all_
    assert own.endswith("so were past_det_max_diff_area: (width/800)² as much now")


def test_without_reducing_nothing_changes(result) -> None:
    whole = result(FIVE.format(resize="no")).whole
    assert "reduced" not in whole.text
    assert whole.notes == []


@pytest.mark.parametrize("kind", ["ini", "Ng"])
def test_of_a_stream_sequence(result: Callable, kind: str) -> None:
    stream = {"resize": 640, "frame_set": "alarm"}
    if kind == "Ng":
        whole = result({"ml": {"stream_sequence": stream}, "general": {}}).whole
    else:
        whole = result(f"[ml]\nuse_sequence = yes\nstream_sequence = {stream}\n").whole
    assert [note for note in whole.notes if note.startswith("resize = 640: ")]


def test_version_5_keeps_its_json(result) -> None:
    assert result(FIVE.format(resize="no")).general()["json_format"] == "v5"
    assert "json_format" not in result("[object]\nobject_detection_pattern = .*\n").general()
