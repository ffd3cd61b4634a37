"""What changed on disk is noticed, and what is broken changes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from zmhook.errors import SettingsError
from zmhook.service import config_watch
from zmhook.service.config_watch import CodeWatch, ConfigWatch, Fingerprint
from zmhook.settings import Face, General, Settings, Yolo


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_watch, "POLL_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "o.ini"
    path.write_text("[general]\ndetect_pattern = dog\n")
    return path


def pattern(config: ConfigWatch) -> str:
    return config.current().general.general.detect_pattern


def test_an_edit_is_read(path: Path) -> None:
    config = ConfigWatch(str(path))
    assert pattern(config) == "dog"
    path.write_text("[general]\ndetect_pattern = horse\n")

    assert pattern(config) == "horse"


def test_what_is_unchanged_is_not_read_again(path: Path) -> None:
    config = ConfigWatch(str(path))

    assert config.current() is config.current()


@pytest.mark.parametrize("broken", [b"[general]\nwait = soon\n", b"\0\xff", b"no section\n", None])
def test_a_broken_edit_keeps_the_last_good_one(path: Path, broken: bytes | None) -> None:
    config = ConfigWatch(str(path))
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)

    assert pattern(config) == "dog"
    assert str(path) in config.error
    path.write_text("[general]\ndetect_pattern = horse\n")
    assert pattern(config) == "horse"
    assert config.error == ""


@pytest.mark.parametrize("half", ["[general]\ndetect_pattern = hor", ""])
def test_what_is_half_written_is_not_taken_though_it_could_be(path: Path, half: str) -> None:
    config = ConfigWatch(str(path))
    path.write_text(half)
    assert (pattern(config), config.error) == ("dog", "")

    path.write_text("[general]\ndetect_pattern = horse\n")
    assert (pattern(config), config.error) == ("horse", "")


def test_a_file_that_stays_without_a_last_newline_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ConfigWatch(str(path))
    path.write_text("[general]\ndetect_pattern = horse")
    assert pattern(config) == "dog"
    monkeypatch.setattr(config_watch, "BEING_WRITTEN", 0.0)
    assert pattern(config) == "horse"


@pytest.fixture
def weights(path: Path) -> Path:
    weights = path.parent / "w.onnx"
    weights.write_bytes(b"weights")
    path.write_text(f"[general]\ndetect_pattern = dog\n[yolo]\nweights = {weights}\n")
    return weights


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("[general]\nmodels = yolo, nonsense\n", "there is no model 'nonsense'"),
        ("[yolo]\nweights = {folder}/missing.onnx\n", "missing.onnx does not exist"),
        ("[yolo]\nweights = {folder}\n", "is a directory"),
        ("[yolo]\nweights = {folder}/empty.onnx\n", "is empty"),
        ("[yolo]\nweights = {folder}/pipe.onnx\n", "is no file"),
        ("[yolo]\nlabels = {folder}/missing.txt\n", "missing.txt does not exist"),
        ("[yolo]\nweights = {folder}/w.weights\nconfig = {folder}/w.cfg\n", "w.cfg does not"),
        ("[yolo]\nyolo_type = tiny\n", "tiny_weights"),
        ("[monitor-3]\nmodels = yolo,nonsense\n", "there is no model 'nonsense'"),
        ("[monitor-3]\nweights = {folder}/missing.onnx\n", "missing.onnx does not exist"),
        (
            "[general]\nmodels = face\n[face]\nface_model = yunet\nface_yunet_model = /n\n",
            "/n does",
        ),
        ("[general]\nmodels = alpr\n[alpr]\nplate_ocr = /n\n", "/n does not exist"),
    ],
)
def test_a_model_that_is_not_there_is_refused(
    path: Path, weights: Path, caplog: pytest.LogCaptureFixture, edit: str, why: str
) -> None:
    config = ConfigWatch(str(path))
    (path.parent / "empty.onnx").touch()
    (path.parent / "w.weights").write_bytes(b"weights")
    os.mkfifo(path.parent / "pipe.onnx")
    more = "" if "weights" in edit else f"[yolo]\nweights = {weights}\n"
    if more and "[yolo]" in edit:
        edit, more = edit.replace("[yolo]", f"[yolo]\nweights = {weights}", 1), ""
    path.write_text(edit.format(folder=path.parent) + more)
    for _ in range(3):
        assert pattern(config) == "dog"
    assert why in config.error
    assert caplog.text.count("stays in force") == 1
    path.write_text(f"[general]\ndetect_pattern = cat\n[yolo]\nweights = {weights}\n")
    assert pattern(config) == "cat"
    assert config.error == ""


def test_it_is_taken_as_soon_as_the_model_is_there(path: Path, weights: Path) -> None:
    config = ConfigWatch(str(path))
    other = path.parent / "other.onnx"
    path.write_text(f"[general]\ndetect_pattern = cat\n[yolo]\nweights = {other}\n")
    assert pattern(config) == "dog"
    other.write_bytes(b"weights")
    assert pattern(config) == "cat"
    assert config.error == ""


def test_what_was_lacking_before_keeps_no_edit_from_being_in_force(path: Path) -> None:
    """At the start there is nothing better to stay with: status says what is lacking."""
    path.write_text("[general]\ndetect_pattern = dog\n[yolo]\nweights = /missing.onnx\n")
    config = ConfigWatch(str(path))
    assert "/missing.onnx does not exist" in config.lacking()[0]
    path.write_text("[general]\ndetect_pattern = cat\n[yolo]\nweights = /missing.onnx\n")
    assert pattern(config) == "cat"
    assert config.error == ""


def test_models_of_another_machine_need_no_files_here(path: Path, weights: Path) -> None:
    config = ConfigWatch(str(path))
    remote = "[remote]\nml_gateway = http://gpu.lan:5000\n"
    path.write_text(f"[general]\ndetect_pattern = cat\n[yolo]\nweights = /missing\n{remote}")
    assert pattern(config) == "cat"


def test_there_must_have_been_a_good_one(path: Path) -> None:
    path.write_text("[general]\nwait = soon\n")

    with pytest.raises(SettingsError):
        ConfigWatch(str(path))


@pytest.mark.parametrize("absolute", [True, False])
def test_the_secrets_are_watched_wherever_they_are(
    path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    monkeypatch.chdir("/")
    secrets = path.parent / "secrets.ini"
    secrets.write_text("[secrets]\nWORD = dog\n")
    secrets.chmod(0o600)
    named = secrets if absolute else secrets.name
    path.write_text(f"[general]\nsecrets = {named}\ndetect_pattern = !WORD\n")
    config = ConfigWatch(str(path))
    assert pattern(config) == "dog"

    secrets.write_text("[secrets]\nWORD = a horse\n")
    assert pattern(config) == "a horse"
    secrets.unlink()
    assert pattern(config) == "a horse"
    assert config.error


def test_secrets_that_are_named_later_are_watched_too(path: Path) -> None:
    config = ConfigWatch(str(path))
    secrets = path.parent / "secrets.ini"
    secrets.write_text("[secrets]\nWORD = cat\n")
    secrets.chmod(0o600)
    path.write_text("[general]\nsecrets = secrets.ini\ndetect_pattern = !WORD\n")
    assert pattern(config) == "cat"

    secrets.write_text("[secrets]\nWORD = kitten\n")
    assert pattern(config) == "kitten"


def test_an_edit_made_while_the_file_is_read_is_not_missed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ConfigWatch(str(path))
    path.write_text("[general]\ndetect_pattern = first edit\n")
    load = config_watch.load

    def slowly(name: str):
        read = load(name)
        path.write_text("[general]\ndetect_pattern = the second edit\n")
        return read

    monkeypatch.setattr(config_watch, "load", slowly)
    assert pattern(config) == "first edit"
    monkeypatch.setattr(config_watch, "load", load)
    assert pattern(config) == "the second edit"


def test_the_longest_deadline_is_that_of_any_monitor(path: Path) -> None:
    path.write_text("[general]\nevent_deadline = 5\n[monitor-3]\nevent_deadline = 70\n")

    assert ConfigWatch(str(path)).longest_deadline() == 70


def settings(tmp_path: Path, *models: str) -> Settings:
    return Settings(
        general=General(models=models or ("yolo",)),
        yolo=Yolo(weights=f"{tmp_path}/w.onnx", config="", labels=f"{tmp_path}/l.names"),
        face=Face(known_images_path=f"{tmp_path}/known"),
    )


@pytest.mark.parametrize("name", ["w.onnx", "l.names"])
def test_the_stamp_changes_with_the_model_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "w.onnx").write_bytes(b"weights")
    fingerprint = Fingerprint()
    before = fingerprint.of(settings(tmp_path))
    assert fingerprint.of(settings(tmp_path)) == before

    (tmp_path / name).write_bytes(b"other weights")

    assert fingerprint.of(settings(tmp_path)) != before


def test_the_stamp_changes_with_the_known_faces(tmp_path: Path) -> None:
    person = tmp_path / "known" / "Ann"
    person.mkdir(parents=True)
    fingerprint = Fingerprint()
    with_faces = settings(tmp_path, "yolo", "face")
    seen = {fingerprint.of(with_faces)}

    (person / "1.jpg").write_bytes(b"a face")
    seen.add(fingerprint.of(with_faces))
    (person / "1.jpg").write_bytes(b"another face")
    seen.add(fingerprint.of(with_faces))
    (tmp_path / "known" / "Bob").mkdir()
    seen.add(fingerprint.of(with_faces))
    (person / "1.jpg").unlink()
    seen.add(fingerprint.of(with_faces))

    assert len(seen) == 5


def test_faces_matter_only_where_they_are_looked_for(tmp_path: Path) -> None:
    fingerprint = Fingerprint()
    before = fingerprint.of(settings(tmp_path, "yolo"))
    (tmp_path / "known").mkdir()

    assert fingerprint.of(settings(tmp_path, "yolo")) == before


def test_files_are_looked_at_for_every_event_and_folders_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_watch, "POLL_SECONDS", 3600.0)
    (tmp_path / "known" / "anna").mkdir(parents=True)
    fingerprint = Fingerprint()
    before = fingerprint.of(settings(tmp_path))
    (tmp_path / "known" / "anna" / "1.jpg").write_bytes(b"new")
    assert fingerprint.of(settings(tmp_path)) == before

    (tmp_path / "w.onnx").write_bytes(b"weights")
    assert fingerprint.of(settings(tmp_path)) != before


def test_a_replaced_package_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "zmhook"
    (package / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/a.py"):
        (package / name).write_text("x = 1\n")
    monkeypatch.setattr(
        config_watch, "zmhook", SimpleNamespace(__file__=str(package / "__init__.py"))
    )
    code = CodeWatch()
    assert not code.has_changed()
    (package / "data.txt").write_text("no code")
    assert not code.has_changed()

    os.utime(package / "cli/a.py", ns=(1, 1))

    assert code.has_changed()


def test_our_own_package_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(CodeWatch()._states) > 50
