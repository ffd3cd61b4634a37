"""What install.sh prints: progress, lines of 80 columns, and commands that can be copied."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def test_progress_names_the_package_and_what_is_left(sourced, tmp_path: Path):
    log = tmp_path / "pip.log"
    log.write_text("Collecting numpy==2.1\n  Downloading numpy-2.1.whl (16.2 MB)\n")
    script = f"VENV={tmp_path}; progress_of {log} 30"
    assert sourced(script).stdout == "  downloading 1 of 30: numpy (16.2 MB)"
    with log.open("a") as more:
        more.write("Installing collected packages: numpy, pyzm\n")
    (tmp_path / "lib/python3.11/site-packages/numpy-2.1.dist-info").mkdir(parents=True)
    assert sourced(script).stdout == "  unpacking: 1 of about 33 packages are in place"


def test_the_lines_to_type_are_those_that_work(sourced, tmp_path: Path):
    script = "RUN_AS=www-data; may_own() { return 0; }; parse {}; next_steps"
    shown = sourced(script.replace("{}", "")).stdout
    assert "sudo zmhook config check --live" in shown
    assert "sudo -u www-data /var/lib/zmeventnotification/bin/zm_event_start.sh 1 1" in shown
    assert "sudo zmhook train-faces" in shown
    shown = sourced(script.replace("{}", f"--prefix {tmp_path}")).stdout
    config = f"ZMHOOK_CONFIG={tmp_path}/etc/zm/objectconfig.ini"
    assert f"sudo {config} {tmp_path}/usr/local/bin/zmhook config check --live" in shown


def test_nothing_is_wider_than_a_terminal(sourced, tmp_path: Path, user: str):
    """But what has no blank in it, and a command to copy, stay in one line."""
    parts = "alpr,mqtt,gemini,notify,remote,serve"
    done = sourced(f"main --dry-run --prefix {tmp_path} --user {user} --with {parts}")
    assert (done.returncode, done.stderr) == (0, "")
    wide = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert [line for line in wide if len(line.split()) > 1] == []
    assert "would make the folder" in done.stdout
    script = "NOTES=('one two' $'first\nsudo zmhook models get yolox_s'); CHANGES=1; finish"
    assert "\nNote: one two\nNote: first\n      sudo zmhook models get" in sourced(script).stdout


def test_paths_are_whole_where_lines_are_wrapped(sourced):
    text = "move /a/long/way/to/a/folder to /another/one: " + "words " * 12
    shown = sourced(f"fill '    ' '{text}'").stdout.splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("move /a/long/way/to/a/folder to /another/one: words ")
    assert shown[1].startswith("    words")
    assert " ".join(line.strip() for line in shown) == text.strip()
    assert sourced(f"fill '' {'x' * 90}").stdout == "x" * 90 + "\n"


@pytest.mark.parametrize(("number", "text"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps")])
def test_one_is_no_plural(number: int, text: str, sourced):
    shown = sourced(f"DRY=yes; CHANGES={number}; finish").stdout
    assert shown == f"Nothing was changed (--dry-run); {text} would be taken.\n"
