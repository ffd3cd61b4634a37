"""`zmhook config check --live` beside a real broker and a machine that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.cli.main import main

pytestmark = pytest.mark.integration


def test_what_works_and_what_does_not(broker, tmp_path: Path, capsys) -> None:
    path = tmp_path / "o.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = hog\n"
        f"[mqtt]\nmqtt_port = {broker.port}\nmqtt_user = {broker.user}\n"
        f"mqtt_password = {broker.password}\n"
        "[monitor-2]\nmqtt_password = wr0ng-0ne\n"
        "[monitor-3]\nmodels = yolo\nml_gateway = http://127.0.0.1:9\n"
    )
    assert main(["config", "check", "-c", str(path), "--live"]) == 1
    said = capsys.readouterr()
    lines = {line.partition(": ")[0]: line for line in said.out.splitlines()}
    assert (
        lines["works  broker"].count(f"127.0.0.1:{broker.port}: login accepted as {broker.user}")
        == 1
    )
    assert "refuses" in lines["FAILS  broker (monitor 2)"]
    assert any(line.startswith("FAILS  gateway http://127.0.0.1:9: ") for line in lines.values())
    assert "works  model hog" in lines
    assert f"works  data folder {tmp_path}" in lines
    assert len(lines) == 5
    assert "wr0ng" not in said.out + said.err
    assert broker.password not in said.out + said.err
