"""`config check --live` and `doctor` beside a real broker, a service, and machines not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
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


# -- zmhook doctor -----------------------------------------------------------------------------


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch, capsys):
    """Examine a configuration; return the exit code, and the findings by group and name."""
    monkeypatch.setattr("zmhook.doctor.environment.checks", lambda _: [])
    (tmp_path / "data").mkdir()

    def examine(text: str) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
        path = tmp_path / "o.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}/data\nbase_zm_conf_path = {tmp_path}\n"
            f"models = hog\n{text}"
        )
        path.chmod(0o640)
        code = main(["doctor", "-c", str(path), "--json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        return code, {(each["group"], each["name"]): each for each in findings}

    return examine


def mqtt(broker, **more: object) -> str:
    keys = {
        "mqtt_port": broker.port, "mqtt_user": broker.user, "mqtt_password": broker.password, **more
    }  # fmt: skip
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[notify]\nnotify_mqtt = yes\n[mqtt]\n{lines}"


MQTT = "MQTT and cameras"


def test_a_message_comes_back_from_the_broker(broker, doctor) -> None:
    for more in ({}, {"mqtt_version": 5}):
        code, findings = doctor(mqtt(broker, **more))
        assert code == 0
        assert "a message came back in " in findings[MQTT, "broker"]["text"]


def test_a_broker_that_is_down(broker, doctor) -> None:
    broker.stop()
    code, findings = doctor(mqtt(broker))
    assert code == 1
    assert "Connection refused" in findings[MQTT, "broker"]["text"]
    assert "systemctl status mosquitto" in findings[MQTT, "broker"]["cure"]


def test_a_broker_that_refuses_us(broker, doctor) -> None:
    code, findings = doctor(mqtt(broker, mqtt_password="wr0ng-0ne"))
    assert code == 1
    assert f"refuses the user '{broker.user}'" in findings[MQTT, "broker"]["text"]
    assert "wr0ng" not in json.dumps([*findings.values()])


def test_a_broker_that_lets_us_in_and_no_further(make_broker, doctor, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("user cameras\ntopic readwrite axis/#\n")
    rules.chmod(0o644)
    broker = make_broker(f"acl_file {rules}")
    broker.start()
    code, findings = doctor(mqtt(broker))
    assert code == 0
    assert findings[MQTT, "broker"]["state"] == "warning"
    assert "access list allow zmhook/doctor/#" in findings[MQTT, "broker"]["cure"]


def test_the_brokers_certificate(broker, doctor, certificates) -> None:
    more = {"mqtt_port": broker.tls_port, "mqtt_tls": "yes", "mqtt_ca": certificates.ca}
    code, findings = doctor(mqtt(broker, **more))
    assert code == 0
    assert "valid until" in findings[MQTT, "certificate"]["text"]


def test_a_service_and_the_hooks_way_to_it(root: Path, doctor, tmp_path: Path, monkeypatch) -> None:
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as run:
        monkeypatch.setenv("ZMHOOK_RUN", run)
        doctor("")  # writes the configuration
        service = subprocess.Popen(
            [sys.executable, "-m", "zmhook.cli.main", "serve", "-c", str(tmp_path / "o.ini")],
            env={**os.environ, "PYTHONPATH": str(root / "hook")},
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 60
            while not [*Path(run).glob("*.sock")]:
                assert time.monotonic() < until, "the service does not start"
                time.sleep(0.05)
            code, findings = doctor("")
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(60)
    assert code == 0
    assert findings["Service", "service"]["text"].startswith("running (process ")
    assert "zm_event_start.sh reaches it in " in findings["Service", "hook"]["text"]
