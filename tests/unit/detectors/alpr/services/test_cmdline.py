"""A program that reads plates: real processes, good and bad."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.detectors.alpr.services import cmdline
from zmhook.detectors.alpr.services.base import PlateServiceError, service_for
from zmhook.errors import DetectorError

PICTURE = np.zeros((400, 800, 3), np.uint8)


@pytest.fixture
def program(tmp_path: Path):
    """Write a program in Python; `answer` is what OpenALPR's would print."""

    def write(body: str) -> str:
        path = tmp_path / "my alpr"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def answer(fake_plates_module) -> str:
    result = fake_plates_module.openalpr_result("ab123cd", (800, 400), vehicle=False)
    return json.dumps({"version": 2, "data_type": "alpr_results", "results": [result]})


@pytest.fixture
def service(settings):
    def make(binary: str, **own):
        given = {"alpr_timeout": 10.0, **own}
        one = service_for(
            settings(alpr_service="open_alpr_cmdline", openalpr_cmdline_binary=binary, **given)
        )
        one.load()
        return one

    return make


def read(service):
    return service.read(PICTURE, Deadline(20), of_vehicle=True)


def refusal(service) -> PlateServiceError:
    with pytest.raises(PlateServiceError) as caught:
        read(service)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_program_reads_a_picture_without_a_shell(service, program, answer, tmp_path):
    seen = tmp_path / "seen"
    body = (
        "leads, magic = os.getpgrp() == os.getpid(), open(sys.argv[-1], 'rb').read(3).hex()\n"
        f"json.dump([sys.argv, magic, leads], open({str(seen)!r}, 'w'))\nprint({answer!r})"
    )
    one = service(program(body), openalpr_cmdline_params="-j -c 'eu fr' $HOME;date *")
    (plate,) = read(one)
    assert (plate.text, plate.box) == ("AB123CD", Box(200, 200, 600, 300))
    assert plate.confidence == pytest.approx(0.9425)
    arguments, magic, leads = json.loads(seen.read_text())
    assert arguments[1:-1] == ["-j", "-c", "eu fr", "$HOME;date", "*"]
    assert arguments[-1].endswith("/frame.jpg")
    assert not Path(arguments[-1]).exists()
    assert magic == "ffd8ff"
    assert leads


@pytest.mark.parametrize(
    "noise",
    ["print('plate0: 1 results')", "print('{}')", "print('[1, 2]\\n{not json')", "print('\\x00')"],
)
def test_other_lines_are_passed_over(service, program, answer, noise):
    assert read(service(program(f"{noise}\nprint({answer!r})\nprint('done')")))


def test_json_over_several_lines(service, program, answer):
    spread = json.dumps(json.loads(answer), indent=2)
    assert read(service(program(f"print('note:')\nprint({spread!r})")))


def test_no_plates(service, program):
    assert read(service(program("print(json.dumps({'results': []}))"))) == []


def test_the_gate_is_told_of_what_is_a_little_below(service, program, answer):
    assert read(service(program(f"print({answer!r})"), openalpr_cmdline_min_confidence=1.0))


@pytest.mark.parametrize(
    ("body", "short", "said"),
    [
        (
            "print('No license plates found.')",
            "answer not understood",
            "'No license plates found.'",
        ),
        ("", "answer not understood", "prints no JSON with 'results': ''"),
        ("sys.exit('no such\\nmodel')", "the program failed", "ended with 1: no such model"),
        ("os.kill(os.getpid(), 11)", "the program failed", "ended with -11"),
        ("print('[' * 200000)", "answer not understood", "prints no JSON"),
        (
            "while True: os.write(1, b'x' * 65536)",
            "answer not understood",
            f"printed more than {cmdline.MAX_OUTPUT} bytes",
        ),
    ],
)
def test_bad_programs(service, program, body, short, said):
    refused = refusal(service(program(body)))
    assert refused.short == f"alpr skipped: {short}"
    assert said in str(refused)


def test_a_program_that_does_not_end_is_ended_with_its_children(service, program, tmp_path):
    child = tmp_path / "child"
    body = (
        "child = os.fork()\n"
        "if not child:\n time.sleep(60)\n os._exit(0)\n"
        f"open({str(child)!r}, 'w').write(str(child))\ntime.sleep(60)"
    )
    refused = refusal(service(program(body), alpr_timeout=1.0))
    assert refused.short == "alpr skipped: no answer in time"
    assert _ends(int(child.read_text()))


def test_children_that_outlive_a_program_are_ended(service, program, answer, tmp_path):
    child = tmp_path / "child"
    body = (
        "child = os.fork()\n"
        "if not child:\n time.sleep(60)\n os._exit(0)\n"
        f"open({str(child)!r}, 'w').write(str(child))\nprint({answer!r})"
    )
    assert read(service(program(body)))
    assert _ends(int(child.read_text()))


@pytest.mark.parametrize("binary", ["/no/such/program", "/etc/passwd"])
def test_a_program_that_cannot_be_started(service, binary):
    refused = refusal(service(binary))
    assert refused.short == "alpr skipped: the program cannot be started"
    assert f"[alpr] openalpr_cmdline_binary: {binary}: " in str(refused)


def test_arguments_with_open_quotes_are_refused_at_once(service):
    with pytest.raises(
        DetectorError, match=r"\[alpr\] openalpr_cmdline_params: no closing quotation"
    ):
        service("alpr", openalpr_cmdline_params="-j 'x")


def _ends(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # dead, and nobody here is its parent
            return True
        os.sched_yield()
    return False
