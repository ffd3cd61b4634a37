"""The completion script, run by a real bash."""

from __future__ import annotations

import subprocess

import pytest

from zmhook.cli.completion import SHELLS, main, script
from zmhook.cli.main import COMMANDS

COMPLETE = """
{script}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_zmhook
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """Return what bash offers for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in words)
    text = COMPLETE.format(script=script("bash"), words=quoted)
    done = subprocess.run(
        ["bash", "--norc", "-c", text], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["zmhook", ""], [*COMMANDS, "--help", "--version"]),
        (["/opt/zmhook/bin/zmhook", "sn"], ["snapshots"]),
        (["zmhook", "history", "s"], ["show", "stats"]),
        (["zmhook", "history", "list", "--out"], ["--outcome"]),
        (["zmhook", "history", "list", "--outcome", ""], ["alarm", "nothing", "undecided"]),
        (["zmhook", "history", "list", "-c", "x.ini", "--u"], ["--until"]),
        (["zmhook", "history", "list", "-c", ""], []),
        (["zmhook", "models", "get", "yolox_"], ["yolox_s", "yolox_tiny", "yolox_nano"]),
        (["zmhook", "completion", ""], ["-h", "--help", "bash", "zsh"]),
        (["zm_detect.py", "--js"], ["--json"]),
        (["zm_snapshots.py", "--br"], ["--broker", "--broker-user", "--broker-password"]),
    ],
)
def test_bash_offers_what_fits(words: list[str], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_older_spellings_are_not_offered() -> None:
    assert not {"--monitorid", "--eventid", "--ask-service"} & set(
        completed("zmhook", "detect", "-")
    )


def test_bash_registers_the_commands() -> None:
    text = f"{script('bash')}\ncomplete -p zmhook zm_detect.py zm_train_faces.py zm_snapshots.py"
    done = subprocess.run(
        ["bash", "--norc", "-c", text], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count("-F _zmhook") == 4


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([shell]) == 0
    out = capsys.readouterr().out
    assert out == script(shell)
    assert ("bashcompinit" in out) is (shell == "zsh")
