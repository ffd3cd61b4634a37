"""The arguments of `zmhook camera`."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook.cli import camera


def arguments(*more: str) -> Any:
    return camera.make_parser().parse_args(
        ["setup", "--host", "192.0.2.7", "--user", "root", *more]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        ("--channel", "0"),
        ("--monitor", "x"),
        ("--timeout", "0"),
        ("--wait", "1e9"),
        ("--wait", "nan"),
        ("--transport", "udp"),
        ("--password", "on-the-command-line"),
    ],
)
def test_what_is_no_value_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(*wrong)
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.parametrize("box", ["1,2,3", "0.5,0,0.2,1", "0,0,2,1", "a,b,c,d", "nan,0,1,1"])
def test_what_is_no_box_is_refused(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        camera.make_parser().parse_args(["simulate", "--photos", "x", "--box", box])
    assert "such as 0.2,0.3,0.5,0.9" in capsys.readouterr().err
