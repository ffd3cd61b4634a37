from __future__ import annotations

from itertools import pairwise

import pytest

from zmhook.settings.expand import CannotExpand, Expander, Secrets
from zmhook.settings.keys import built_in
from zmhook.settings.layers import RawValue


def expand(text: str, **entries: str) -> str:
    given = {name: RawValue("f", "general", name, value) for name, value in entries.items()}
    return Expander(given, Secrets(), built_in()).value("image_path", text)


def test_other_keys_are_put_in() -> None:
    assert expand("{{log_path}}/{{ WAIT }}", base_data_path="/d", wait="3") == "/d/logs/3"


def test_defaults_are_put_in_as_they_would_be_written() -> None:
    assert expand("{{resize}} {{show_percent}} {{poly_color}} {{models}} {{portal}}.") == (
        "no yes (127,140,141) yolo ."
    )


def test_alias() -> None:
    assert expand("{{model}}", models="face") == "face"


@pytest.mark.parametrize("text", ["a {b} c", "{{}}", "{{ }}", "50% {{a b}}", "x!Y"])
def test_not_a_reference(text: str) -> None:
    assert expand(text) == text


@pytest.mark.parametrize(
    ("text", "entries", "message"),
    [
        ("{{wat}}", {}, "{{wat}} names no key; did you mean 'wait'?"),
        ("{{password}}", {}, "{{password}} is a secret, which no other value may hold"),
        ("{{image_path}}", {}, "leads back to itself: image_path → image_path"),
        (
            "{{log_path}}",
            {"log_path": "{{portal}}", "portal": "{{log_path}}"},
            "leads back to itself: image_path → log_path → portal → log_path",
        ),
        ("!TOKEN", {}, "!TOKEN needs a secrets file: set [general] secrets"),
    ],
)
def test_leads_nowhere(text: str, entries: dict[str, str], message: str) -> None:
    with pytest.raises(CannotExpand) as caught:
        expand(text, **entries)
    assert message in str(caught.value)


def test_values_that_double_each_other_are_bounded() -> None:
    names = ["portal", "user", "log_path", "weights", "labels", "config", "secrets", "basic_user"]
    entries = {name: ("{{" + after + "}}") * 100 for name, after in pairwise(names)}
    entries["basic_user"] = "x" * 100
    with pytest.raises(CannotExpand, match="longer than"):
        expand("{{portal}}", **entries)


# -- the secrets file --------------------------------------------------------------------------

BEGIN = "[general]\nsecrets = secrets.ini\n"


def test_tokens_are_looked_up_whatever_their_case(read) -> None:
    general = read(
        f"{BEGIN}user = !ZM_USER\npassword = !zm_password\n",
        secrets="[secrets]\nzm_user = bob # x\nZM_PASSWORD=#p{{wait}}%!=: !\"'ö\n",
    ).general.general
    assert general.user == "bob # x"
    assert general.password.reveal() == "#p{{wait}}%!=: !\"'ö"


def test_path_of_the_secrets_may_have_variables(read, tmp_path) -> None:
    text = (
        f"[general]\nbase_data_path={tmp_path}\nsecrets={{{{base_data_path}}}}/secrets.ini\nuser=!U"
    )
    assert read(text, secrets="[secrets]\nU=bob\n").general.general.user == "bob"


def test_unknown_token(problems) -> None:
    (found,) = problems(f"{BEGIN}user=!ZM_USR\n", secrets="[secrets]\nZM_USER=bob\n")
    assert found == (
        "objectconfig.ini: [general] user: '!ZM_USR': !ZM_USR is not in [secrets] of secrets.ini"
    )


def test_missing_file_is_told_once(problems) -> None:
    found = problems(f"{BEGIN}user=!ZM_USER\npassword=!ZM_PASSWORD\n")
    assert found == ["secrets.ini: cannot be read: No such file or directory"]


def test_missing_file_matters_without_a_token_too(problems) -> None:
    assert problems(BEGIN) == ["secrets.ini: cannot be read: No such file or directory"]


def test_wrong_file(problems) -> None:
    found = problems(BEGIN, secrets="[secrets]\nZM_PASSWORD hunter2\n")
    assert found == [
        "secrets.ini: cannot be read: line 2: neither a section, a key = value nor a comment"
    ]


def test_wrong_path(problems) -> None:
    (found,) = problems("[general]\nsecrets={{secrets}}\n")
    assert "leads back to itself" in found


def test_file_that_everybody_reads(read, write) -> None:
    path = write(BEGIN, "[secrets]\nA=b # c\n")
    path.with_name("secrets.ini").chmod(0o644)
    from zmhook.settings import load

    first, second = load(path).warnings
    assert first.endswith("secrets.ini: [secrets] a: # and what follows is part of the value here")
    assert second.endswith("secrets.ini: every user of this machine can read it: chmod o-r")
