"""Broken keys, unknown models, and files that others may change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor.configuration import changeable_by, checks
from zmhook.errors import Problem


@pytest.fixture
def found(patient) -> Callable[..., list]:
    def examine(text: str = "models = hog\n", *problems: Problem, **more: object) -> list:
        made = patient(text, **more)
        return [finding for check in checks(made, problems) for finding in check.run()]

    return examine


def test_a_valid_configuration(found, states):
    findings = found("models = hog\n[monitor-4]\nwait = 1\n")
    assert states(findings) == [("settings", "ok"), ("files", "ok")]
    assert "monitors 4 have settings of their own" in findings[0].text


def test_each_problem_is_a_fault(found):
    problem = Problem("o.ini", "yolo", "weight", "unknown key; did you mean weights?")
    (finding, *_) = found("models = hog\n", problem)
    assert (finding.state, finding.text) == ("fault", str(problem))
    assert "config check" in finding.cure


def test_many_problems_are_few_lines(found):
    problems = [Problem("o.ini", "general", f"a{number}", "unknown key") for number in range(200)]
    faults = [each for each in found("models = hog\n", *problems) if each.state == "fault"]
    assert len(faults) == 9
    assert faults[-1].text == "and 192 more"
    assert [bool(each.cure) for each in faults] == [False] * 8 + [True]


def test_a_model_that_nobody_knows(found):
    findings = [each for each in found("models = yollo\n") if each.state == "fault"]
    assert "there is no model 'yollo'" in findings[0].text
    assert "[general] models" in findings[0].cure


def test_a_password_that_everybody_may_read(patient):
    made = patient("models = hog\npassword = s3cret-one\nuser = a\n")
    Path(made.path).chmod(0o644)
    from zmhook.settings import load

    made = made._replace(config=load(made.path))
    findings = [finding for check in checks(made, []) for finding in check.run()]
    assert any(each.state == "warning" and "every user" in each.text for each in findings)


def test_a_file_that_everybody_may_change(found, patient):
    made = patient()
    Path(made.path).chmod(0o666)
    findings = [finding for check in checks(made, []) for finding in check.run()]
    (bad,) = [each for each in findings if each.state == "fault"]
    assert "every user may change it" in bad.text
    assert f"chmod go-w {made.path}" in bad.cure


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can give files away")
def test_a_file_of_another_account(patient):
    path = Path(patient().path)
    os.chown(path, 1, -1)
    assert changeable_by(path, "www-data") == "daemon"
    assert changeable_by(path, "daemon") == ""
    os.chown(path, 0, 1)
    path.chmod(0o660)
    assert changeable_by(path, "www-data") == "the group daemon"
