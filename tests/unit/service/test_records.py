"""A worker's lines stand in the log of its monitor, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.service.live import LiveConfig
from zmhook.service.records import Records
from zmhook.service.wire import Record


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    logger = logging.getLogger("zmhook")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture
def config(tmp_path: Path) -> LiveConfig:
    path = tmp_path / "o.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
        "password = correct-horse\n"
    )
    return LiveConfig(str(path))


def test_a_line_goes_to_its_monitor(config: LiveConfig, tmp_path: Path) -> None:
    with Records(config) as records:
        records(Record(logging.INFO, "for seven", "/x/model.py", 42), 7)
        records(Record(logging.WARNING, "for nobody: 100% {}", "/x/model.py", 43), None)
        records(Record(logging.DEBUG, "not this", "/x/model.py", 44), 7)

    seven = (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
    nobody = (tmp_path / "logs" / "zmesdetect.log").read_text()
    assert "INFO model:42 for seven" in seven
    assert "WARNING model:43 for nobody: 100% {}" in nobody
    assert "not this" not in seven + nobody


def test_secrets_are_masked(config: LiveConfig, tmp_path: Path) -> None:
    with Records(config) as records:
        records(Record(logging.ERROR, "login with correct-horse failed", "/x/a.py", 1), 7)

    text = (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
    assert "login with *** failed" in text


def test_secrets_that_are_edited_and_those_of_a_monitor_are_masked_too(
    config: LiveConfig, tmp_path: Path
) -> None:
    with Records(config) as records:
        text = Path(config.path).read_text().replace("correct-horse", "battery-staple")
        Path(config.path).write_text(f"{text}[monitor-7]\nbasic_password = tr0ub4dor\n")
        config.current()
        records(Record(logging.ERROR, "battery-staple or tr0ub4dor failed", "/x/a.py", 1), 7)

    assert "*** or *** failed" in (tmp_path / "logs" / "zmesdetect_m7.log").read_text()


def test_debug_shows_everything(config: LiveConfig, tmp_path: Path) -> None:
    with Records(config, debug=True) as records:
        records(Record(logging.DEBUG, "even this", "/x/a.py", 1), 7)

    assert "even this" in (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
