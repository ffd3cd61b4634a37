"""`zmhook history`: what was decided, for people and for programs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from zmhook.cli.history import main
from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.errors import NoState, SettingsError
from zmhook.event import Event
from zmhook.history.record import record
from zmhook.settings import load
from zmhook.storage.shared_database import close_all

HOUR = 3600


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("COLUMNS", "200")
    time.tzset()
    yield
    close_all()
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, in which monitor 9 has a history of its own."""
    path = tmp_path / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = hog\n"
        "time_zone = Europe/Berlin\n"
        f"[monitor-9]\nhistory_path = {tmp_path}/nine.sqlite\n"
    )
    return path


@pytest.fixture
def noon() -> float:
    """Today, or yesterday in the morning: at least an hour ago, and all on one day."""
    now = datetime.now().astimezone()
    then = now.replace(hour=12, minute=0, second=0, microsecond=0).timestamp()
    return then if then + HOUR < now.timestamp() else then - 24 * HOUR


def found(label: str, confidence: float = 0.71) -> Detection:
    return Detection(label=label, confidence=confidence, box=Box(10, 20, 110, 220), model="yolo")


@pytest.fixture
def recorded(config: Path, noon: float) -> Path:
    """Event 1020 was an alarm, 1021 was none, 1022 could not be decided; a minute apart."""
    settings = load(config).general

    def event(number: int, monitor_id: int) -> Event:
        at = noon + (number - 1020) * 60
        return Event(
            id=number, monitor_id=monitor_id, monitor_name="Drive", cause="Motion: All", asked=at
        )

    frame = FrameInfo(id="snapshot", origin="the event's folder", width=1920, height=1080)
    why = "static, IoU 0.93 with event 1020, 1 min ago"
    dropped = [Drop(detection=found("car"), rule="past", reason=why)]
    common = {"frame": frame, "timings": {"fetch": 30.4, "total": 117.2}, "version": "1.2.3"}
    for decision in (
        Decision(event=event(1020, 5), outcome="alarm", detections=[found("car", 1.0)], **common),
        Decision(event=event(1021, 5), outcome="nothing", dropped=dropped, **common),
        Decision.undecided(event(1022, 6), "no picture: the portal does not answer"),
    ):
        record(decision, settings)
    return config


def call(config: Path, *argv: str) -> int:
    return main([argv[0], "-c", str(config), *argv[1:]])


# -- list ----------------------------------------------------------------------------------------


