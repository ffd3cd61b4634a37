"""The rules in their order, on one picture and over an event."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest
from msgspec import structs

from zmhook.detection import Box, about
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gate.alarm_rules import alarming
from zmhook.settings import (
    Alpr,
    Extent,
    Gate,
    Gemini,
    General,
    Hog,
    LabelLimits,
    Settings,
    Snapshots,
    Yolo,
    Zone,
    ZoneRule,
)

SCENE = Crop(box=Box(0, 0, 640, 480), width=640, height=480)


def test_both_sides_keep_the_order(gate, found) -> None:
    settings = Settings(general=General(detect_pattern="person|car"))
    all_of_them = [found(label) for label in ("dog", "person", "cat", "car", "person")]
    kept, dropped = gate(settings).filter(all_of_them, SCENE)
    assert [one.label for one in kept] == ["person", "car", "person"]
    assert [drop.detection.label for drop in dropped] == ["dog", "cat"]


def test_nothing_found(gate) -> None:
    judge = gate(Settings(zones=(Zone("far", ((90, 90), (95, 90), (95, 95))),)))
    assert judge.filter([], SCENE) == ([], [])
    assert judge.finish([], SCENE) == ([], [])


def test_a_drop_has_the_first_reason_only(why, found) -> None:
    settings = Settings(
        general=General(detect_pattern="car"),
        yolo=Yolo(yolo_min_confidence=0.5),
        gate=Gate(max_detection_size=Extent(50, "px")),
        zones=(Zone("far", ((90, 90), (95, 90), (95, 95))),),
    )
    assert why(found(confidence=0.4), settings) == ("confidence", "confidence 40% is below 50%")
    assert why(found(), settings) == ("pattern", "label does not match car")
    assert why(found("car"), settings) == ("size", "size 100px (0.03%) is above 50px")
    small = found("car", box=Box(1, 1, 3, 3))
    assert why(small, settings) == ("zone", "in none of the zones far")


# -- confidence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "confidence", "kept"),
    [
        ("yolo", 0.5, True),
        ("yolo", 0.4999, False),
        ("yolo", float("nan"), False),
        ("hog", 0.7, True),
        ("hog", 0.69, False),
        ("camera", 0.8, True),
        ("camera", 0.79, False),
        ("face", 0.01, True),
        ("somebody-elses", 0.01, True),
    ],
)
def test_each_model_has_its_confidence(why, found, model, confidence, kept) -> None:
    settings = Settings(
        yolo=Yolo(yolo_min_confidence=0.5),
        hog=Hog(hog_min_confidence=0.7),
        snapshots=Snapshots(snapshot_min_score=0.8),
    )
    assert (why(found(model=model, confidence=confidence), settings) is None) is kept


@pytest.mark.parametrize(
    ("service", "least"),
    [
        ("local", 0.6),
        ("plate_recognizer", 0.5),
        ("open_alpr", 0.4),
        ("open_alpr_cmdline", 0.3),
    ],
)
def test_each_service_that_reads_plates_has_its_confidence(why, found, service, least) -> None:
    alpr = Alpr(
        alpr_service=service,
        plate_min_confidence=0.6,
        platerec_min_score=0.5,
        openalpr_min_confidence=0.4,
        openalpr_cmdline_min_confidence=0.3,
    )
    plate = {"label": "AB123", "model": "alpr", "kind": "licenseplate"}
    assert why(found(**plate, confidence=least), Settings(alpr=alpr)) is None
    below = why(found(**plate, confidence=least - 0.01), Settings(alpr=alpr))
    assert below == ("confidence", f"confidence {least - 0.01:.0%} is below {least:.0%}")


@pytest.mark.parametrize(
    ("service", "dscore", "kept"),
    [
        ("plate_recognizer", {"dscore": 0.4}, True),
        ("plate_recognizer", {"dscore": 0.39}, False),
        ("plate_recognizer", {}, True),
        ("local", {"dscore": 0.1}, True),
    ],
)
def test_where_the_service_doubts_that_there_is_a_plate(why, found, service, dscore, kept) -> None:
    alpr = Alpr(alpr_service=service, platerec_min_dscore=0.4)
    plate = found("AB123", model="alpr", kind="licenseplate", confidence=0.9, attributes=dscore)
    said = why(plate, Settings(alpr=alpr))
    doubt = ("confidence", "there is a plate with confidence 39%, below 40%")
    assert said == (None if kept else doubt)


@pytest.mark.parametrize(
    ("label", "confidence", "kept"),
    [
        ("person", 0.59, False),  # everybody's is above the model's
        ("person", 0.6, True),
        ("car", 0.2, True),  # its own stands in the place of both
        ("Car", 0.19, False),
    ],
)
def test_a_label_has_its_own_confidence(why, found, label, confidence, kept) -> None:
    settings = Settings(
        yolo=Yolo(yolo_min_confidence=0.5),
        gate=Gate(min_confidence=0.6),
        labels={"car": LabelLimits(min_confidence=0.2)},
    )
    assert (why(found(label, confidence), settings) is None) is kept


# -- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "label", "kept"),
    [
        ("person", "person", True),
        ("person", "personal", True),
        ("person$", "personal", False),
        ("erson", "person", False),
        ("(person|car)", "car", True),
        ("(?i)PERSON", "person", True),
        (".*", "unknown face", True),
        ("Müller", "Müller", True),
        ("(a+)+$", "aaaa", True),
        ("(a+)+$", "aaab", False),
    ],
)
def test_pattern_matches_from_the_beginning(why, found, pattern, label, kept) -> None:
    settings = Settings(general=General(detect_pattern=pattern))
    assert (why(found(label), settings) is None) is kept


def test_faces_and_plates_have_patterns_of_their_own(why, found) -> None:
    settings = Settings(
        general=General(detect_pattern="person", face_detection_pattern="bob", alpr_pattern="B-.*")
    )
    assert why(found("bob", kind="face"), settings) is None
    assert why(found("person", kind="face"), settings) == ("pattern", "label does not match bob")
    assert why(found("B-XY 1", kind="licenseplate"), settings) is None
    assert why(found("M-XY 1", kind="licenseplate"), settings) is not None


def test_a_pattern_that_never_ends_rings(why, found, caplog) -> None:
    settings = Settings(general=General(detect_pattern="(a|aa)+$"))
    assert why(found("a" * 60 + "!"), settings) is None
    assert "the pattern (a|aa)+$ takes too long" in caplog.text


def test_repeats_in_a_row_end_too(why, found) -> None:
    pattern = "[ab]*[ac]*[ad]*[ae]*[af]*[ag]*[ah]*[ai]*$"
    settings = Settings(general=General(detect_pattern=pattern))
    assert why(found("a" * 60 + "!"), settings) == ("pattern", f"label does not match {pattern}")
    assert why(found("a" * 60), settings) is None


# -- size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "label", "kept"),
    [
        (Box(0, 0, 320, 480), "car", True),  # half of it
        (Box(0, 0, 321, 480), "car", False),
        (Box(0, 0, 20, 20), "car", True),
        (Box(0, 0, 20, 19), "car", False),
        (Box(0, 0, 10, 10), "cat", True),  # a limit of its own
        (Box(0, 0, 10, 9), "cat", False),
        (Box(0, 0, 640, 480), "bus", True),
    ],
)
def test_sizes(why, found, box, label, kept) -> None:
    settings = Settings(
        gate=Gate(max_detection_size=Extent(50, "%"), min_detection_size=Extent(400, "px")),
        labels={
            "cat": LabelLimits(min_detection_size=Extent(100, "px")),
            "bus": LabelLimits(max_detection_size=Extent(100, "%")),
        },
    )
    assert (why(found(label, box=box), settings) is None) is kept


# -- zones ---------------------------------------------------------------------------------------

NEAR = Zone("near", ((0, 0), (15, 0), (15, 15), (0, 15)))
WIDE = Zone("wide", ((0, 0), (100, 0), (100, 100), (0, 100)))
FAR = Zone("far", ((90, 90), (95, 90), (95, 95)))


def test_one_zone_of_several_is_enough(why, found) -> None:
    assert why(found(), Settings(zones=(FAR, NEAR))) is None
    outside = found(box=Box(40, 40, 50, 50))
    assert why(outside, Settings(zones=(FAR, NEAR))) == (
        "zone",
        "in none of the zones far, near",
    )


@pytest.mark.parametrize(
    ("strategy", "zones", "kept"),
    [
        ("any_matching", (NEAR, WIDE), True),
        ("first_intersecting", (NEAR, WIDE), False),
        ("first_intersecting", (WIDE, NEAR), True),
        ("largest_overlap", (NEAR, WIDE), True),  # a quarter of it lies in near, all in wide
    ],
)
def test_which_zone_judges(why, found, strategy, zones, kept) -> None:
    settings = Settings(
        gate=Gate(zone_match_strategy=strategy),
        zones=zones,
        zone_rules={"near": ZoneRule(detection_pattern="dog")},
    )
    assert (why(found(), settings) is None) is kept


def test_patterns_of_a_zone(why, found) -> None:
    settings = Settings(
        general=General(detect_pattern="person"),
        zones=(NEAR,),
        zone_rules={"near": ZoneRule(detection_pattern="(dog|cat)", ignore_pattern="cat")},
    )
    assert why(found("dog"), settings) is None
    assert why(found("person"), settings) == (
        "zone",
        "in zone near, whose pattern (dog|cat) it does not match",
    )
    assert why(found("cat"), settings) == ("zone", "in zone near, which ignores cat")
    assert why(found("bus"), settings) == ("pattern", "label does not match person")


@pytest.mark.parametrize(
    ("anchor", "least", "kept"),
    [("box", 0.0, True), ("foot", 0.0, False), ("box", 0.25, True), ("box", 0.26, False)],
)
def test_how_much_lies_in_it(why, found, anchor, least, kept) -> None:
    settings = Settings(gate=Gate(zone_anchor=anchor, zone_min_overlap=least), zones=(NEAR,))
    assert (why(found(), settings) is None) is kept


@pytest.mark.parametrize(
    ("gate_settings", "zones", "reason"),
    [
        (Gate(zone_anchor="foot"), (NEAR,), "its foot at 15,20 is in none of the zones near"),
        (
            Gate(zone_min_overlap=0.26),
            (NEAR,),
            "in none of the zones near by 26%: 25% of it is in near",
        ),
        (
            Gate(zone_min_overlap=0.251),
            (FAR, NEAR),
            "in none of the zones far, near by 25.1%: at most 25% of it is in near",
        ),
        (Gate(zone_min_overlap=0.5), (FAR,), "in none of the zones far"),
        (
            Gate(zone_min_overlap=0.25001),
            (NEAR,),
            "in none of the zones near by 25.001%: 25% of it is in near",
        ),
    ],
)
def test_what_is_in_no_zone_says_by_how_much(why, found, gate_settings, zones, reason) -> None:
    assert why(found(), Settings(gate=gate_settings, zones=zones)) == ("zone", reason)


@pytest.mark.parametrize(
    ("gate_settings", "where"),
    [
        (Gate(), "in zone wide"),
        (Gate(zone_anchor="foot"), "with its foot at 15,20 in zone wide"),
        (Gate(zone_match_strategy="largest_overlap"), "with 100% in zone wide"),
    ],
)
def test_where_it_is_in_a_zone_that_does_not_take_it(why, found, gate_settings, where) -> None:
    rules = {"wide": ZoneRule(ignore_pattern="person")}
    settings = Settings(gate=gate_settings, zones=(WIDE,), zone_rules=rules)
    assert why(found(), settings) == ("zone", f"{where}, which ignores person")


@pytest.mark.parametrize("least", [0.1, 0.3, 0.6, 0.7, 0.9])
def test_what_a_model_computes_in_32_bits_is_the_limit(why, found, least) -> None:
    settings = Settings(yolo=Yolo(yolo_min_confidence=least))
    for confidence in (least, float(np.float32(least)), least - 1e-9):
        assert why(found(confidence=confidence), settings) is None


def test_a_share_of_the_picture_is_exact(why, found) -> None:
    """A third, a tenth: what is not a number with an end is no reason to drop."""
    for whole in (3, 7, 10, 11, 13):
        limit = Extent(100 / whole, "%")
        settings = Settings(gate=Gate(min_detection_size=limit, max_detection_size=limit))
        box = Box(0, 0, 10, 10)
        assert why(found(box=box), settings, (10, 10 * whole)) is None


def test_zones_are_scaled_to_the_picture(why, found) -> None:
    drive = Zone("drive", ((0, 240), (640, 240), (640, 480), (0, 480)))
    percent = Zone("drive", ((0, 50), (100, 50), (100, 100), (0, 100)), percent=True)
    for zone in (drive, percent):
        settings = Settings(gate=Gate(monitor_size=(640, 480)), zones=(zone,))
        assert why(found(box=Box(0, 100, 50, 150)), settings, (1280, 960)) is not None
        assert why(found(box=Box(0, 500, 50, 550)), settings, (1280, 960)) is None
        assert why(found(box=Box(0, 100, 50, 150)), settings, (320, 180)) is None


# -- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate_settings", "when", "kept"),
    [
        (Gate(quiet_times=("* 22-23,0-5 * * *",)), "2026-11-21 23:59", False),
        (Gate(quiet_times=("* 22-23,0-5 * * *",)), "2026-11-22 06:00", True),
        (Gate(active_times=("* 22-23 * * *", "* * * * sat,sun")), "2026-11-21 12:00", True),
        (Gate(active_times=("* 22-23 * * *", "* * * * sat,sun")), "2026-11-20 12:00", False),
        (
            Gate(active_times=("* * * * *",), quiet_times=("30 12 * * *",)),
            "2026-11-20 12:30",
            False,
        ),
    ],
)
def test_schedule(why, found, gate_settings, when, kept) -> None:
    asked = datetime.fromisoformat(when).timestamp()
    event = Event(id=1, monitor_id=2, asked=asked + 17)
    drop = why(found(), Settings(gate=gate_settings), event=event)
    assert (drop is None) is kept
    assert drop is None or drop[0] == "schedule"


# -- descriptions --------------------------------------------------------------------------------


def described(found, of, alarm: str, label: str = "white van"):
    attributes = {"about": about(of.box) if of else "", "alarm": alarm}
    return found(label, model="gemini", kind="description", attributes=attributes)


@pytest.mark.parametrize(
    ("gates", "alarm", "kept"),
    [
        ("no", "no", True),
        ("veto", "no", False),
        ("veto", "unsure", True),
        ("veto", "yes", True),
        ("confirm", "no", False),
        ("confirm", "unsure", False),
        ("confirm", "yes", True),
    ],
)
def test_what_a_description_decides(gate, found, gates, alarm, kept) -> None:
    car, person = found("car"), found("person", box=Box(50, 50, 60, 60))
    description = described(found, car, alarm)
    judge = gate(Settings(gemini=Gemini(gemini_gates=gates)))
    counted, dropped = judge.finish([car, person, description], SCENE)
    assert (car in counted) is kept
    assert person in counted  # nobody was asked about it
    assert (description in counted) is kept
    assert [drop.rule for drop in dropped] == ([] if kept else ["gemini"])


def test_a_description_rings_only_by_itself(found) -> None:
    car = found("car")
    assert alarming([described(found, car, "yes")]) == []
    alone = described(found, None, "yes")
    assert alarming([alone]) == [alone]
    assert alarming([described(found, None, "unsure")]) == []


# -- memory --------------------------------------------------------------------------------------

PAST = Settings(gate=Gate(match_past_detections=True))
PARKED = Box(100, 100, 200, 160)


def look(gate, settings, number, *detections, later=0.0, skipped_models=()):
    """One event from its detections to what is remembered; returns what rings and the drops."""
    event = Event(id=number, monitor_id=2, asked=1_700_000_000.0 + 60 * number + later)
    judge = gate(settings, event)
    kept, dropped = judge.filter(detections, SCENE)
    counted, drops = judge.finish(kept, SCENE)
    alarms, late = judge.record(counted, skipped_models=skipped_models)
    assert judge.errors == []
    all_drops = dropped + drops + late
    return [one.label for one in alarms], [(drop.rule, drop.reason) for drop in all_drops]


def test_a_parked_car_rings_once(gate, found) -> None:
    car = found("car", box=PARKED)
    assert look(gate, PAST, 1, car) == (["car"], [])
    alarms, drops = look(gate, PAST, 2, car)
    assert alarms == []
    assert drops == [("static", "static, IoU 1.00 with event 1, 1 min ago")]
    assert look(gate, PAST, 3, car, found("person"))[0] == ["person"]


def test_a_car_that_comes_back_rings_again(gate, found) -> None:
    car = found("car", box=PARKED)
    look(gate, PAST, 1, car)
    look(gate, PAST, 2, found("person"))
    assert look(gate, PAST, 3, car)[0] == ["car"]


def test_the_same_event_twice_rings_twice(gate, found) -> None:
    car = found("car", box=PARKED)
    assert look(gate, PAST, 1, car)[0] == ["car"]
    assert look(gate, PAST, 1, car)[0] == ["car"]


def test_two_pictures_of_one_event_are_one_look(gate, found) -> None:
    car = found("car", box=PARKED)
    judge = gate(PAST, Event(id=1, monitor_id=2))
    for _ in range(2):
        assert judge.finish([car], SCENE) == ([car], [])
    judge.record([car])
    assert look(gate, PAST, 2, car)[0] == []


def test_without_the_setting_it_rings_each_time(gate, found) -> None:
    car = found("car", box=PARKED)
    assert look(gate, Settings(), 1, car)[0] == ["car"]
    assert look(gate, Settings(), 2, car)[0] == ["car"]


def test_cooldown(gate, found) -> None:
    settings = Settings(gate=Gate(cooldown=100))
    assert look(gate, settings, 1, found())[0] == ["person"]
    alarms, drops = look(gate, settings, 2, found(), found("dog"))
    assert alarms == ["dog"]
    assert drops == [("cooldown", "person had an alarm 60 s ago (cooldown 100)")]
    assert look(gate, settings, 3, found())[0] == ["person"]


def test_of_two_events_at_once_one_rings(gate, found) -> None:
    settings = Settings(gate=Gate(cooldown=100))
    first, second = (gate(settings, Event(id=n, monitor_id=2, asked=1e9 + n)) for n in (1, 2))
    kept = [found(), found("dog")]
    assert first.finish([kept[0]], SCENE) == ([kept[0]], [])
    assert second.finish(kept, SCENE) == (kept, [])
    assert first.record([kept[0]]) == ([kept[0]], [])
    alarms, drops = second.record(kept)
    assert alarms == [kept[1]]
    assert [(one.rule, one.reason) for one in drops] == [
        ("cooldown", "person had an alarm 1 s ago (cooldown 100)")
    ]


def test_an_event_that_is_looked_at_again_does_not_keep_itself_quiet(gate, found) -> None:
    settings = Settings(gate=Gate(cooldown=100))
    assert look(gate, settings, 1, found())[0] == ["person"]
    assert look(gate, settings, 1, found(), later=9)[0] == ["person"]


def test_what_a_failed_model_did_not_see_is_not_gone(gate, found) -> None:
    car, person = found("car", box=PARKED), found(model="hog", box=Box(300, 100, 340, 200))
    look(gate, PAST, 1, car, person)
    look(gate, PAST, 2, skipped_models={"yolo"})
    assert look(gate, PAST, 3, car, person)[0] == ["person"], "hog had looked"


def test_a_car_that_is_hardly_seen_is_not_gone(gate, found) -> None:
    settings = structs.replace(PAST, labels={"car": LabelLimits(min_confidence=0.7)})
    look(gate, settings, 1, found("car", 0.71, box=PARKED))
    assert look(gate, settings, 2, found("car", 0.69, box=PARKED))[1][0][0] == "confidence"
    assert look(gate, settings, 3, found("car", 0.71, box=PARKED))[0] == []
    look(gate, settings, 4, found("car", 0.69, box=Box(400, 300, 500, 360)))
    assert look(gate, settings, 5, found("car", 0.9, box=Box(400, 300, 500, 360)))[0] == ["car"]


def test_pictures_of_several_sizes_in_one_event(gate, found) -> None:
    large = Crop(box=Box(0, 0, 1280, 960), width=1280, height=960)
    car = found("car", box=PARKED)
    twice = found("car", box=Box(200, 200, 400, 320))
    bus = found("bus", box=Box(800, 600, 1000, 800))
    judge = gate(PAST, Event(id=1, monitor_id=2, asked=1_700_000_000.0))
    judge.finish([car], SCENE)
    judge.finish([twice, bus], large)
    judge.record()
    assert look(gate, PAST, 2, car, found("bus", box=Box(400, 300, 500, 400)))[0] == []


def test_a_memory_that_is_damaged_rings(gate, found, tmp_path) -> None:
    state = tmp_path / "state"
    state.write_text("no folder", encoding="utf-8")
    car = found("car", box=PARKED)
    judge = gate(PAST)
    assert judge.finish([car], SCENE) == ([car], [])
    judge.record([car])
    assert any(str(state) in error for error in judge.errors)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, zmhook.gate.gate\n"
        "print([name for name in ('numpy', 'cv2', 'shapely', 'sqlite3', 'regex', 'cronsim')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_monitor_that_nobody_knows_remembers_nothing(gate, found) -> None:
    car = found("car", box=PARKED)
    event = structs.replace(Event(id=1), asked=1_700_000_000.0)
    judge = gate(PAST, event)
    assert judge.finish([car], SCENE) == ([car], [])
    judge.record([car])
    assert judge.errors == []
