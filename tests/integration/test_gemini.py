"""The hook as users run it, with a server that answers as Gemini does: line, gate, budget, key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

KEY = "AIza-our-very-secret-key"
DOG = ("dog.jpg", {"dog", "bicycle", "car"})


@pytest.fixture
def gemini(config, fake_gemini) -> Callable[..., Path]:
    """Write a configuration whose chain is yolo and gemini."""

    def write(general: str = "models = yolo,gemini", **own: object) -> Path:
        given = {"gemini_url": fake_gemini.url, "gemini_key": KEY, "gemini_timeout": 30, **own}
        lines = "\n".join(f"{key} = {value}" for key, value in given.items())
        return config(general=general, rest=f"[gemini]\n{lines}\n")

    return write


@pytest.fixture
def look(detect, photo) -> Callable[..., dict]:
    """Look at a photo and return the decision."""

    def run(config: Path, *args: str, **env: str) -> dict:
        said = detect("-c", config, "-f", photo("dog.jpg"), "--json", *args, **env)
        assert KEY not in said.out + said.err
        return json.loads(said.out)

    return run


def objects(decision: dict) -> set[str]:
    return {one["label"] for one in decision["detections"] if one["kind"] == "object"}


def test_what_was_found_is_described(look, gemini, fake_gemini) -> None:
    decision = look(gemini(), "-m", "3", "--monitorname", "Drive")
    said = [one for one in decision["detections"] if one["kind"] == "description"]
    assert decision["outcome"] == "alarm"
    assert len(said) == len(fake_gemini.asked) == 3
    assert {one["attributes"]["alarm"] for one in said} == {"yes"}
    boxes = [",".join(map(str, one["box"])) for one in decision["detections"]]
    assert {one["attributes"]["about"] for one in said} <= set(boxes)


def test_the_line_says_what_was_skipped(detect, gemini, photo, fake_gemini) -> None:
    fake_gemini.will("403")
    said = detect("-c", gemini(gemini_gates="confirm"), "-f", photo("dog.jpg"))
    assert said.code == 0
    assert "dog:" in said.text
    assert "(gemini skipped: the key is refused)" in said.text
    assert "\n" not in said.text.strip()


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ({"gemini_url": "http://127.0.0.1:1"}, "no connection"),
        ({"gemini_key": ""}, "no key"),
        ({"gemini_backend": "openai", "gemini_url": ""}, "no address"),
    ],
)
def test_without_network_key_or_address_the_chain_goes_on(look, gemini, own, why: str) -> None:
    decision = look(gemini(**own, gemini_gates="confirm"))
    assert objects(decision) >= {"dog"}
    assert decision["skipped"] == [f"gemini skipped: {why}"]


def test_the_key_of_the_environment(look, gemini, fake_gemini) -> None:
    look(gemini(gemini_key=""), GEMINI_API_KEY=KEY)
    assert {asked.headers["x-goog-api-key"] for asked in fake_gemini.asked} == {KEY}


def test_it_may_veto_everything(look, gemini, fake_gemini) -> None:
    fake_gemini.description = {**fake_gemini.description, "alarm": "no", "label": "a poster"}
    decision = look(gemini(gemini_gates="veto", gemini_max_crops=20))
    assert decision["outcome"] == "nothing"
    gone = {drop["reason"] for drop in decision["dropped"] if drop["rule"] == "gemini"}
    assert gone == {"gemini says no: a poster"}


def test_a_model_at_home(look, gemini, fake_gemini) -> None:
    config = gemini(
        gemini_backend="openai",
        gemini_url=fake_gemini.openai_url,
        gemini_key="",
        gemini_model="llava",
    )
    decision = look(config, GEMINI_API_KEY=KEY)
    assert any(one["kind"] == "description" for one in decision["detections"])
    assert all("authorization" not in asked.headers for asked in fake_gemini.asked)


def test_answers_and_limits_outlive_the_process(look, gemini, fake_gemini) -> None:
    look(gemini())
    again = look(gemini())
    assert len(fake_gemini.asked) == 3
    assert sum(one["kind"] == "description" for one in again["detections"]) == 3
    other = look(gemini(gemini_per_day=3, gemini_prompt="Whose dog is this?"))
    assert len(fake_gemini.asked) == 3
    assert "gemini skipped: 3 a day are used up" in other["skipped"]


def test_a_days_quota_is_remembered(look, gemini, fake_gemini) -> None:
    fake_gemini.will("429-day")
    for _ in range(2):
        assert look(gemini(gemini_max_crops=1))["skipped"] == [
            "gemini skipped: the day's quota is used up"
        ]
    assert len(fake_gemini.asked) == 1


def test_a_server_that_hangs_costs_its_time_out_and_no_alarm(look, gemini, fake_gemini) -> None:
    fake_gemini.will("hang")
    decision = look(gemini(gemini_timeout=1))
    assert objects(decision) >= {"dog"}
    assert decision["skipped"] == ["gemini skipped: no answer in time"]
    assert decision["timings"]["gemini"] < 10_000


def test_the_events_deadline_is_kept(look, gemini, fake_gemini) -> None:
    fake_gemini.will("hang")
    general = "models = yolo,gemini\nevent_deadline = 4"
    decision = look(gemini(general, gemini_timeout=60))
    assert objects(decision) >= {"dog"}
    assert decision["outcome"] == "alarm"


def test_faces_are_blurred_or_nothing_is_sent(look, gemini, model, fake_gemini) -> None:
    decision = look(gemini(gemini_blur_faces="yes"))
    assert decision["skipped"] == ["gemini skipped: faces cannot be blurred"]
    assert not fake_gemini.asked


def test_a_start_without_it_does_not_pay_for_it(gemini, photo, environment, root) -> None:
    """The chain names it, but nothing was found that it would be asked about."""
    program = (
        "import sys\n"
        "from zmhook.cli.detect import main\n"
        "main()\n"
        "names = ('google.genai', 'requests', 'zmhook.describe.gemini')\n"
        "print([name for name in names if name in sys.modules], file=sys.stderr)"
    )
    config = gemini(gemini_after="zebra")
    done = subprocess.run(
        [sys.executable, "-c", program, "-c", str(config), "-f", str(photo("dog.jpg"))],
        env={**environment, "PYTHONPATH": str(root / "hook")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "dog:" in done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def _processes_text() -> str:
    texts = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(place.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(texts)


def test_the_key_is_nowhere_to_be_seen(gemini, photo, fake_gemini, environment, root, tmp_path):
    """In no process list while it asks, and in no file, log or output after."""
    fake_gemini.will("hang")
    config = gemini("models = yolo,gemini", gemini_timeout=8)
    command = [sys.executable, root / "bin" / "zm_detect.py", "-c", config, "--debug", "-f"]
    with subprocess.Popen(
        [*command, photo("dog.jpg")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not fake_gemini.asked and process.poll() is None:
            time.sleep(0.01)
        listed = _processes_text()
        out, err = process.communicate(timeout=60)
    assert fake_gemini.asked
    assert str(config) in listed
    assert KEY not in listed
    assert KEY.encode() not in out + err
    assert b"gemini" in err
    for file in tmp_path.rglob("*"):
        if file.is_file() and file != config:
            assert KEY.encode() not in file.read_bytes(), file


def test_by_hand(gemini, photo, environment, root) -> None:
    command = [sys.executable, "-m", "zmhook.cli.main", "describe", "-c", gemini(), "--budget"]
    done = subprocess.run(
        [*command, "--label", "car", photo("dog.jpg")],
        env={**environment, "PYTHONPATH": str(root / "hook")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "delivery van (92%), alarm: yes" in done.stdout
    assert "requests in the last minute: 1 of 10" in done.stdout


def test_the_stand_in_by_hand(root, photo, tmp_path) -> None:
    """tools/fake_gemini.py, as its first lines say."""
    command = [sys.executable, "-u", root / "tools" / "fake_gemini.py", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[3]
            config = tmp_path / "objectconfig.ini"
            config.write_text(f"[general]\nbase_data_path = {tmp_path}\n")
            overrides = ["-O", f"gemini.gemini_url={url}", "-O", "gemini.gemini_key=x"]
            zmhook = [sys.executable, "-m", "zmhook.cli.main", "describe", "-c", config]
            done = subprocess.run(
                [*zmhook, *overrides, photo("dog.jpg")],
                env={**os.environ, "PYTHONPATH": str(root / "hook")},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert "delivery van" in done.stdout, done.stderr
            assert server.stdout.readline().startswith("/v1")
        finally:
            server.terminate()
