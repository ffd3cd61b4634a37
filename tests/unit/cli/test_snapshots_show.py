"""`zmhook snapshots list | show | export`, without a process of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli import snapshots
from zmhook.errors import NoStore, SettingsError
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox
from zmhook.snapshots.store.store import Store

NOON = time.mktime((2026, 3, 20, 12, 0, 0, 0, 0, -1))


PICTURE = "0000/image_00000_Human.jpg"


def snapshot(number: int, **fields: object) -> BestSnapshot:
    given = {
        "camera": "front",
        "topic": "axis/front/track",
        "format": "axis.object_track.v1",
        "track_id": f"track-{number}",
        "taken": NOON + number,
        "received": NOON + number,
        "picture": b"\xff\xd8%d\xff\xd9" % number,
        "monitor_id": 1,
        "label": "Human",
    }
    return BestSnapshot(**{**given, **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "snapshots"
    with Store.open(folder) as store:
        store.add(
            [
                snapshot(0, score=0.744, duration=2.5, box=SceneBox(0, 0, 0.5, 1)),
                snapshot(1, label="Car", camera="gate", monitor_id=None, colours=("red",)),
                snapshot(2, camera="\x1b[2J", taken=1e300),
            ]
        )
        store.describe(1, {"description": "a red car, " + "and " * 40, "alarm": "no"})
    return folder


@pytest.fixture
def said(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def say(command: str, *args: object) -> tuple[int, str, str]:
        code = snapshots.main([command, "-s", str(folder), *map(str, args)])
        return (code, *capsys.readouterr())

    return say


def test_a_list_is_newest_first_with_what_was_said(said, folder) -> None:
    code, out, err = said("list")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[1] == f"3 of 3 snapshots in {folder}"
    assert all(len(line) <= 80 for line in lines[2:])
    rows = [line.split() for line in lines[3:] if line[:8].strip()]
    assert [row[0] for row in rows] == ["2", "1", "0"]
    assert rows[1][1:4] == ["2026-03-20", "12:00:01", "gate"]
    assert "description: a red car, and and" in " ".join(out.split()).replace(" a red", " a red")
    assert rows[2][3:6] == ["front", "1", "Human"]
    assert "74%" in rows[2]


def test_json_begins_with_what_people_seek(said) -> None:
    row = json.loads(said("list", "--json")[1])[0]
    assert list(row)[:5] == ["number", "monitor_id", "taken", "camera", "label"]


def test_a_wide_terminal_has_all_columns(said, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    row = said("list")[1].splitlines()[-1].split()
    assert row[3:] == ["front", "1", "Human", "74%", "2.5", "0.0", PICTURE]


def test_names_from_the_network_do_not_reach_the_terminal(said) -> None:
    for command in (["list"], ["show", 2]):
        assert "\x1b" not in said(*command)[1]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        (["--label", "car"], [1]),
        (["--camera", "front"], [0]),
        (["--monitor", "1", "--until", "2026-03-20 12:00"], [0]),
        (["--since", "2026-03-20 12:00:01", "--until", "2026-03-21"], [1]),
        (["--limit", "2"], [2, 1]),
        (["--limit", "0"], [2, 1, 0]),
        (["--label", "Bus"], []),
    ],
)
def test_a_list_of_what_is_asked_for(said, filters, numbers) -> None:
    found = json.loads(said("list", "--json", *filters)[1])
    assert [row["number"] for row in found] == numbers


def test_none_is_said_in_words(said, folder, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    expected = f"No matching snapshot among the 3 in {folder}.\n"
    assert said("list", "--label", "Bus") == (0, expected, "")


def test_all_that_is_known_of_one(said, folder, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = said("show", 1)
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()[3:]}
    assert code == 0
    assert shown["taken"] == "2026-03-20 12:00:01"
    assert shown["colours"] == '["red"]'
    assert shown["path"] == f"{folder}/0000/image_00001_Car.jpg"
    assert '"alarm":"no"' in shown["description"]
    assert shown["ended"] == "no"
    assert "monitor_id" not in shown


def test_one_as_json_has_every_field(said, folder) -> None:
    found = json.loads(said("show", "--json", 0)[1])
    assert found["box"] == [0, 0, 0.5, 1]
    assert found["monitor_id"] == 1
    assert found["description"] is None
    assert Path(found["path"]).read_bytes() == b"\xff\xd80\xff\xd9"


def test_one_that_is_not_there(said, folder) -> None:
    expected = f"zmhook: {folder}: there is no snapshot 7\n"
    assert said("show", 7) == (1, "", expected)


def test_an_export_by_number(said, tmp_path) -> None:
    to = tmp_path / "to"
    code, out, err = said("export", 1, 0, 1, 9, "--to", to)
    assert (code, out) == (1, f"2 pictures and snapshots.json in {to}\n")
    assert "there is no snapshot 9" in err
    assert sorted(path.name for path in to.iterdir()) == [
        "image_00000_Human.jpg",
        "image_00001_Car.jpg",
        "snapshots.json",
    ]
    assert [row["number"] for row in json.loads((to / "snapshots.json").read_text())] == [0, 1]


@pytest.mark.parametrize(
    ("which", "count"), [(["--all"], 3), (["--label", "car"], 1), (["--until", "1h"], 2)]
)
def test_an_export_of_what_is_asked_for(said, tmp_path, which, count) -> None:
    assert said("export", *which, "--to", tmp_path / "to")[0] == 0
    assert len(list((tmp_path / "to").glob("*.jpg"))) == count


def test_an_export_of_a_picture_that_is_gone(said, tmp_path, folder) -> None:
    (folder / "0000" / "image_00000_Human.jpg").unlink()
    code, out, err = said("export", "--all", "--to", tmp_path / "to")
    assert (code, err) == (
        1,
        f"zmhook: {folder}/0000/image_00000_Human.jpg: the picture is missing\n",
    )
    assert out.startswith("2 pictures")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["export", "--to", "x"], "snapshots export: give NUMBERs, --all"),
        (["export", "1"], "--to"),
        (["show"], "NUMBER"),
        (["show", "x"], "expected a whole number, got 'x'"),
        (["show", "-3"], "NUMBER"),
        (["list", "--since", "tomorrow"], "'tomorrow' is not a time"),
    ],
)
def test_what_is_asked_wrongly_is_told(said, capsys, args, message) -> None:
    with pytest.raises(SystemExit) as caught:
        said(*args)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_store_is_that_of_the_configuration(folder, tmp_path, capsys, monkeypatch) -> None:
    config = tmp_path / "objectconfig.ini"
    config.write_text(f"[general]\n[snapshots]\nsnapshot_path = {folder}\n")
    monkeypatch.setenv("ZMHOOK_CONFIG", str(config))
    assert snapshots.main(["list"]) == 0
    assert f"3 of 3 snapshots in {folder}" in capsys.readouterr().out
    with pytest.raises(SettingsError):
        snapshots.main(["list", "-c", str(tmp_path / "none.ini")])


def test_without_a_store_it_is_said_what_to_do(tmp_path) -> None:
    with pytest.raises(NoStore, match="start zmhook snapshots run"):
        snapshots.main(["list", "-s", str(tmp_path / "none")])
