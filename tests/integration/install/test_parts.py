"""install.sh --with and --without: parts come and go, and what is in use stays."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def test_the_parts_are_those_of_the_package(checkout: Path, sourced):
    listed = sourced("known_extras").stdout.split()
    text = (checkout / "pyproject.toml").read_text("utf-8")
    extras = text.partition("[project.optional-dependencies]")[2].partition("[project.")[0]
    ours = {"all", "demo", "pictures", "test", "lint", "lock", "docs", "dev"}
    assert sorted(listed) == sorted({*re.findall(r"^([a-z-]+) =", extras, re.MULTILINE)} - ours)
    every = re.search(r"^all = .*zmhook\[(.*?)\]", extras, re.MULTILINE)
    assert every
    every_part = sourced("every_part").stdout.split()
    assert sorted(every_part) == sorted(every[1].split(","))


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ("", "", "zoneminder,yolo,face,cli"),
        ("", "--with alpr", "zoneminder,yolo,face,cli,alpr"),
        ("yolo,cli", "--with alpr,mqtt --with notify", "yolo,cli,alpr,mqtt,notify"),
        ("yolo,cli", "--with yolo", "yolo,cli"),
        ("yolo,face,cli", "--without face", "yolo,cli"),
        ("yolo,face", "--without all --with remote", "remote"),
        ("yolo,face", "--with yolo-gpu", "face,yolo-gpu"),
        ("yolo-gpu,face", "--with yolo,alpr", "yolo-gpu,face,alpr"),
        ("yolo-gpu,face", "--with alpr", "yolo-gpu,face,alpr"),
        ("yolo-gpu", "--without yolo-gpu --with yolo", "yolo"),
        (
            "yolo-gpu",
            "--with all",
            "yolo-gpu,zoneminder,fit,face,alpr,mqtt,gemini,notify,remote,serve,cli",
        ),
        ("all", "--without face", "zoneminder,yolo,fit,alpr,mqtt,gemini,notify,remote,serve,cli"),
    ],
)
def test_parts_are_added_and_removed(
    before: str, options: str, after: str, below, sourced, tmp_path: Path
):
    venv = below(tmp_path).venv
    venv.mkdir(parents=True)
    (venv / ".choices").write_text(f"{before}\n\n")
    done = sourced(f"parse --prefix {tmp_path} {options}; choose_parts; echo $EXTRAS")
    assert done.stderr == ""
    assert sorted(done.stdout.strip().split(",")) == sorted(after.split(","))


def test_parts_for_cameras_descriptions_and_messages_can_be_had(install, tmp_path: Path, user: str):
    parts = "zoneminder,yolo,face,cli,mqtt,gemini,notify"
    done = install(tmp_path, "--dry-run", "--user", user, "--with", parts)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"(parts: {parts})" in done.stdout


def test_a_model_in_use_is_not_removed(install, below, tmp_path: Path, user: str):
    etc = below(tmp_path).etc
    etc.mkdir(parents=True)
    (etc / "objectconfig.ini").write_text("[general]\nmodels = hog, yolo,face # mine\n")
    options = ["--dry-run", "--user", user]
    for part in ("yolo", "face"):
        done = install(tmp_path, *options, "--without", part)
        (line,) = done.stderr.splitlines()
        assert f"--without {part}: {etc}/objectconfig.ini uses it (models = hog" in line
    assert install(tmp_path, *options, "--without", "cli").returncode == 0
    swapped = install(tmp_path, *options, "--without", "yolo", "--with", "yolo-gpu")
    assert "(parts: zoneminder,face,cli,yolo-gpu)" in swapped.stdout


def test_an_engine_that_somebody_installed_stays(below, sourced, tmp_path: Path):
    site = below(tmp_path).venv / "lib/python3.11/site-packages"
    (site / "onnxruntime_gpu-1.20.0.dist-info").mkdir(parents=True)
    script = f"parse --prefix {tmp_path}; choose_parts; echo $EXTRAS $(other_engine)"
    assert sourced(script).stdout.split() == ["zoneminder,face,cli,yolo-gpu"]


def test_a_part_comes_and_goes_with_its_packages(install, installed):
    """The others stay as they are, the inference engine too."""
    site = installed.site
    engine = (site / "onnxruntime/__init__.py").stat().st_mtime_ns
    done = install(installed.prefix, "--yes", "--no-models", "--with", "mqtt")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "(parts: zoneminder,yolo,face,cli,mqtt)" in done.stdout
    assert (site / "paho").is_dir()
    done = install(installed.prefix, "--yes", "--no-models", "--without", "mqtt")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "(parts: zoneminder,yolo,face,cli)" in done.stdout
    assert not (site / "paho").exists()
    assert (site / "onnxruntime/__init__.py").stat().st_mtime_ns == engine
    assert "nothing was changed" in install(installed.prefix, "--yes", "--no-models").stdout


def test_this_machines_opencv_and_dlib_are_used_when_asked(install, below, tmp_path: Path):
    """The machine is played by the environment of these tests, which has both."""
    owner = pwd.getpwuid(os.geteuid()).pw_name
    options = ["--yes", "--no-models", "--without", "all", "--with", "remote"]
    options += ["--python", sys.executable, "--user", owner]
    done = install(tmp_path, *options, "--use-system", "opencv,dlib")
    assert (done.returncode, done.stderr) == (0, "")
    python = below(tmp_path).venv / "bin/python"
    script = "import cv2, dlib; cv2.HOGDescriptor(); print(cv2.__file__, dlib.__file__, sep='\\n')"
    asked = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    for path in asked.stdout.split():
        assert path.startswith(str(tmp_path))  # a link below the environment ...
        assert not Path(path).resolve().is_relative_to(tmp_path)  # ... that leads out of it

    again = install(tmp_path, *options)
    assert "nothing was changed" in again.stdout


def test_packages_that_the_machines_own_replace_are_not_installed(sourced):
    """Each part with its own: face would bring dlib, and all parts need OpenCV."""

    def names(system: str) -> set[str]:
        script = f"parse; USE_SYSTEM={system}; EXTRAS=face; names_of 'base face'"
        return set(sourced(script).stdout.split())

    replaced = {"dlib-bin", "opencv-contrib-python-headless"}
    assert replaced < names("")
    assert names("") - names("opencv,dlib") == replaced
    assert names("") - names("dlib") == {"dlib-bin"}
