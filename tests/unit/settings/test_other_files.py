"""Files that are none of ours, or older: what is taken, and what is told about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.settings import inifile, load, load_without_secrets, loader

YAML = "general:\n  base_data_path: /x\n"
MIGRATE = "zmhook config migrate makes an objectconfig.ini of it"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("objectconfig.yml", YAML),
        ("objectconfig.YAML", "general: {wait: 1}\n"),
        ("objectconfig.ini", YAML),
        ("objectconfig.ini", f"---\n{YAML}"),
        ("objectconfig.ini", f"# of Ng\n\n   # and\n{YAML}"),
        ("objectconfig.ini", f"%YAML 1.2\n---\n{YAML}"),
        ("objectconfig.ini", f"# of Ng\n%YAML 1.2\n# and\n---\n{YAML}"),
        ("objectconfig.ini", f"%TAG ! tag:x,2000:\n---\n{YAML}"),
        ("objectconfig.ini", "\ufeff---\r\nmodels: []\r\n"),
        ("objectconfig", "base_data_path: /x\nmodels:\n  - name: x\n"),
        ("objectconfig.conf", "'models' :\n- name: x\n"),
        ("objectconfig", "{models: [{name: x}]}\n"),
        ("objectconfig", "my models: [a=b]\n"),
    ],
)
def test_yaml_is_told_as_such(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / name)
    told = [str(problem) for problem in caught.value.problems]
    assert told == [f"{tmp_path / name}: is YAML, as Ng has it: {MIGRATE}"]


@pytest.mark.parametrize(
    "text",
    [
        "user = anna\n[general]\n",
        "base_data_path: /x\n[general]\nportal = x\n",
        "---\n[general]\nportal = x\n",
        "a: 1\nportal = x\n",
        "http://x\n",
        "anna\n",
    ],
)
def test_an_ini_file_that_is_wrong_is_no_yaml(problems, text: str) -> None:
    (told,) = problems(text)
    assert told == (
        "objectconfig.ini: cannot be read: line 1: there is text before the first [section]"
    )


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load(tmp_path / "objectconfig.yml")


@pytest.mark.parametrize(
    "text",
    [
        "[object]\nobject_detection_pattern = .*\n",
        "[ml]\nuse_sequence = yes\n",
        "[general]\nstream_sequence = {}\n",
    ],
)
def test_version_6_names_the_way(problems, text: str) -> None:
    assert problems(text)[0] == f"objectconfig.ini: is of version 6: {MIGRATE}"


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("alpr", "alpr_pattern"),
        ("face", "face_detection_pattern"),
        ("yolo", "detect_pattern"),
        ("hog", "detect_pattern"),
    ],
)
def test_version_5_has_patterns_beside_the_models(read, section: str, key: str) -> None:
    config = read(f"[{section}]\n{key} = abc\n")
    assert getattr(config.general.general, key) == "abc"
    assert config.warnings == []


def test_a_pattern_of_another_model_is_in_the_wrong_place(problems) -> None:
    assert problems("[face]\nalpr_pattern = abc\n") == [
        "objectconfig.ini: [face] alpr_pattern: belongs in [general]"
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[general]\npassword = geheim\n", "[general] password"),
        ("[monitor-3]\nalpr_key = geheim\n", "[monitor-3] alpr_key"),
        ("[ml]\nml_password = geheim\n", "[ml] ml_password"),
    ],
)
def test_a_password_that_everybody_may_read(write, text: str, names: str) -> None:
    path = write(text)
    path.chmod(0o644)
    (warning,) = load(path).warnings
    assert warning == (
        f"{path}: every user of this machine can read it, and it holds {names}: chmod o-r, or "
        "write !TOKEN and the value into the secrets file"
    )
    path.chmod(0o640)
    assert load(path).warnings == []


def test_tokens_and_overrides_are_no_passwords_of_the_file(write) -> None:
    path = write(
        "[general]\nsecrets = secrets.ini\npassword = !A\n", secrets="[secrets]\nA = geheim\n"
    )
    path.chmod(0o644)
    assert load(path, ["alpr.alpr_key=geheim"]).warnings == []


def test_secrets_stand_in_a_file_of_their_own(problems) -> None:
    (told,) = problems("[secrets]\nA = geheim\n")
    what = "secrets stand in a file of their own, which [general] secrets names"
    assert told == f"objectconfig.ini: [secrets]: {what}"


# -- what this account may not read ------------------------------------------------------------


@pytest.fixture
def denied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A configuration whose secrets file is for others; root may read everything."""
    (tmp_path / "objectconfig.ini").write_text(
        "[general]\nsecrets = secrets.ini\nuser = !A\npassword = !B\nmodels = hog\n"
    )
    (tmp_path / "secrets.ini").write_text("[secrets]\nA = anna\nB = geheim\n")
    real = inifile.text_of

    def text_of(path: str) -> str:
        if path.endswith("secrets.ini"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(inifile, "text_of", text_of)
    monkeypatch.setattr(inifile, "is_denied", lambda path: path.endswith("secrets.ini"))
    return tmp_path / "objectconfig.ini"


def test_secrets_for_others_are_left_out_where_none_is_needed(denied: Path) -> None:
    general = load_without_secrets(str(denied)).general.general
    assert general.models == ("hog",)
    assert (general.user, general.password.reveal()) == ("", "")


def test_secrets_for_others_are_an_error_where_they_are_needed(denied: Path) -> None:
    with pytest.raises(SettingsError, match=r"secrets\.ini: cannot be read: Permission denied"):
        load(denied)


def test_damaged_secrets_are_an_error_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "secrets.ini").write_bytes(b"\xff\n")
    config = tmp_path / "objectconfig.ini"
    config.write_text("[general]\nsecrets = secrets.ini\n")
    with pytest.raises(SettingsError, match="line 1 is not UTF-8 text"):
        load_without_secrets(str(config))


@pytest.mark.parametrize("there", [True, False], ids=["denied", "missing"])
def test_without_a_configuration_for_us_the_defaults_hold(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "objectconfig.ini"
    if there:
        usual.write_text("[general]\nmodels = hog\n")
    monkeypatch.setattr(loader, "CONFIG", str(usual))
    monkeypatch.setattr(inifile, "may_be_read", lambda _: False)
    config = load_without_secrets(str(usual), ["general.wait=3"])
    why = "you may not read it" if there else "there is no such file"
    assert config.warnings == [f"{usual}: {why}, so the default settings are used"]
    assert config.general.general.wait == 3


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_without_secrets(str(tmp_path / "mine.ini"))


def test_whether_a_file_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ini").touch()
    assert not inifile.is_denied(str(tmp_path / "a.ini"))
    assert not inifile.is_denied(str(tmp_path / "none.ini"))
    monkeypatch.setattr(inifile, "may_be_read", lambda _: False)
    assert inifile.is_denied(str(tmp_path / "a.ini"))
