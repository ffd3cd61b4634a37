"""The hook as the notification server calls and reads it.

The server is a Perl program: it runs the hook in backticks as a shell string with its arguments in
double quotes, reads stdout to its end, takes the exit code, splits at `--SPLIT--`, and decodes the
JSON without a guard. The lines below do the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

SERVER = r"""
use strict; use warnings; use JSON::PP;
my ($hook, $eid, $mid, $name, $cause, $path) = @ARGV;
my $cmd = "$hook $eid $mid \"$name\" \"$cause\" \"$path\"";
my $said = `$cmd`; my $failed = $? >> 8; chomp $said;
my ($text, $json) = split /--SPLIT--/, $said;
$text = '' unless defined $text; $json = '[]' unless defined $json;
$failed = 1 unless $text;
print encode_json({failed => $failed, text => $text, detections => decode_json($json)});
"""


@pytest.fixture
def server(root: Path, environment: dict[str, str]) -> Callable[..., dict]:
    if not shutil.which("perl"):
        pytest.skip("optional: perl is not installed")

    def call(config: Path, *args: str | Path) -> dict:
        done = subprocess.run(
            ["perl", "-e", SERVER, root / "zm_event_start.sh", *args],
            env={**environment, "ZMHOOK_CONFIG": str(config)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        found: dict = json.loads(done.stdout)
        return found

    return call


@pytest.mark.parametrize("json_format", ["v6", "v5"])
def test_it_reads_text_and_json(json_format: str, config, event_folder, server) -> None:
    path = config(f"json_format = {json_format}")

    told = server(path, "17", "1", "Front door", "Motion All", event_folder())

    assert told["failed"] == 0
    assert told["text"].startswith("[s] detected:")
    found = told["detections"]
    labels = found["labels"] if json_format == "v6" else [one["label"] for one in found]
    assert "dog" in labels


def test_nothing_found_is_no_success(config, event_folder, server) -> None:
    told = server(
        config("detect_pattern = submarine"), "17", "1", "Front door", "Motion", event_folder()
    )

    assert told == {"failed": 1, "text": "", "detections": []}


def test_no_decision_is_no_success(config, server, tmp_path: Path) -> None:
    assert server(config(), "17", "1", "Front door", "Motion", tmp_path / "gone")["failed"]
    told = server(
        config("on_failure = alarm"), "17", "1", "Front door", "Motion", tmp_path / "gone"
    )

    assert told["failed"] == 0
    assert "nothing could be decided" in told["text"]
