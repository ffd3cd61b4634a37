"""ZoneMinder's database, where there is none. A real one: tests/zoneminder/test_doctor.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.doctor import database as module
from zmhook.doctor.database import NoDatabase, ZmDatabase

CONF = "ZM_DB_HOST=127.0.0.1:9\nZM_DB_USER=u\nZM_DB_PASS=s3cret-one\nZM_DB_NAME=zm\n"


def test_no_zoneminder_here(tmp_path: Path):
    with pytest.raises(NoDatabase, match="ZoneMinder is on another machine"):
        _ = ZmDatabase(str(tmp_path)).options


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch):
    (tmp_path / "zm.conf").write_text(CONF)
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    with pytest.raises(NoDatabase, match="may not read") as raised:
        _ = ZmDatabase(str(tmp_path)).monitors
    assert (
        f"sudo chgrp root {tmp_path}/zm.conf" in raised.value.cure or "chgrp" in raised.value.cure
    )


def test_a_server_that_is_not_there(tmp_path: Path):
    pytest.importorskip("pymysql")
    (tmp_path / "zm.conf").write_text(CONF)
    with pytest.raises(NoDatabase, match="cannot be reached") as raised:
        _ = ZmDatabase(str(tmp_path)).filters
    assert "s3cret" not in str(raised.value)
    assert "failed: Can't connect to MySQL server" in str(raised.value)
    assert raised.value.cure == f"check ZM_DB_* in {tmp_path}/zm.conf"


def test_what_is_made_of_the_tables(tmp_path: Path, monkeypatch):
    tables = {
        "options": [{"Name": "ZM_DYN_CURR_VERSION", "Value": "1.36.33"}],
        "filters": [{"Name": "a", "AutoExecute": 1}, {"Name": "b", "AutoExecute": 0}],
        "monitors": [{"Id": 1, "Name": "yard"}, {"Id": 2, "Name": "gone", "Deleted": 1}],
        "clock": [{"now": "2026-07-29 17:05:03"}],
    }
    (tmp_path / "zm.conf").write_text(CONF)
    monkeypatch.setattr(ZmDatabase, "_read", lambda *_: tables)
    database = ZmDatabase(str(tmp_path))
    assert database.version == (1, 36, 33)
    assert [row["Name"] for row in database.filters] == ["a"]
    assert database.monitor_names() == {1: "yard"}
    assert database.clock == "2026-07-29 17:05:03"
