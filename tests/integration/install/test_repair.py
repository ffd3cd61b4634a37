"""A damaged environment: what hooks say, and how install.sh mends it."""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.integration


def damages(installed, damage) -> dict[str, AbstractContextManager[None]]:
    site, python = installed.site, installed.venv / "bin/python"
    library = next((site / "msgspec").glob("_core*.so"))
    return {
        "numpy gone": damage.away(site / "numpy"),
        "cv2 gone": damage.away(site / "cv2"),
        "msgspec by half": damage.half_written(site / "msgspec/__init__.py"),
        "msgspec of zeros": damage.half_written(site / "msgspec/__init__.py", bytes(3000)),
        "numpy by half": damage.half_written(site / "numpy/__init__.py"),
        "a library by half": damage.half_written(library, b"\x7fELF"),
        "our package gone": damage.away(site / "zmhook"),
        "our package by half": damage.half_written(site / "zmhook/cli/detect.py"),
        "Python gone": damage.away(python),
        "Python an empty file": damage.half_written(python, b""),
        "Python of zeros": damage.half_written(python, bytes(5000)),
        "Python's target gone": damage.dangling(python),
    }


def test_a_damaged_environment_is_2_and_one_line(installed, as_user, damage, photo, public: Path):
    event = public / "damaged"
    event.mkdir(mode=0o755)
    config = event / "objectconfig.ini"
    config.write_text(
        f"[general]\nbase_data_path = {installed.base}\nmodels = hog\n"
        f"base_zm_conf_path = {event}\nwrite_image_to_zm = no\n[service]\nuse_service = no\n"
    )
    (event / "snapshot.jpg").write_bytes(photo("person.jpg").read_bytes())
    binaries, more = installed.base / "bin", {"ZMHOOK_CONFIG": str(config)}
    asked = ["-e", "1", "-m", "1", "-p", event]
    commands: list[list[str | Path]] = [
        [installed.command, "detect", *asked],
        [binaries / "zm_detect.py", *asked],
        [binaries / "zm_event_start.sh", "1", "1", "", "", event],
    ]
    for what, happens in damages(installed, damage).items():
        with happens:
            for command in commands:
                done = as_user(command, **more)
                assert (done.returncode, done.stdout) == (2, ""), (what, command, done)
                (line,) = done.stderr.splitlines()
                assert "run install.sh again" in line, (what, command)
                assert ("on_failure not read" in line) == what.startswith("Python"), what
    alarm = event / "alarm.ini"
    alarm.write_text(config.read_text().replace("[general]", "[general]\non_failure = alarm", 1))
    for name in ("numpy", "cv2"):
        with damage.away(installed.site / name):
            done = as_user(commands[2], ZMHOOK_CONFIG=str(alarm))
            assert done.returncode == 0, done.stderr
            assert "detected:nothing could be decided (the installation is damaged" in done.stdout


@pytest.mark.parametrize("what", ["files", "python", "pip"])
def test_a_damaged_environment_is_repaired(what: str, install, offline, no_network, spare, as_user):
    """numpy and others at once, as a bad disk would have it."""
    site = spare.site
    if what == "files":
        shutil.rmtree(site / "numpy")
        shutil.rmtree(site / "zmhook")
        (site / "msgspec/__init__.py").write_bytes(bytes(1000))
        (next(site.glob("regex-*")) / "RECORD").unlink()
        done = offline(spare.prefix)
        assert "(damaged: msgspec numpy regex zmhook)" in done.stdout
    else:  # Python and pip are on the machine: no packages are needed
        if what == "python":
            (spare.venv / "bin/python").unlink()
        else:
            shutil.rmtree(site / "pip/_vendor")
        done = install(spare.prefix, "--yes", "--no-models", **no_network)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"repair the Python packages in {spare.venv} (damaged: " in done.stdout
    assert "Done: 1 change." in done.stdout
    assert "nothing was changed" in offline(spare.prefix).stdout
    assert as_user([spare.command, "--version"]).stdout.startswith("zmhook ")


def test_damage_is_told_without_a_network_and_nothing_more_is_lost(
    install, offline, no_network, spare
):
    """The package comes back once there is a place to have it from."""
    before = {path.name for path in spare.site.iterdir()}
    shutil.rmtree(spare.site / "prometheus_client")
    options = ("--yes", "--no-models")
    done = install(spare.prefix, *options, PIP_NO_CACHE_DIR="1", **no_network)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "no network?" in line
    assert before - {"prometheus_client"} <= {path.name for path in spare.site.iterdir()}
    done = offline(spare.prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert (spare.site / "prometheus_client/__init__.py").exists()


def guide_blocks(root: Path, language: str) -> list[str]:
    """Return the code of that language that docs/models.md shows."""
    text = (root / "docs/models.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def plugin(root: Path, public: Path) -> Path:
    """The detector that the guide shows, with a picture for it."""
    folder = public / "brightness"
    folder.mkdir(mode=0o755)
    (folder / "brightness.py").write_text(guide_blocks(root, "python")[0])
    (folder / "pyproject.toml").write_text(guide_blocks(root, "toml")[0])
    cv2.imwrite(str(folder / "bright.png"), np.full((48, 64, 3), 200, np.uint8))
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def test_repair_builds_all_of_it_anew_and_plug_ins_too(offline, spare, as_user, plugin: Path):
    """A plug-in that the user has named outlives the environment that it was installed in."""
    file, config = spare.etc / "zmhook-plugins.txt", spare.etc / "objectconfig.ini"
    file.write_text(f"# my own\n{plugin}   # the guide's\n")
    file.chmod(0o644)
    what = f"install the plug-ins that {file} names"

    def detected() -> str:
        command = [spare.base / "bin/zmhook", "detect", "--file", plugin / "bright.png"]
        for setting in ("general.models=brightness", "general.detect_pattern=.*"):
            command += ["-O", setting]
        done = as_user(command, ZMHOOK_CONFIG=str(config))
        return done.stdout + done.stderr

    first = offline(spare.prefix)
    assert (first.returncode, first.stderr, first.stdout.count(what)) == (0, "", 1), first.stdout
    assert "detected:daylight" in detected()
    assert "nothing was changed" in offline(spare.prefix).stdout
    config.write_text(re.sub(r"(?m)^models = .*$", "models = brightness", config.read_text()))

    stray, library = spare.site / "stray.py", next((spare.site / "cv2").glob("cv2*.so"))
    stray.touch()
    shutil.rmtree(spare.site / "numpy")
    library.write_bytes(library.read_bytes()[: 1 << 20])
    done = offline(spare.prefix, "--repair")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"build the Python environment {spare.venv} anew (parts: remote)" in done.stdout
    assert what in done.stdout
    assert re.search(r"It took \d+ s: .*packages \d+ s", done.stdout)
    assert not stray.exists()
    assert "detected:daylight" in detected()
    assert "nothing was changed" in offline(spare.prefix).stdout
