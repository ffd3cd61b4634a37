from __future__ import annotations

import importlib.util
import subprocess
import sys

import dlib
import pytest

from zmhook.detectors.face import dlib_parts
from zmhook.detectors.face.dlib_parts import CNN, ENCODER, LANDMARKS
from zmhook.errors import DetectorError, MissingPart, ModelFileError


def test_the_model_files_are_found():
    for name in (LANDMARKS, ENCODER, CNN):
        assert dlib_parts.model_file(name).stat().st_size > 500_000


def test_neither_face_recognition_nor_its_models_package_is_imported(root, yunet):
    code = (
        "import sys\n"
        "from zmhook.detectors.face.encoding import Encoder\n"
        "from zmhook.detectors.face.finders import make_finder\n"
        "from zmhook.settings import Face\n"
        "Encoder(); make_finder('cnn', Face()); make_finder('hog', Face())\n"
        "print(sorted(m for m in sys.modules if 'face_recognition' in m or 'pkg_res' in m))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root / "hook")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_missing_dlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingPart, match=r"face needs .* dlib, .*\.\[face\]") as raised:
        dlib_parts.load_dlib()
    assert raised.value.extra == "face"


def test_a_dlib_that_cannot_be_loaded_is_not_called_missing(monkeypatch):
    def broken(name):
        raise ImportError("libcudnn.so.9: cannot open shared object file")

    monkeypatch.setattr(dlib_parts.importlib, "import_module", broken)
    with pytest.raises(DetectorError, match="dlib cannot be loaded: libcudnn") as raised:
        dlib_parts.load_dlib()
    assert not isinstance(raised.value, MissingPart)


def test_a_missing_models_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="face_recognition_models"):
        dlib_parts.model_file(ENCODER)


def test_a_missing_model_file_is_named():
    with pytest.raises(ModelFileError, match=r"models/nothing\.dat is missing"):
        dlib_parts.model_file("nothing.dat")


@pytest.mark.parametrize("size", [0, 1000, 500_000])
def test_a_cut_model_file_is_told_in_one_line(tmp_path, monkeypatch, size):
    cut = tmp_path / ENCODER
    cut.write_bytes(dlib_parts.model_file(ENCODER).read_bytes()[:size])
    monkeypatch.setattr(dlib_parts, "model_file", lambda name: cut)
    with pytest.raises(ModelFileError, match=str(cut)) as raised:
        dlib_parts.load_model(dlib.face_recognition_model_v1, ENCODER)
    assert "\n" not in str(raised.value)


def test_what_dlib_raises_becomes_one_line():
    with pytest.raises(DetectorError) as raised, dlib_parts.native("encoding"):
        raise RuntimeError("\nout of memory,\n   code 2\n")
    assert str(raised.value) == "face: encoding failed: out of memory, code 2"
