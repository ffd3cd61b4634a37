"""Where the log goes."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

import pytest
from msgspec import structs

from zmhook import logs
from zmhook.settings import Secret, Settings
from zmhook.settings.keys import keys

log = logging.getLogger("zmhook.test")

SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def settings(folder: Path, **general: object) -> Settings:
    base = Settings()
    given = {"base_zm_conf_path": str(folder / "zm"), "log_path": str(folder / "logs"), **general}
    return structs.replace(base, general=structs.replace(base.general, **given))


def test_the_component_names_the_monitor() -> None:
    assert logs.component(5) == "zmesdetect_m5"
    assert logs.component(None) == "zmesdetect"


def test_without_zoneminder_a_file_per_monitor(tmp_path: Path) -> None:
    to = logs.Logs(settings(tmp_path), 5)
    log.info("hello %s", "there")
    log.debug("not this")
    to.close()

    text = (tmp_path / "logs" / "zmesdetect_m5.log").read_text()
    assert "INFO test_logs:" in text
    assert "hello there" in text
    assert "not this" not in text


def test_a_full_file_is_put_aside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 10)
    for number in range(6):
        to = logs.Logs(settings(tmp_path), None)
        log.info("event %d", number)
        to.close()

    kept = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert kept == ["zmesdetect.log", *(f"zmesdetect.log.{n}" for n in (1, 2, 3))]
    assert "event 5" in (tmp_path / "logs" / "zmesdetect.log").read_text()


def test_debug_writes_everything(tmp_path: Path) -> None:
    to = logs.Logs(settings(tmp_path), None, debug=True)
    log.debug("details")
    to.close()

    assert "details" in (tmp_path / "logs" / "zmesdetect.log").read_text()


def test_a_secret_is_masked_everywhere(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path, password=Secret("s3cr%t word")), None)
    log.error("login with %s failed", "s3cr%t word")
    to.close()

    assert "login with *** failed" in (tmp_path / "logs" / "zmesdetect.log").read_text()
    err = capsys.readouterr().err
    assert "***" in err
    assert "s3cr%t" not in err


def test_a_secret_is_masked_in_other_forms(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path, password=Secret("s3cr%t word")), None)
    log.error("sent to pass=s3cr%%25t+word, Basic %s", "YWRtaW46czNjciV0IHdvcmQ=")
    to.close()

    assert capsys.readouterr().err == "zmhook: ERROR: sent to pass=***, Basic ***\n"


def test_the_secrets_of_every_section_are_masked(tmp_path: Path) -> None:
    own = settings(tmp_path)
    secrets = [key for key in keys().values() if key.is_secret]
    for number, key in enumerate(secrets):
        section = structs.replace(
            getattr(own, key.section),
            **{key.name: Secret(f"hunter{number:03} ntfy://k{number:03}")},
        )
        own = structs.replace(own, **{key.section: section})
    to = logs.Logs(own, None)
    for number in range(len(secrets)):
        log.error("hunter%03d and ntfy://k%03d", number, number)
    to.close()
    written = (tmp_path / "logs" / "zmesdetect.log").read_text()
    assert written.count("*** and ***") == len(secrets) > 5


def test_only_errors_reach_a_stderr_that_is_no_terminal(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path), None)
    log.warning("hm")
    log.error("oh")
    to.close()

    assert capsys.readouterr().err == "zmhook: ERROR: oh\n"


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    to = logs.Logs(settings(tmp_path, log_path=str(tmp_path / "file" / "logs")), None)
    log.info("lost")
    to.close()

    assert "log" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def zoneminder(tmp_path: Path, monkeypatch) -> Path:
    """A ZoneMinder that logs to files only; pyzm reads its zm.conf."""
    conf = tmp_path / "zm"
    conf.mkdir()
    (conf / "zm.conf").write_text(f"ZM_DB_HOST=\nZM_PATH_LOGS={tmp_path}\n")
    monkeypatch.setenv("PYZM_SYSLOGLEVEL", "-5")
    monkeypatch.setenv("PYZM_DBLOGLEVEL", "-5")
    before = [signal.getsignal(number) for number in SIGNALS]
    yield tmp_path
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def test_with_zoneminder_pyzm_writes(zoneminder: Path) -> None:
    pytest.importorskip("pyzm", reason="optional: the extra zoneminder is not installed")
    to = logs.Logs(settings(zoneminder), 2)
    log.info("of our own monitor")
    log.warning("of another", extra={"monitor_id": 7})
    log.info("100%% of %s", "us")
    to.close()

    own = (zoneminder / "zmesdetect_m2.log").read_text()
    assert "zmesdetect_m2[" in own
    assert ".INF [test_logs.py:" in own
    assert "[of our own monitor]" in own
    assert "[100% of us]" in own
    assert "of another" not in own
    other = (zoneminder / "zmesdetect_m7.log").read_text()
    assert ".WAR [" in other
    assert "[of another]" in other


def test_a_full_queue_drops_rather_than_waits(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logs, "QUEUE_SIZE", 1)
    monkeypatch.setattr(logs, "_open_sink", lambda *_, **__: logs._Nowhere())
    to = logs.Logs(settings(tmp_path), None)
    for number in range(100):
        log.info("%d", number)
    to.close()

    assert "log" not in {thread.name for thread in threading.enumerate()}


HOSTILE = "a\n2026-01-01 ERROR forged\r\x1b[2J\x9b1m\u2028\u202e\udcff"


def test_a_record_is_one_line_whatever_is_in_it(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path), None)
    log.error("%s: it says %s", HOSTILE, "x" * 100_000)
    to.close()

    text = (tmp_path / "logs" / "zmesdetect.log").read_text()
    for written in (text, capsys.readouterr().err):
        assert written[:-1].isprintable()
        assert written.endswith("\n")
        assert len(written) < logs.LONGEST + 200


def test_an_error_is_in_its_record_and_says_where(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path), None)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("internal error")
    to.close()

    text = (tmp_path / "logs" / "zmesdetect.log").read_text()
    for written in (text, capsys.readouterr().err):
        assert "internal error (ValueError: a 2026-01-01 ERROR forged" in written
        assert ", test_logs.py:" in written
        assert written[:-1].isprintable()


def test_no_line_of_a_traceback_passes_for_a_record(tmp_path: Path, capsys) -> None:
    to = logs.Logs(settings(tmp_path, password=Secret("s3cr%t word")), None, debug=True)
    try:
        raise ValueError(f"s3cr%t word {HOSTILE}")
    except ValueError:
        log.debug("it failed", exc_info=True)
    to.close()

    text = (tmp_path / "logs" / "zmesdetect.log").read_text()
    for written in (text, capsys.readouterr().err):
        first, *more = written.removesuffix("\n").split("\n")
        assert "it failed" in first
        assert any("Traceback" in line for line in more)
        assert all(line.startswith("    ") and line.isprintable() for line in more)
        assert "s3cr%t" not in written
