"""The guide is true: messages, settings, the examples of plug-ins, and the files it names."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.decide import decide_event
from zmhook.detection import Box
from zmhook.event import Event
from zmhook.settings import load
from zmhook.settings.model import SECTIONS
from zmhook.settings.section import installed_section
from zmhook.snapshots.snapshot import StoredSnapshot

ROOT = Path(__file__).resolve().parents[2]
GUIDE = sorted((ROOT / "docs").glob("*.md"))
GAP = "\0"
OURS = re.compile(
    rf"^\[({'|'.join(SECTIONS)}|known-plates|gemini-prompts|mqtt-topic-\w+|monitor-\d+)\]$",
    re.MULTILINE,
)
OTHERS = {"secrets", "customize", "hook"}
"""Sections of the secrets file and of the notification server."""
SECRETS = re.findall(r"^#?(\w+)=", (ROOT / "secrets.ini.example").read_text("utf-8"), re.MULTILINE)


def _texts_in_the_code() -> list[str]:
    """Every string of the package, with a gap where a value is inserted."""
    texts = []
    for file in [*(ROOT / "hook").rglob("*.py"), *(ROOT / "bin").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (
                    part.value if isinstance(part, ast.Constant) else GAP for part in node.values
                )
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value.replace("%s", GAP).replace("%d", GAP))
    return texts


TEXTS = _texts_in_the_code()


NOT_OURS = {
    "not found",
    "Permission denied",
    "No module named 'zmhook'",
    "Segmentation fault",
    "import cv2",
    "import dlib",
    "status",
}


def _quoted_messages() -> list[str]:
    """Return the messages in the first column of troubleshooting.md, and of tables elsewhere."""
    tables = [(ROOT / "docs" / "troubleshooting.md").read_text("utf-8")]
    tables.append(_table("gemini.md", "`gemini skipped: …` | "))
    tables.append(_table("snapshots.md", "What you see | "))
    tables.append(_table("plates.md", "Message | "))
    tables.append(_table("camera-setup.md", "Message | "))
    tables.append(_table("remote.md", "Message | "))
    cells: list[str] = []
    for line in "\n".join(tables).splitlines():
        before, bar, _ = line.partition(" | ")
        if bar:
            cells += re.findall(r"`([^`]+)`", before)
    return [cell for cell in cells if cell not in NOT_OURS]


def _table(page: str, head: str) -> str:
    text = (ROOT / "docs" / page).read_text("utf-8")
    return text.partition(f"\n{head}")[2].partition("\n---|")[2].partition("\n\n")[0]


@pytest.mark.parametrize("message", _quoted_messages())
def test_a_message_in_the_guide_is_one_that_is_printed(message: str) -> None:
    """A quoted value and an ellipsis stand for any text."""
    parts = [re.escape(part.strip()) for part in re.split(r"…|'[^']*'", message) if part.strip()]
    pattern = re.compile(".*".join(parts), re.DOTALL)
    assert any(pattern.search(text) for text in TEXTS), f"nothing prints {message!r}"


def _blocks(language: str) -> list[tuple[str, str]]:
    return [
        (page.name, block)
        for page in GUIDE
        for block in re.findall(
            rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    ]


def _with_secrets(block: str) -> str:
    """Name the secrets file in a block that uses a secret without naming one."""
    if "secrets =" in block or not re.search(r"= *!", block):
        return block
    secrets = "[general]\nsecrets = secrets.ini\n"
    return block.replace("[general]\n", secrets) if "[general]\n" in block else secrets + block


def _settings_blocks() -> list[tuple[str, str]]:
    blocks = []
    for page, block in _blocks("ini"):
        if OURS.search(block):
            blocks.append((page, block))
        elif "[" not in block:
            blocks.append((page, f"[general]\n{block}"))
    return blocks


@pytest.mark.parametrize(("page", "block"), _settings_blocks())
def test_settings_in_the_guide_are_accepted(page: str, block: str, tmp_path: Path) -> None:
    del page
    lines = [f"{name}=http://x/zm" for name in SECRETS]
    (tmp_path / "secrets.ini").write_text("\n".join(["[secrets]", *lines]))
    (tmp_path / "secrets.ini").chmod(0o600)
    file = tmp_path / "objectconfig.ini"
    file.write_text(_with_secrets(block), encoding="utf-8")
    file.chmod(0o600)  # or a value that is secret is warned of
    assert load(file).warnings == []


def test_each_section_in_the_guide_is_one_that_is_checked_or_another_programs() -> None:
    shown = {
        (page, name)
        for page, block in _blocks("ini")
        for name in re.findall(r"^\[(.+)\]$", block, re.MULTILINE)
        if not OURS.search(f"[{name}]")
    }
    assert {name for _, name in shown} == OTHERS, sorted(shown)


@pytest.fixture
def brightness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the package that models.md shows, as pip would."""
    code = next(block for page, block in _blocks("python") if page == "models.md")
    project = next(block for page, block in _blocks("toml") if page == "models.md")
    points = re.findall(r'^\[project\.entry-points\."(.+)"\]\n(.+)$', project, re.MULTILINE)
    info = tmp_path / "brightness-1.dist-info"
    info.mkdir()
    (tmp_path / "brightness.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brightness\nVersion: 1\n")
    texts = [f"[{group}]\n{line.replace(chr(34), '')}\n" for group, line in points]
    (info / "entry_points.txt").write_text("".join(texts))
    monkeypatch.syspath_prepend(tmp_path)
    installed_section.cache_clear()
    yield
    installed_section.cache_clear()
    sys.modules.pop("brightness", None)


