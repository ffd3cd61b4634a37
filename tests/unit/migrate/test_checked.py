from __future__ import annotations

from pathlib import Path

from zmhook.migrate.checked import settle
from zmhook.migrate.document import Document
from zmhook.migrate.draft import Draft, Entry


def document(**entries: str) -> Document:
    draft = Draft()
    draft.entries = {name: Entry(text) for name, text in entries.items()}
    return Document(draft, {}, ())


def test_what_is_right_stays() -> None:
    made = document(wait="5", image_path="{{base_data_path}}/x")
    assert settle(made, "") == []
    assert made.lost == []


def test_what_our_reader_refuses_is_taken_out() -> None:
    made = document(wait="{{nothing}}", user="!ZM_USER", resize="800")
    assert settle(made, "") == []
    assert {lost.place: lost.why for lost in made.lost} == {
        "[general] wait": "'{{nothing}}': {{nothing}} names no key",
        "[general] user": "'!ZM_USER': !ZM_USER needs a secrets file: set [general] secrets",
    }
    assert made.sections["general"] == {"resize": Entry("800")}


def test_tokens_of_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    made = document(user="!ZM_USER")
    (problem,) = settle(made, str(tmp_path / "secrets.ini"))
    assert problem == f"{tmp_path / 'secrets.ini'}: cannot be read: No such file or directory"
    assert made.lost == []


def test_tokens_of_a_file_that_is_going_to_be_written() -> None:
    made = document(user="!ZM_USER", password="!P")
    assert settle(made, "/nowhere", "[secrets]\nZM_USER=x\n") == []
    assert [lost.place for lost in made.lost] == ["[general] password"]