def test_list_says_what_came_of_each(
    recorded: Path, noon: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(recorded, "list") == 0
    title, head, *lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert title == f"3 decisions in {recorded.parent}/state/history.sqlite"
    assert head.split() == ["time", "event", "monitor", "outcome", "ms", "result"]
    day = time.strftime("%Y-%m-%d", time.localtime(noon))
    assert [" ".join(line.split()) for line in lines] == [
        f"{day} 12:02:00 1022 6 Drive undecided 0 no picture: the portal does not answer",
        f"{day} 12:01:00 1021 5 Drive nothing 117 dropped: 1 past",
        f"{day} 12:00:00 1020 5 Drive alarm 117 [s] detected:car:100%",
    ]


@pytest.mark.parametrize(
    ("argv", "events"),
    [
        (("--monitor", "5"), [1021, 1020]),
        (("--outcome", "alarm"), [1020]),
        (("--label", "Car"), [1021, 1020]),
        (("--label", "dog"), []),
        (("--limit", "1"), [1022]),
        (("--limit", "0"), [1022, 1021, 1020]),
        (("--since", "3d"), [1022, 1021, 1020]),
        (("--since", "1m"), []),
        (("--until", "2020-01-01"), []),
    ],
)
def test_list_for_programs(
    recorded: Path, argv: tuple[str, ...], events: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(recorded, "list", "--json", *argv) == 0
    assert [one["event_id"] for one in json.loads(capsys.readouterr().out)] == events


def test_times_for_programs_are_local_and_say_so(
    recorded: Path, noon: float, capsys: pytest.CaptureFixture[str]
) -> None:
    call(recorded, "list", "--json", "--outcome", "alarm")
    [entry] = json.loads(capsys.readouterr().out)
    assert datetime.fromisoformat(entry["time"]).timestamp() == noon == entry["at"]
    assert "T12:00:00+0" in entry["time"]


def test_list_of_nothing_says_so(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "list", "--label", "dog") == 0
    assert capsys.readouterr().out.startswith("No matching decision in ")


def test_a_monitor_may_have_a_file_of_its_own(recorded: Path, capsys) -> None:
    assert call(recorded, "list", "--monitor", "9") == 0
    assert "nine.sqlite" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [("--since", "soon"), ("--monitor", "x"), ("--limit", "-1"), ("--outcome", "maybe")]
)
def test_what_makes_no_sense_is_refused(recorded: Path, argv: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as refused:
        call(recorded, "list", *argv)
    assert refused.value.code == 2


# -- show ----------------------------------------------------------------------------------------


def test_show_explains(recorded: Path, noon: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "show", "1021") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line]
    day = time.strftime("%Y-%m-%d", time.localtime(noon))
    assert lines[:-1] == [
        f"event 1021 of monitor 5 (Drive), Motion: All, {day} 12:01:00",
        "nothing",
        "frame snapshot, 1920x1080 pixels, from the event's folder",
        "0 kept, 1 dropped",
        "label confidence model box rule reason",
        "car 71% yolo 10,20 110,220 past static, IoU 0.93 with event 1020, 1 min ago",
        "fetch 30 ms, total 117 ms",
    ]
    assert lines[-1].startswith("made by zmhook 1.2.3, settings ")


def test_show_tells_what_was_kept(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "show", "1020") == 0
    out = capsys.readouterr().out
    assert "alarm: [s] detected:car:100%" in out
    assert "100%" in out
    assert "1 kept, 0 dropped" in out


def test_show_tells_what_went_wrong(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "show", "1022") == 0
    out = capsys.readouterr().out
    assert "problem: no picture: the portal does not answer" in out
    assert "no detections" in out


def test_show_names_the_model_files(
    recorded: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = config.parent / "weights.onnx"
    weights.write_bytes(b"weights")
    overrides = ["general.models=yolo", f"yolo.weights={weights}", "yolo.labels=/nowhere.names"]
    settings = load(config, overrides).general
    record(Decision.undecided(Event(id=7, monitor_id=5)), settings)
    assert call(recorded, "show", "7") == 0
    out = capsys.readouterr().out
    digest = hashlib.sha256(b"weights").hexdigest()
    assert f"yolo: {weights} (SHA-256 {digest[:12]})" in out
    assert "yolo: /nowhere.names (SHA-256 unknown)" in out


def test_show_has_each_time_an_event_was_looked_at(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = Decision.undecided(Event(id=1020, monitor_id=5), "later")
    record(again, load(recorded).general)
    assert call(recorded, "show", "--json", "1020") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["decision"]["outcome"] for one in shown] == ["alarm", "undecided"]
    assert {"time", "line", "version", "settings", "models"} <= set(shown[0])


def test_show_of_an_unknown_event_fails(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "show", "1") == 1
    said = capsys.readouterr()
    assert said.err == (
        f"zmhook: {recorded.parent}/state/history.sqlite: no decision on event 1 is recorded\n"
    )
    assert said.out == ""
    assert call(recorded, "show", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


# -- stats ---------------------------------------------------------------------------------------


def test_stats_counts_by_monitor_and_day(
    recorded: Path, noon: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(recorded, "stats") == 0
    _, head, *lines = [line for line in capsys.readouterr().out.splitlines() if line]
    day = time.strftime("%Y-%m-%d", time.localtime(noon))
    assert " ".join(head.split()) == (
        "monitor day events alarms nothing undecided decisions p50 ms p95 ms dropped"
    )
    assert [" ".join(line.split()) for line in lines] == [
        f"5 Drive {day} 2 1 1 0 2 117 117 1 past",
        f"6 Drive {day} 1 0 0 1 1 0 0",
    ]


def test_an_event_that_was_decided_again(
    recorded: Path, noon: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Undecided first, an alarm later: one event, and nothing hides the first decision."""
    made_by = load(recorded).general
    event = Event(id=1022, monitor_id=6, asked=noon + 180)
    record(Decision(event=event, outcome="alarm", detections=[found("dog")]), made_by)
    assert call(recorded, "stats", "--monitor", "6") == 0
    assert " 1 1 0 0 2 0 0" in " ".join(capsys.readouterr().out.split())
    assert call(recorded, "list") == 0
    out = capsys.readouterr().out
    assert "4 decisions of 3 events in " in out
    assert [line.endswith("(decided again later)") for line in out.splitlines()[-4:]] == [
        False,
        True,
        False,
        False,
    ]
    assert call(recorded, "show", "1022") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "event 1022 of monitor 6 was decided 2 times; the last decision counts"


def test_stats_for_programs(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "stats", "--json", "--monitor", "5", "--since", "2020-01-01") == 0
    [day] = json.loads(capsys.readouterr().out)
    assert (day["events"], day["alarms"], day["dropped"]) == (2, 1, {"past": 1})


def test_stats_of_nothing_says_so(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(recorded, "stats", "--until", "2020-01-01") == 0
    assert capsys.readouterr().out.startswith("No matching decision in ")


# -- what is missing -----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["list", "stats"])
def test_before_the_first_event(action: str, config: Path, capsys) -> None:
    assert call(config, action) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("No event has been recorded yet (")
    assert captured.err == ""
    with pytest.raises(NoState, match=r"history\.sqlite: nothing is recorded there yet"):
        call(config, "show", "12")


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.ini"):
        main(["list", "-c", str(tmp_path / "nowhere.ini")])


@pytest.mark.parametrize("argv", [["list"], ["show", "5"], ["stats"]])
def test_nothing_recorded_yet_is_an_empty_list_for_programs(
    argv: list[str], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, "--json", "-c", str(config)]) == 0
    assert json.loads(capsys.readouterr().out) == []