@pytest.mark.usefixtures("brightness")
@pytest.mark.parametrize(
    ("level", "more", "outcome"),
    [
        (200, "", "alarm"),
        (90, "", "nothing"),
        (90, "brightness_min = 0.3\n", "alarm"),
        (200, "brightness_min = 0.9\n", "nothing"),
    ],
)
def test_the_detector_in_the_guide_detects(
    tmp_path: Path, level: int, more: str, outcome: str
) -> None:
    config = tmp_path / "objectconfig.ini"
    general = f"[general]\nbase_data_path = {tmp_path}\nmodels = brightness\ndetect_pattern = .*\n"
    config.write_text(f"{general}[gate]\nmin_confidence = 0\n[brightness]\n{more}")
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), np.full((48, 64, 3), level, np.uint8))
    decision = decide_event(Event(), load(config).general, file=str(picture)).decision
    assert (decision.outcome, decision.errors) == (outcome, [])
    for detection in decision.detections:
        assert (detection.label, detection.box) == ("daylight", Box(0, 0, 64, 48))
        assert detection.confidence == pytest.approx(level / 255)


def test_the_handler_in_the_guide_handles(tmp_path: Path) -> None:
    code = next(block for page, block in _blocks("python") if page == "snapshots.md")
    names: dict[str, type] = {}
    exec(code, names)
    config = tmp_path / "objectconfig.ini"
    config.write_text(f"[general]\nbase_data_path = {tmp_path}\n")
    handler = names["Nightly"](load(config).general)
    fields = {"size": 4, "sha256": "", "camera": "front", "topic": "t", "format": "f"}
    at = {"day": datetime(2026, 6, 1, 12), "night": datetime(2026, 6, 1, 2)}  # noqa: DTZ001 - local
    rows = {
        f"{when} {label}": StoredSnapshot(
            number=0, file="0000/1.jpg", track_id="x", label=label, width=64, height=48,
            taken=moment.timestamp(), received=moment.timestamp(), **fields,
        )
        for when, moment in at.items()
        for label in ("Human", "Car")
    }  # fmt: skip
    results = {name: handler.on_snapshot(row, b"JPEG") for name, row in rows.items()}
    (detection,) = results.pop("night Human")
    assert set(results.values()) == {None}
    assert (detection.label, detection.box) == ("visitor at night", Box(0, 0, 64, 48))
    assert (tmp_path / "night/1.jpg").read_bytes() == b"JPEG"
    handler.close()


def test_each_page_is_linked_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    trees = re.findall(r"```\{toctree\}.*?```", index, re.DOTALL)
    listed = [
        page for tree in trees for page in re.findall(r"^[^:].*<([\w-]+)>$", tree, re.MULTILINE)
    ]
    assert sorted(listed) == sorted(page.stem for page in GUIDE if page.stem != "index")


def test_each_file_that_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)+(?:\w+\.py)?|\w+\.py)`", text)
    folders = (ROOT, ROOT / "hook/zmhook")
    missing = [name for name in named if not any((folder / name).exists() for folder in folders)]
    assert missing == ["photos/"]  # that of the test assets


def test_the_layout_in_contributing_has_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.split("Contents\n---|---\n")[1].split("\n\n")[0]
    named = [
        room for row in table.splitlines() for room in re.findall(r"`(\w+)`", row.split(" | ")[0])
    ]
    package = [*(ROOT / "hook/zmhook").glob("*.py"), *(ROOT / "hook/zmhook").glob("*/__init__.py")]
    rooms = {path.parent.name if path.stem == "__init__" else path.stem for path in package}
    assert sorted(named) == sorted(rooms - {"zmhook"})
