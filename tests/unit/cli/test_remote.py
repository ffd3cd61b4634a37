"""`zmhook remote status`; with real servers in tests/integration/test_remote_client.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.cli import remote
from zmhook.errors import ZmhookError


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    def write(gateways: str = "", rest: str = "") -> str:
        path = tmp_path / "o.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}\n[remote]\nml_gateway = {gateways}\n{rest}\n"
        )
        return str(path)

    return write


def test_without_gateways_there_is_nothing_to_tell(config) -> None:
    with pytest.raises(ZmhookError, match="ml_gateway lists no remote server"):
        remote.main(["status", "-c", config()])


def test_without_servers_json_is_an_empty_list(config, capsys) -> None:
    assert remote.main(["status", "--json", "-c", config()]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_who_is_well_and_who_is_not(config, endpoint, capsys) -> None:
    said = {"version": "1.2\x1b[31m", "models": ["yolo", "face"], "busy": 0.25}
    endpoint.answers = [(200, {}, json.dumps(said).encode())] * 2
    path = config(f"{endpoint.url}, http://127.0.0.1:1")
    assert remote.main(["status", "-c", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.lstrip().startswith(endpoint.url)]
    assert "zmhook 1.2 [31m" in row
    assert "yolo, face   25%" in row
    assert row.endswith(" ms")
    assert any(line.startswith("http://127.0.0.1:1: refused the connection") for line in lines)
    assert [got.path for got in endpoint.got] == ["/zmhook/v1/status"] * 2


def test_a_monitor_may_have_machines_of_its_own(config, endpoint, capsys) -> None:
    endpoint.answers = [(404, {}, b""), (404, {}, b""), (200, {}, b"ok"), (200, {}, b"ok")]
    path = config("http://127.0.0.1:1", f"[monitor-3]\nml_gateway = {endpoint.url}")
    assert remote.main(["status", "-c", path, "-m", "3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.pop("round_trip_ms") > 0
    assert row == {
        "address": endpoint.url,
        "reachable": True,
        "error": "",
        "protocol": "mlapi",
        "models": None,
        "load": None,
    }


def test_what_mlapi_does_not_tell(config, endpoint, capsys) -> None:
    endpoint.answers = [(404, {}, b""), (404, {}, b""), (200, {}, b"ok"), (200, {}, b"ok")]
    assert remote.main(["status", "-c", config(endpoint.url)]) == 0
    assert "mlapi     unknown     ?" in capsys.readouterr().out
