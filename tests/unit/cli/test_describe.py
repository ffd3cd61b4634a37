from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.cli.describe import main
from zmhook.cli.main import main as zmhook


@pytest.fixture
def config(tmp_path: Path, fake_gemini) -> Path:
    path = tmp_path / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\n[gemini]\ngemini_url = {fake_gemini.url}\n"
        "gemini_key = AIza-key\n[monitor-3]\ngemini_model = other\n"
    )
    return path


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "car.jpg"
    path.write_bytes(cv2.imencode(".jpg", np.full((40, 60, 3), 99, np.uint8))[1].tobytes())
    return str(path)


@pytest.fixture
def call(config: Path, capsys) -> Callable[..., tuple[int, str, str]]:
    def run(*args: str) -> tuple[int, str, str]:
        code = main(["-c", str(config), *args])
        return (code, *capsys.readouterr())

    return run


def test_a_picture(call, picture: str, fake_gemini) -> None:
    code, out, err = call(picture, "--label", "car")
    assert (code, err) == (0, "")
    first, *rest = out.splitlines()
    assert re.fullmatch(
        re.escape(f"{picture}: delivery van (92%), alarm: yes  [gemini-3.5-flash-lite, ")
        + r"[0-9.]+ s\]",
        first,
    )
    assert rest == [
        "  A white delivery van stands at the kerb, its rear doors open.",
        "  make: Ford, colour: white",
    ]
    assert "What car is this?" in fake_gemini.asked[0].question
    assert "[cached]" in call(picture, "--label", "car")[1]
    assert len(fake_gemini.asked) == 1


def test_a_monitors_own_settings_and_overrides(call, picture: str, fake_gemini) -> None:
    call(picture, "-m", "3", "-O", "gemini.gemini_prompt=What, {monitor}? {camera}!", "-l", "owl",
         "--camera", "Gate")  # fmt: skip
    assert "/models/other:" in fake_gemini.asked[0].path
    assert fake_gemini.asked[0].question.startswith("What, 3? Gate!")


def test_json(call, picture: str) -> None:
    code, out, _ = call(picture, "/no/such.jpg", "--json", "--budget")
    found, missing, budget = (json.loads(line) for line in out.splitlines())
    assert code == 1
    assert (found["picture"], found["label"], found["alarm"]) == (picture, "delivery van", "yes")
    assert found["box"] == [0.2, 0.1, 0.8, 0.9]
    assert missing == {
        "picture": "/no/such.jpg",
        "skipped": "cannot be read: No such file or directory",
    }
    assert budget["budget"]["day"] == 1
    assert budget["budget"]["per_day"] == 200


def test_what_was_skipped(call, picture: str, fake_gemini) -> None:
    fake_gemini.will("blocked-prompt")
    code, out, err = call(picture, "--json")
    assert code == 1
    assert json.loads(out) == {"picture": picture, "skipped": "gemini skipped: blocked"}
    assert err == (
        f"zmhook: {picture}: gemini: the picture or the question is blocked (PROHIBITED_CONTENT)\n"
    )


def test_the_budget(call, picture: str, fake_gemini) -> None:
    assert call("--budget", "-O", "gemini.gemini_per_day=0") == (
        0,
        "requests in the last minute: 0 of 10\nrequests in the last 24 hours: 0 (no limit)\n",
        "",
    )
    fake_gemini.will("429-minute")
    assert call(picture)[0] == 1
    assert call("--budget")[1].splitlines()[2].startswith("no requests until ")


def test_the_question_without_asking(call, fake_gemini) -> None:
    code, out, _ = call("--question", "--label", "bicycle")
    assert code == 0
    assert out.startswith("Which kind of bike")
    assert not fake_gemini.asked


def test_nothing_to_do(call, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        call()
    assert ended.value.code == 2
    assert "give a picture, --budget or --question" in capsys.readouterr().err


def test_a_configuration_that_is_wrong(tmp_path: Path, capsys) -> None:
    assert zmhook(["describe", "-c", str(tmp_path / "none.ini"), "x.jpg"]) == 1
    assert "none.ini" in capsys.readouterr().err


def test_a_model_cannot_write_to_the_terminal(call, picture: str, fake_gemini) -> None:
    fake_gemini.description = {**fake_gemini.description, "label": "\x1b]0;owned\x07van"}
    assert "\x1b" not in call(picture)[1]
