"""The service has networks fitted that pictures would have fitted: by a real process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.detectors.yolo.fitted_files import FittedFiles
from zmhook.service import fitter
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.fitter import Fitter

SIZE = (416, 256)


@pytest.fixture
def config(tmp_path: Path, model: Callable[[str], Path]) -> Path:
    pytest.importorskip("onnx")
    path = tmp_path / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = yolo\n"
        f"[yolo]\nweights = {model('yolox_nano_416.onnx')}\nyolo_fit = yes\n"
    )
    (tmp_path / "cache").mkdir()
    return path


def files(config: Path) -> FittedFiles:
    weights = ConfigWatch(str(config)).current().general.yolo.weights
    return FittedFiles(config.parent / "cache" / "fitted", Path(weights))


async def rounds(watched: ConfigWatch, number: int) -> None:
    """Let it look so many times."""
    looks = 0
    enough = asyncio.Event()

    def pause() -> float:
        nonlocal looks
        looks += 1
        if looks == number:
            enough.set()
        return 0

    task = asyncio.create_task(Fitter(watched, pause).run())
    await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_what_is_needed_is_made_and_told_of(config: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    needs = files(config)
    needs.need(SIZE)
    asyncio.run(rounds(ConfigWatch(str(config)), 1))
    assert needs.record is not None
    assert needs.fitted(needs.record, SIZE) is not None
    assert needs.needed() == []
    assert "for 416x256 a fitted network is made" in caplog.text


def test_each_is_tried_once(config: Path, monkeypatch: pytest.MonkeyPatch):
    tried = []

    async def fit(self: Fitter) -> None:
        tried.append(self)

    monkeypatch.setattr(Fitter, "_fit", fit)
    files(config).need(SIZE)
    asyncio.run(rounds(ConfigWatch(str(config)), 5))
    assert len(tried) == 1


def test_nothing_is_started_without_the_setting(config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fitter.asyncio, "create_subprocess_exec", None)
    files(config).need(SIZE)
    config.write_text(config.read_text().replace("yolo_fit = yes", "yolo_fit = no"))
    asyncio.run(rounds(ConfigWatch(str(config)), 2))
    assert files(config).needed() == [SIZE]


def test_a_process_that_cannot_start(config: Path, caplog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fitter.sys, "executable", str(config.parent / "no-python"))
    files(config).need(SIZE)
    asyncio.run(rounds(ConfigWatch(str(config)), 1))
    assert "no network is fitted" in caplog.text


def test_the_service_imports_no_model_for_it():
    import subprocess
    import sys

    text = (
        "import sys, zmhook.service.fitter;"
        "assert not {'numpy', 'cv2', 'onnx', 'onnxruntime'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
