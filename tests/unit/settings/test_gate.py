"""Limits of labels, patterns of zones, areas, groups and times: values and keys of the gate."""

from __future__ import annotations

import pytest

from zmhook.settings import Extent, LabelLimits, Zone, ZoneRule
from zmhook.settings.model import from_plain, to_plain

GATE = """
[general]
frame_set = snapshot,alarm,10,20%
match_past_detections = yes
car_past_det_max_diff_area = 10%
[gate]
max_detection_size = 50%
min_detection_size = 400
traffic light_min_confidence = 0.8
monitor_size = 1920x1080
aliases = Car,truck; dog,cat
active_times = * 22-23,0-5 * * *; * * * * SAT
[monitor-3]
car_max_detection_size = 300px
drive = 0%,50% 100%,50% 100%,100%
drive_zone_detection_pattern = (car|truck)
front door_zone_ignore_pattern = cat
"""


def test_gate_is_read(read) -> None:
    config = read(GATE)
    gate = config.general.gate
    assert config.general.general.frame_id == ("snapshot", "alarm", "10", "20%")
    assert gate.match_past_detections
    assert (gate.max_detection_size, gate.min_detection_size) == (
        Extent(50.0, "%"),
        Extent(400.0, "px"),
    )
    assert gate.monitor_size == (1920, 1080)
    assert gate.aliases == (("car", "truck"), ("dog", "cat"))
    assert gate.active_times == ("* 22-23,0-5 * * *", "* * * * sat")
    assert config.warnings == []


def test_limits_of_labels(read) -> None:
    config = read(GATE)
    assert config.general.labels == {
        "car": LabelLimits(past_det_max_diff_area=Extent(10.0, "%")),
        "traffic light": LabelLimits(min_confidence=0.8),
    }
    assert config.for_monitor(3).labels["car"] == LabelLimits(
        past_det_max_diff_area=Extent(10.0, "%"), max_detection_size=Extent(300.0, "px")
    )


def test_rules_of_zones(read) -> None:
    settings = read(GATE).for_monitor(3)
    assert settings.zones == (Zone("drive", ((0, 50), (100, 50), (100, 100)), percent=True),)
    assert settings.zone_rules == {
        "drive": ZoneRule(detection_pattern="(car|truck)"),
        "front door": ZoneRule(ignore_pattern="cat"),
    }


def test_they_go_to_another_process(read) -> None:
    settings = read(GATE).for_monitor(3)
    assert from_plain(to_plain(settings)) == settings


def test_what_is_wrong(problems) -> None:
    found = problems(
        "[gate]\nyol_min_confidence = 0.3\ndog_min_confidence = 3\nmax_detection_size = 101%\n"
        "quiet_times = * * *\nmonitor_size = 0x3\n"
        "[monitor-1]\nzone_zone_ignore_pattern = (\nz = 1,1 2%,2 3,3\n"
    )
    assert [text.removeprefix("objectconfig.ini: ").partition(" (")[0] for text in found] == [
        "[gate] yol_min_confidence: unknown key; did you mean 'min_confidence'?",
        "[gate] max_detection_size: '101%': expected an area, such as 5% or 300px, or no",
        "[gate] monitor_size: '0x3': expected a width and a height, such as",
        (
            "[gate] quiet_times: '* * *': expected times in cron's form between semicolons, such as"
            " * 22-23,0-5 * * *"
        ),
        (
            "[monitor-1] z: '1,1 2%,2 3,3': expected a polygon in whole pixels, such as 0,0 640,0"
            " 640,480, or all in percent, such as 0%,0% 50%,0% 50%,100%"
        ),
        "[gate] dog_min_confidence: '3': expected a number from 0 to 1",
        "[monitor-1] zone_zone_ignore_pattern: '(': expected a regular expression",
    ]


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("5%", Extent(5.0, "%")),
        ("0.5 %", Extent(0.5, "%")),
        ("300px", Extent(300.0, "px")),
        ("0", Extent(0.0, "px")),
    ],
)
def test_areas(text: str, extent: Extent, read) -> None:
    gate = read(f"[gate]\npast_det_max_diff_area = {text}\n").general.gate
    assert gate.past_det_max_diff_area == extent


def test_a_share_of_something() -> None:
    assert Extent(5.0, "%").pixels(200) == 10
    assert Extent(300.0, "px").pixels(200) == 300


def test_plates_formats_and_addresses(read, problems) -> None:
    settings = read(
        "[alpr]\nplate_formats = [A-Z]{1,3}[0-9]{1,4}; [0-9]+\n"
        'platerec_config = {"region": "strict"}\n'
        "[known-plates]\nB-XY 12* = Anna\n"
        "[remote]\nml_gateway = http://a:5000/api/v1, https://b\n"
        "[service]\nallowed_portals = zm.example.org, [::1]:8080\n"
    ).general
    assert settings.alpr.plate_formats == ("[A-Z]{1,3}[0-9]{1,4}", "[0-9]+")
    assert settings.plates == {"B-XY 12*": "Anna"}
    assert settings.remote.ml_gateway == ("http://a:5000/api/v1", "https://b")
    assert settings.service.allowed_portals == ("zm.example.org", "[::1]:8080")
    assert from_plain(to_plain(settings)) == settings
    wrong = problems(
        "[alpr]\nplate_formats = (; x\nplaterec_config = [1]\n[remote]\nml_gateway = gpu\n"
        "[service]\nallowed_portals = http://x\n"
    )
    assert [text.partition(": expected ")[2].partition(" (")[0] for text in wrong] == [
        "a JSON object",
        "regular expressions between semicolons",
        "addresses such as http://gpu.lan:5000, between commas",
        "hosts such as zm.example.org or zm.lan:8080, between commas",
    ]
