from __future__ import annotations

from pathlib import Path

from zmhook.migrate.document import Document, settle
from zmhook.migrate.draft import ConfigLine, Draft, Lost


def draft(*lost: Lost, **entries: str) -> Draft:
    made = Draft()
    made.entries = {name: ConfigLine(text) for name, text in entries.items()}
    made.lost = list(lost)
    return made


def test_each_line_in_its_section_in_the_order_of_the_model() -> None:
    common = draft(wait="1", car_max_detection_size="5%", weights="w", portal="p")
    document = Document(common, {}, ())
    assert {name: [*lines] for name, lines in document.sections.items() if lines} == {
        "general": ["portal", "wait"],
        "yolo": ["weights"],
        "gate": ["car_max_detection_size"],
    }


def test_a_monitor_has_what_differs() -> None:
    common = draft(wait="1", resize="no", secrets="s", models="yolo", face_model="cnn")
    own = draft(wait="2", drive="0,0 1,0 1,1", models="yolo")
    assert Document(common, {3: own}, ()).sections["monitor-3"] == {
        "wait": ConfigLine("2"),
        "resize": ConfigLine("", "not said for this monitor: the default"),
        "drive": ConfigLine("0,0 1,0 1,1"),
    }


def test_a_monitor_that_has_nothing_of_its_own() -> None:
    assert (
        Document(draft(wait="1"), {3: draft(wait="1")}, ()).text([]).endswith("\n\n[monitor-3]\n")
    )


def test_what_is_lost_is_told_once() -> None:
    shared, common = Lost("[a] x", "1", "why"), Lost("[a] y", "1", "why")
    own, here = Lost("ml z", "1", "why"), Lost("[monitor-3] q", "1", "why")
    document = Document(draft(common), {3: draft(common, shared, own, here)}, {"[a] x"})
    assert [lost.location for lost in document.lost] == [
        "[a] y",
        "[monitor-3] ml z",
        "[monitor-3] q",
    ]


def test_text() -> None:
    common = draft(Lost("[a] x", "1", "no such thing"), Lost("[a] y", "", "no such thing"))
    common.entries = {"wait": ConfigLine("1", "was 2"), "resize": ConfigLine("")}
    document = Document(common, {}, ())
    assert document.text(["Top."]).splitlines() == [
        "# Top.",
        "",
        "[general]",
        "# was 2",
        "wait = 1",
        "resize =",
        "",
        f"# --- Not carried over {'-' * 68}",
        "#",
        "# no such thing:",
        "#     [a] x = 1",
        "#     [a] y =",
    ]


def test_a_line_that_is_taken_out_is_listed() -> None:
    document = Document(draft(ml_password="geheim"), {}, ())
    document.remove("remote", "ml_password", "cannot\nstand")
    assert document.sections["remote"] == {}
    assert document.lost == [Lost("[remote] ml_password", "***", "cannot stand")]


def document(**entries: str) -> Document:
    draft = Draft()
    draft.entries = {name: ConfigLine(text) for name, text in entries.items()}
    return Document(draft, {}, ())


def test_what_is_right_stays() -> None:
    made = document(wait="5", image_path="{{base_data_path}}/x")
    assert settle(made, "") == []
    assert made.lost == []


def test_what_our_reader_refuses_is_taken_out() -> None:
    made = document(wait="{{nothing}}", user="!ZM_USER", resize="800")
    assert settle(made, "") == []
    assert {lost.location: lost.why for lost in made.lost} == {
        "[general] wait": "'{{nothing}}': {{nothing}} names no key",
        "[general] user": "'!ZM_USER': !ZM_USER needs a secrets file: set [general] secrets",
    }
    assert made.sections["general"] == {"resize": ConfigLine("800")}


def test_tokens_of_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    made = document(user="!ZM_USER")
    (problem,) = settle(made, str(tmp_path / "secrets.ini"))
    assert problem == f"{tmp_path / 'secrets.ini'}: cannot be read: No such file or directory"
    assert made.lost == []


def test_tokens_of_a_file_that_is_going_to_be_written() -> None:
    made = document(user="!ZM_USER", password="!P")
    assert settle(made, "/nowhere", "[secrets]\nZM_USER=x\n") == []
    assert [lost.location for lost in made.lost] == ["[general] password"]
