"""What can be said of Dockerfile and compose.yaml without running them."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from zmhook.cli.main import COMMANDS

sys.path.insert(0, str(Path(__file__).parent))
from dockerfile import DockerfileError, Stage, instructions, stages

ROOT = Path(__file__).parent.parent.parent
STAGES = stages((ROOT / "Dockerfile").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
BASE = "/var/lib/zmeventnotification/"


def is_a_command(words: list[str]) -> bool:
    assert words[0] == "zmhook"
    assert words[1] in COMMANDS
    parser = import_module(COMMANDS[words[1]].module).make_parser()
    return parser.parse_args(words[2:]) is not None


@pytest.mark.parametrize("stage", [STAGES["hook"], STAGES["remote"]], ids=lambda stage: stage.name)
def test_a_stage_runs_commands_that_there_are(stage: Stage) -> None:
    assert stage.image == "debian:bookworm-slim"
    assert stage.user == "www-data"
    assert is_a_command(stage.command)
    assert is_a_command(stage.health)


@pytest.mark.parametrize("name", SERVICES)
def test_compose_says_the_same_as_the_dockerfile(name: str) -> None:
    service = SERVICES[name]
    stage = STAGES[service["build"]["target"]]
    assert service["healthcheck"]["test"] == ["CMD", *stage.health]
    options = dict(re.findall(r"--(\S+)=(\S+)", stage.last("HEALTHCHECK").partition("CMD")[0]))
    own = {key.replace("_", "-"): str(value) for key, value in service["healthcheck"].items()}
    assert {key: own[key] for key in options} == options


@pytest.mark.parametrize("name", SERVICES)
def test_each_volume_is_a_folder_that_install_sh_makes(name: str) -> None:
    """Such a one has the right owner in the image, and with it the new volume."""
    made = re.search(r'^DATA_FOLDERS="(.*)"$', (ROOT / "install.sh").read_text(), re.MULTILINE)
    assert made
    folders = {BASE + entry.partition(":")[0] for entry in made[1].split()}
    mounts = [volume.split(":") for volume in SERVICES[name]["volumes"]]
    targets = {mount[1] for mount in mounts if mount[1].startswith(BASE)}
    assert targets <= folders
    assert BASE + "models" in targets
    assert ["./config", "/etc/zm", "ro"] in mounts
    named = {mount[0] for mount in mounts if not mount[0].startswith(".")}
    assert named <= set(COMPOSE["volumes"])


def test_what_git_ignores_does_not_get_into_an_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    for line in (ROOT / ".gitignore").read_text().split():
        name = line.strip("/")
        known = [name, f"**/{name}", "*_cache" if name.endswith("_cache") else name]
        assert any(word in ignored for word in known), name


def test_lines_are_joined_and_comments_left_out() -> None:
    text = '# a\nFROM x AS y\nRUN a \\\n# b\n    && c\nCMD ["d"]\n'
    assert list(instructions(text)) == [("FROM", "x AS y"), ("RUN", "a && c"), ("CMD", '["d"]')]


@pytest.mark.parametrize("text", ["RUN a", "FROM x AS"])
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises((DockerfileError, ValueError)):
        stages(text)
