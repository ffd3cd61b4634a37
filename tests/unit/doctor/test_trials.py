"""What is tried, and what it says. Brokers and other machines: tests/integration/test_doctor.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zmhook.doctor import trials as module
from zmhook.doctor.trials import Trial, run, trials
from zmhook.errors import DetectorError, Problem, SettingsError
from zmhook.settings import General, Notify, Secret, Settings, load


@pytest.fixture
def tried(tmp_path: Path) -> Callable[..., dict[str, tuple[bool, str]]]:
    """Try a configuration; return by name what worked and what was said."""

    def tried(text: str, *names: str) -> dict[str, tuple[bool, str]]:
        path = tmp_path / "o.ini"
        path.write_text(f"[general]\nbase_data_path = {tmp_path}/data\n{text}")
        config = load(path)
        found = [one for one in trials(config) if not names or one.name.startswith(names)]
        settings = [config.general, *config.monitors.values()]
        return {one.name: (one.works, one.message) for one in run(found, settings)}

    return tried


def names(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\nbase_data_path = {tmp_path}/data\n{text}")
    return [one.name for one in trials(load(path))]


def test_only_what_the_configuration_names(tmp_path: Path) -> None:
    data = f"data folder {tmp_path}/data"
    assert names(tmp_path, "models = hog\n") == [data, "model hog"]
    text = (
        "models = yolo,face\nportal = http://zm\n[mqtt]\nmqtt_host = b\n"
        "[notify]\nnotify_apprise = ntfy://a, json://b, k3y\n"
    )
    assert names(tmp_path, text) == [
        *(data, "portal", "broker", "model yolo", "model face", "known faces"),
        *("apprise 1 (ntfy://...)", "apprise 2 (json://...)", "apprise 3 (?://...)"),
    ]
    text = "models = yolo,gemini\n[remote]\nml_gateway = http://a,http://b\n"
    assert names(tmp_path, text) == [
        *(data, "gateway http://a", "gateway http://b", "model gemini")
    ]


def test_what_monitors_share_is_tried_once(tmp_path: Path) -> None:
    text = (
        "models = yolo\nportal = http://zm\n[monitor-3]\nweights = /other\n[monitor-4]\nwait = 1\n"
    )
    assert names(tmp_path, text)[1:] == ["portal", "model yolo", "model yolo (monitor 3)"]


def test_the_portal(tried, endpoint, tmp_path: Path) -> None:
    endpoint.answers = [
        (200, {}, json.dumps({"version": "1.36.33", "apiversion": "2.0"}).encode()),
        (500, {}, b"<title>Oops</title>"),
    ]
    text = f"models = hog\nportal = {endpoint.url}/zm\n"
    works, said = tried(text, "portal")["portal"]
    assert works
    assert said == f"{endpoint.url}/zm: ZoneMinder 1.36.33, without a login"
    works, said = tried(text, "portal")["portal"]
    assert not works
    assert "500" in said
    assert not (tmp_path / "data").exists()  # nothing is left behind


def test_a_login_is_tried_anew_and_no_password_shown(tried, endpoint) -> None:
    endpoint.answers = [(401, {}, b'{"success": false}')] * 3
    text = f"models = hog\nportal = {endpoint.url}/zm\nuser = ann\npassword = hunter22\n"
    works, said = tried(text, "portal")["portal"]
    assert not works
    assert endpoint.got[0].path.endswith("/api/host/login.json")
    assert "hunter22" not in said


def test_a_model_that_loads_and_one_that_does_not(tried, tmp_path: Path) -> None:
    found = tried(f"models = hog,yolo\n[yolo]\nweights = {tmp_path}/w.onnx\n", "model")
    assert found["model hog"] == (True, "loaded")
    works, said = found["model yolo"]
    assert not works
    assert said.startswith(f"[yolo] weights: {tmp_path}/w.onnx does not exist")


def test_a_model_that_takes_its_process_along(tried, monkeypatch) -> None:
    monkeypatch.setattr(module, "MODULE", "tests_no_such_module")
    works, said = tried("models = hog\n", "model")["model hog"]
    assert not works
    assert "tests_no_such_module" in said


def test_overrides_hold_for_models_too(tmp_path: Path) -> None:
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\nbase_data_path = {tmp_path}\nmodels = yolo\n")
    override = [f"yolo.weights={tmp_path}/x.onnx"]
    config = load(path, override)
    (trial,) = [one for one in trials(config, override) if one.name == "model yolo"]
    (outcome,) = run([trial], [])
    assert f"{tmp_path}/x.onnx does not exist" in outcome.message


def test_known_faces(tried, tmp_path: Path) -> None:
    from zmhook.detectors.face import store
    from zmhook.detectors.face.pictures import listed

    folder = tmp_path / "known"
    text = f"models = face\n[face]\nknown_images_path = {folder}\n"
    assert not tried(text, "known")["known faces"][0]
    for picture in ("ann/1.jpg", "ann/2.jpg", "bob/1.jpg", "bob/2.jpg"):
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        (folder / picture).write_bytes(b"x")
    rows = [
        store.FaceEntry(**{
            **{field: 0 if field in store._NUMBERS else "" for field in store.FaceEntry._fields},
            "path": path,
            "reason": "" if path.startswith("ann") else "no face",
            "encoding": np.zeros(128, np.float32) if path.startswith("ann") else None,
        })
        for path in listed(folder)
        if path != "bob/2.jpg"
    ]  # fmt: skip
    store.write(folder / store.FILE, rows)
    works, said = tried(text, "known")["known faces"]
    assert works
    assert said == (
        f"{folder}: 2 pictures of 1 people are known, 1 were rejected (zmhook train-faces says"
        " why), 1 are not trained yet"
    )


def test_a_data_folder_that_cannot_be_written_to(tried, tmp_path: Path) -> None:
    works, said = tried("models = hog\n", "data")[f"data folder {tmp_path}/data"]
    assert works
    assert "can be written to" in said


def test_apprise_sends_nothing(tried, endpoint) -> None:
    pytest.importorskip("apprise")
    text = f"models = hog\n[notify]\nnotify_apprise = json://{endpoint.place}, k3yk3yk3y\n"
    found = tried(text, "apprise")
    assert found["apprise 1 (json://...)"][0]
    works, said = found["apprise 2 (?://...)"]
    assert not works
    assert "k3yk3yk3y" not in said
    assert endpoint.got == []


# -- running trials ------------------------------------------------------------------------------

SECRETS = Settings(
    general=General(password=Secret("hunter22")),
    notify=Notify(notify_apprise=Secret("ntfy://topic-of-ours json://b")),
)


def outcomes(*trials: Trial, seconds: float = 60.0) -> dict[str, tuple[bool, str]]:
    return {one.name: (one.works, one.message) for one in run(trials, [SECRETS], seconds)}


def fails(error: Exception) -> Trial:
    def trial() -> str:
        raise error

    return Trial(type(error).__name__, trial)


def test_each_has_its_line() -> None:
    wrong = SettingsError(
        [Problem("a.ini", "yolo", "weights", "no"), Problem("a.ini", "", "b", "x")]
    )
    assert outcomes(
        Trial("good", lambda: "all is well"), fails(DetectorError("no file")), fails(wrong)
    ) == {
        "good": (True, "all is well"),
        "DetectorError": (False, "no file"),
        "SettingsError": (False, "a.ini: [yolo] weights: no; a.ini: b: x"),
    }


def test_what_breaks_hides_no_other() -> None:
    found = outcomes(fails(KeyError("x")), Trial("good", lambda: "yes"))
    assert found["good"] == (True, "yes")
    assert found["KeyError"] == (False, "internal error, please report it (KeyError: 'x')")


def test_no_secret_and_one_line() -> None:
    text = "user:hunter22@host\nntfy://topic-of-ours \x1b[31m"
    works, said = outcomes(Trial("a", lambda: text))["a"]
    assert works
    assert "hunter22" not in said
    assert "topic-of-ours" not in said
    assert said.isprintable()


def test_all_at_once_and_what_hangs_is_given_up() -> None:
    go, together = threading.Event(), threading.Barrier(2)

    def meets() -> str:
        together.wait(30)
        return "met"

    def hangs() -> str:
        go.wait(60)
        return ""

    trials = [Trial("a", meets), Trial("b", meets), Trial("c", hangs)]
    found = list(run(trials, [], 5.0))
    go.set()
    assert {one.name: one.message for one in found} == {
        "a": "met", "b": "met", "c": "took more than 5 s",
    }  # fmt: skip
    assert found[-1].name == "c"


def test_nothing_to_try() -> None:
    assert outcomes() == {}
