"""The command without its models: arguments, table, warnings. The rest is in integration."""

from __future__ import annotations

from typing import get_type_hints

import numpy as np
import pytest

from zmhook.cli import train_faces
from zmhook.cli.tables import plain
from zmhook.cli.train_faces import MOST_PAIRS, look_alike_lines, summary, unused
from zmhook.detectors.face.encoding import KnownFaces
from zmhook.detectors.face.store import FaceEntry
from zmhook.settings import Face, load


def entries(**reasons):
    rows = [(path.replace("_", "/"), reason) for path, reason in reasons.items()]
    return {path: FaceEntry(path, 1, 1, "x", "r", reason, None) for path, reason in rows}


def known(*people, apart=0.1):
    encodings = np.zeros((len(people), 128))
    encodings[:, 0] = np.arange(len(people)) * apart
    return KnownFaces(people, [f"{person}/1.jpg" for person in people], encodings)


def test_the_table_has_a_line_per_person_and_per_rejected_picture():
    blocks = summary(entries(anna_1="", anna_2="", anna_3="no face", ben_1="two faces"), ["cleo"])
    assert [line.split() for block in blocks for line in plain(block)] == [
        [],
        ["People"],
        ["person", "pictures", "used", "rejected"],
        ["anna", "2", "1"],
        ["ben", "0", "1"],
        ["cleo", "0", "0"],
        [],
        ["cleo:", "no", "pictures;", "put", "some", "into", "that", "folder"],
        [],
        ["Rejected"],
        ["picture", "reason"],
        ["anna/3", "no", "face"],
        ["ben/1", "two", "faces"],
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models = yolo\n", "set [general] models = yolo,face in "),
        ("models = yolo,face\n", ""),
        ("models = yolo\n[monitor-3]\nmodels = face\n", ""),
    ],
)
def test_faces_that_no_monitor_uses(text: str, says: str, tmp_path):
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\n{text}")
    said = unused(load(path))
    assert says in said
    assert bool(said) == bool(says)


def test_without_rejected_pictures_there_is_only_the_table():
    assert len(list(summary(entries(anna_1="")))) == 1


def test_people_who_look_alike_are_named_with_the_pictures():
    lines = look_alike_lines(known("anna", "ben", apart=0.4), 0.6)
    assert lines[0] == ""
    assert lines[1].startswith("warning: anna and ben look alike")
    assert "anna/1.jpg and ben/1.jpg are 0.40 apart" in lines[1]


def test_nobody_looks_alike_beyond_the_threshold():
    assert look_alike_lines(known("anna", "ben", apart=0.7), 0.6) == []


def test_many_pairs_are_counted_rather_than_all_told():
    lines = look_alike_lines(known(*(f"p{i:02}" for i in range(10)), apart=0.01), 0.6)
    assert len(lines) == 1 + MOST_PAIRS + 1
    assert lines[-1] == "warning: and 25 more pairs of people look alike"


@pytest.mark.parametrize("size", ["0", "159", "8001", "big", "-5", "1e3"])
def test_a_bad_size_says_what_is_allowed(size, capsys):
    with pytest.raises(SystemExit) as raised:
        train_faces.main([f"--size={size}"])
    assert raised.value.code == 2
    said = capsys.readouterr().err
    assert "expected pixels, 160 to 8000" in said
    assert said.count("\n") == 1


def test_every_problem_of_the_configuration_is_told(tmp_path, capsys):
    config = tmp_path / "objectconfig.ini"
    config.write_text("[face]\nface_model = eigen\nface_nothing = 1\n")
    assert train_faces.main(["-c", str(config)]) == 2
    said = capsys.readouterr().err
    assert "face_model" in said
    assert "face_nothing" in said
    assert "Traceback" not in said


def test_a_missing_configuration_is_told(tmp_path, capsys):
    assert train_faces.main(["-c", str(tmp_path / "none.ini")]) == 2
    assert "none.ini" in capsys.readouterr().err


def test_the_limits_of_size_are_those_of_face_max_size():
    hints = get_type_hints(Face, include_extras=True)
    (limits,) = hints["face_max_size"].__metadata__
    assert (limits.ge, limits.le) == (train_faces.SMALLEST, train_faces.LARGEST)
