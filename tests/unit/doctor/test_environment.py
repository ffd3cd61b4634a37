"""Packages that are missing, broken or of a version that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor import environment as module
from zmhook.doctor.environment import (
    checks,
    import_errors,
    misfits,
    needed_parts,
    package_of,
    read_imports,
)


def test_a_module_that_does_not_load(tmp_path: Path, monkeypatch):
    (tmp_path / "broken_one.py").write_text("raise RuntimeError('no luck')\n")
    (tmp_path / "crashes.py").write_text("import os, signal\nos.kill(os.getpid(), 11)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert import_errors(["json", "broken_one"]) == {"broken_one": "RuntimeError: no luck"}
    assert import_errors(["crashes", "json"]) == {"crashes": "it crashes (status -11)"}


def test_what_is_read_of_imports():
    assert read_imports("\0begin a\nhello\n\0begin b\n\0b ImportError: c\n\0end\n", 0) == {
        "b": "ImportError: c"
    }
    assert read_imports("\0begin a\n", module.TIMED_OUT) == {"a": module.LATE}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("models = hog\n", set()),
        ("models = yolo,alpr\nportal = http://zm\n", {"yolo", "alpr", "zoneminder"}),
        ("models = alpr,gemini\n[alpr]\nalpr_service = plate_recognizer\n", {"gemini"}),
        ("models = gemini\n[gemini]\ngemini_backend = openai\ngemini_url = http://a/v1\n", set()),
        (
            "models = hog\n[notify]\nnotify_mqtt = yes\nnotify_apprise = ntfy://a\n",
            {"mqtt", "notify"},
        ),
        ("models = yolo\n[yolo]\nweights = /a/b.weights\n", set()),
        ("models = yolo\n[yolo]\nyolo_engine = openvino\n", {"openvino"}),
        ("models = hog\n[remote]\nml_gateway = http://a\n", {"remote"}),
        ("models = hog\n[service]\nlisten = 127.0.0.1:5000\n", {"serve"}),
    ],
)
def test_what_settings_need(text: str, parts: set[str], patient):
    assert set(needed_parts(patient(text).settings)) == parts


def test_a_part_that_is_needed_and_not_there(patient, monkeypatch):
    monkeypatch.setattr(module, "_is_there", lambda name: name != "onnxruntime")
    monkeypatch.setattr(module, "import_errors", lambda _: {})
    parts, _ = checks(patient("models = yolo\n"))
    (bad, good) = parts.run()
    assert bad.text == "part yolo: onnxruntime is not installed, and the settings need it"
    assert bad.cure == "sudo ./install.sh --yes --with yolo"
    assert good.state == "ok"


def test_a_part_that_is_broken(patient, monkeypatch):
    monkeypatch.setattr(module, "import_errors", lambda _: {"cv2": "ImportError: libGL.so.1"})
    parts, _ = checks(patient())
    (bad,) = parts.run()
    assert "opencv-contrib-python-headless: cv2 cannot be imported: ImportError" in bad.text
    assert "install.sh" in bad.cure


def test_a_part_that_is_not_used_is_not_imported(patient, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "import_errors", lambda modules: asked.extend(modules) or {})
    parts, _ = checks(patient("models = yolo\n"))
    (finding,) = parts.run()
    assert finding.text.endswith("the parts in use load: yolo")
    assert "onnxruntime" in asked
    assert not {"dlib", "apprise", "google.genai", "paho.mqtt.client"} & {*asked}


def test_a_busy_machine_is_no_fault(patient, monkeypatch):
    monkeypatch.setattr(module, "import_errors", lambda _: {"cv2": module.LATE})
    parts, _ = checks(patient())
    (finding,) = parts.run()
    assert finding.state == "warning"
    assert "took longer than 45 s: this machine is busy" in finding.text


class Package:
    def __init__(self, name: str, version: str, *requires: str) -> None:
        from email.message import Message

        self.metadata = Message()
        self.metadata["Name"], self.metadata["Version"] = name, version
        for text in requires:
            self.metadata["Requires-Dist"] = text


@pytest.fixture
def installed(monkeypatch) -> Callable[..., None]:
    return lambda *packages: monkeypatch.setattr(module, "_all", lambda: iter(packages))


def test_versions_that_do_not_go_together(installed):
    installed(
        Package("a", "1", "B_c<2", "d>9; extra == 'x'", "e>1", "d>9; python_version < '3'"),
        Package("b-c", "2.5"),
        Package("d", "1"),
    )
    assert [*misfits()] == ["B_c 2.5 is installed, and a needs <2"]


def test_two_builds_of_opencv(installed, patient):
    installed(Package("opencv-python", "4"), Package("opencv-contrib-python-headless", "4"))
    _, versions = checks(patient())
    (bad,) = versions.run()
    assert "overwrite each other's files" in bad.text
    assert "pip uninstall opencv-contrib-python-headless opencv-python" in bad.cure


def test_many_that_are_broken_are_few_lines(patient, monkeypatch):
    errors = dict.fromkeys(("cv2", "numpy", "dlib", "PIL", "yaml"), "ImportError: x")
    monkeypatch.setattr(module, "import_errors", lambda _: errors)
    parts, _ = checks(patient())
    texts = [each.text for each in parts.run()]
    assert len(texts) == 4
    assert texts[-1] == "nor can these: pillow, pyyaml"


def test_packages_of_modules():
    assert package_of("paho.mqtt.client") == "paho-mqtt"
    assert package_of("numpy") == "numpy"
