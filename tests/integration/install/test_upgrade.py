"""install.sh where zmhook is installed already: what it mends, and what it leaves alone."""

from __future__ import annotations

import os
import pwd
import stat

import pytest

pytestmark = pytest.mark.integration


def test_a_wrong_mode_is_repaired(offline, least):
    secrets, images = least.etc / "secrets.ini", least.base / "images"
    secrets.chmod(0o666)
    images.chmod(0o700)
    done = offline(least.prefix)
    assert f"set mode 750 on {images}" in done.stdout
    assert f"set mode 640 on {secrets}" in done.stdout
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o640
    assert stat.S_IMODE(images.stat().st_mode) == 0o750


def test_missing_model_files_are_told_and_do_not_stop_it(install, least):
    """Without a network; with one the files of the default chain would be fetched here."""
    done = install(least.prefix, "--yes", https_proxy="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "yolox_s.onnx cannot be fetched" in done.stderr
    assert "Note: model files are missing (see above). Set models = hog" in done.stdout
    assert f"{least.command} models get yolox_s\n" in done.stdout
    assert list((least.base / "models").rglob("*.onnx")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_a_folder_that_was_given_to_the_web_server_is_taken_back(
    offline, install, spare, as_user, user: str
):
    """Installers of other hooks end with chown -R over the whole base folder."""
    account = pwd.getpwnam(user)
    folders = {path.name for path in spare.base.iterdir() if path.owner() == user}
    for path in (spare.base, *spare.base.rglob("*")):
        os.lchown(path, account.pw_uid, account.pw_gid)
    done = offline(spare.prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"remove the environment {spare.venv}, which others could have changed" in done.stdout
    assert "(parts: remote)" in done.stdout
    assert "Note: the environment was rebuilt" in done.stdout
    programs = [spare.base, spare.base / "bin", spare.venv]
    programs += [*(spare.base / "bin").iterdir(), *spare.venv.rglob("*")]
    assert {path.lstat().st_uid for path in programs} == {0}
    assert {path.name for path in spare.base.iterdir() if path.owner() == user} == folders
    assert {"images", "known_faces", "models", "state"} <= folders
    assert as_user([spare.command, "--version"]).stdout.startswith("zmhook ")
    assert "nothing was changed" in install(spare.prefix, "--yes", "--no-models").stdout


def test_your_configuration_stays_and_the_new_one_lies_beside_it(offline, least):
    config, secrets = least.etc / "objectconfig.ini", least.etc / "secrets.ini"
    sample = config.read_bytes()
    config.write_bytes(b"[general]\nmodels = hog\n")
    secrets.write_bytes(b"[secrets]\nZM_USER = me\n")
    done = offline(least.prefix)
    assert f"{config} is yours and was left alone; the one of this version is" in done.stdout
    assert config.read_bytes() == b"[general]\nmodels = hog\n"
    assert secrets.read_bytes() == b"[secrets]\nZM_USER = me\n"
    assert (least.etc / "objectconfig.ini.new").read_bytes() == sample
    assert "nothing was changed" in offline(least.prefix).stdout
