from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.migrate.document import Document
from zmhook.migrate.draft import ConfigLine, Draft
from zmhook.migrate.secretsfile import SecretsFile, keep_plain, read


def document(own: dict[str, str] | None = None, **common: str) -> Document:
    drafts = []
    for entries in (common, {**common, **(own or {})}):
        draft = Draft()
        draft.entries = {name: ConfigLine(text) for name, text in entries.items()}
        drafts.append(draft)
    return Document(drafts[0], {5: drafts[1]}, ())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.ini"


def test_read(path: Path) -> None:
    path.write_text("[secrets]\nZM_User=a #b\n")
    assert read(str(path)) == {"zm_user": "a #b"}
    yml = path.with_suffix(".yml")
    yml.write_text("secrets:\n  ZM_User: c\n")
    assert read(str(yml)) == {"zm_user": "c"}


def test_a_new_file(path: Path) -> None:
    made = document({"alpr_key": "k"}, password="p #w", ml_password="!ML", user="!U")
    file = SecretsFile(str(path), {"ml": "far", "u": "me", "other": "x"})
    file.take(made)
    assert file.is_new
    assert file.text() == ("[secrets]\nZM_PASSWORD=p #w\nALPR_KEY_MONITOR_5=k\nU=me\nML=far\n")
    assert made.sections["general"]["password"].text == "!ZM_PASSWORD"
    assert made.sections["monitor-5"]["alpr_key"].text == "!ALPR_KEY_MONITOR_5"


def test_one_that_is_there_keeps_what_it_has(path: Path) -> None:
    path.write_text("# mine\n[other]\na=b\n[secrets]\nZM_PASSWORD=old\n# end\n")
    made = document(password="new", user="!ZM_PASSWORD")
    file = SecretsFile(str(path), {})
    file.take(made)
    assert file.text() == (
        "# mine\n[other]\na=b\n[secrets]\nZM_PASSWORD_2=new\nZM_PASSWORD=old\n# end\n"
    )
    assert made.sections["general"]["password"].text == "!ZM_PASSWORD_2"


def test_the_same_secret_needs_no_second_token(path: Path) -> None:
    path.write_text("[secrets]\nzm_password=p\n")
    made = document(password="p")
    file = SecretsFile(str(path), {})
    file.take(made)
    assert not file.is_new
    assert made.sections["general"]["password"].text == "!ZM_PASSWORD"


def test_a_file_without_the_section(path: Path) -> None:
    path.write_text("# nothing yet\n")
    file = SecretsFile(str(path), {})
    file.take(document(password="p"))
    assert file.text() == "# nothing yet\n\n[secrets]\nZM_PASSWORD=p\n"


def test_two_values_of_one_token(path: Path) -> None:
    """Such as those of the example that the installation put there."""
    path.write_text("[secrets]\nU=geheim\n")
    file = SecretsFile(str(path), {"u": "anders"})
    made = document(user="!U", ml_user="!U")
    file.take(made)
    assert file.text() == "[secrets]\nU_2=anders\nU=geheim\n"
    assert made.sections["general"]["user"].text == "!U_2"
    assert made.sections["remote"]["ml_user"].text == "!U_2"
    assert file.notes == [f"{path} has another U: the old one is U_2 there"]


def test_a_token_in_small_letters_is_the_same(path: Path) -> None:
    file = SecretsFile(str(path), {"zm_password": "p"})
    file.take(document(password="p", ml_password="!zm_password"))
    assert file.text() == "[secrets]\nZM_PASSWORD=p\n"


def test_tokens_that_lead_nowhere(path: Path) -> None:
    file = SecretsFile(str(path), {"long": "two\nlines"})
    file.take(document(user="!NONE", ml_user="!LONG"))
    assert file.notes == [
        f"!NONE is in no secrets file: add it to {path}",
        f"!LONG cannot be written to {path}: it has several lines",
    ]
    assert not file.is_new


def test_a_password_of_two_lines(path: Path) -> None:
    made = document(password="a\nb")
    SecretsFile(str(path), {}).take(made)
    assert made.lost[0][:2] == ("[general] password", "***")


def test_plain_passwords_that_stay() -> None:
    made = document(password="p", ml_password="a #b")
    (note,) = keep_plain(made)
    assert note.startswith("[general] password: a plain password")
    assert made.sections["general"]["password"].text == "p"
    assert "ml_password" not in made.sections["remote"]
    assert "# or ; begins a comment" in made.lost[0].why
