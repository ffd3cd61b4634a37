"""What third parties import stays, and is all that they need."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from zmhook import extensions, plugin
from zmhook.detectors import base
from zmhook.settings import Settings
from zmhook.snapshots import handler as handlers

PUBLIC = """
ANY Box Crop Deadline DeadlineExceeded Detection Detector DetectorError Event Fraction Frame
FrameError FrameNotNeeded FrameSource FrameUnavailable MissingPart ModelFileError Pending Picture
PictureError Postponed Secret Section Settings SnapshotError SnapshotHandler StoredSnapshot
ZmhookError about
"""


def test_the_public_names_are_these() -> None:
    assert plugin.__all__ == PUBLIC.split()
    assert all(hasattr(plugin, name) for name in plugin.__all__)


def test_nothing_else_is_exported() -> None:
    own = {name for name in vars(plugin) if not name.startswith("_")} - {"annotations"}
    assert own == set(plugin.__all__)


def test_what_a_detector_may_override() -> None:
    assert public(plugin.Detector) == {
        "name", "requires", "crop_to", "max_crops", "new_only", "problems", "description",
        "load", "least_size", "detect", "close",
    }  # fmt: skip


def test_what_a_source_and_a_handler_may_override() -> None:
    assert public(plugin.FrameSource) == {"attempt", "close"}
    assert public(plugin.SnapshotHandler) == {"catches_up", "on_snapshot", "close"}


def public(cls: type) -> set[str]:
    return {name for name in vars(cls) if not name.startswith("_")}


def test_one_method_makes_a_detector() -> None:
    class Least(plugin.Detector):
        name = "least"

        def detect(self, frames):
            return [[] for _ in frames]

    least = Least(Settings())
    least.load()
    least.close()
    assert (least.requires, least.crop_to, least.max_crops) == (frozenset(), frozenset(), 8)
    assert (least.new_only, least.problems, least.description) == (False, (), "least")


def test_a_detector_without_detect_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="detect"):
        plugin.Detector(Settings())  # type: ignore[abstract]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Write a module, and register its class `Own` in every group."""

    def install(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(extensions, "installed", lambda _group: {name: f"{name}:Own"})

    return install


def test_a_detector_of_the_shape_alone_gets_the_defaults(installed) -> None:
    installed(
        "old_detector",
        "class Own:\n"
        "    name = 'old_detector'\n"
        "    requires = frozenset({'car'})\n"
        "    def __init__(self, settings): self.models = settings.general.models\n"
        "    def load(self): self.problems = ['none']\n"
        "    def detect(self, frames): return []\n",
    )
    detector = base.find("old_detector")(Settings())
    detector.load()
    assert isinstance(detector, plugin.Detector)
    assert (detector.requires, detector.crop_to, detector.max_crops) == ({"car"}, frozenset(), 8)
    assert (detector.problems, detector.description) == (["none"], "old_detector")
    detector.close()


def test_a_handler_of_the_shape_alone_gets_the_defaults(installed) -> None:
    installed(
        "old_handler",
        "class Own:\n"
        "    def __init__(self, settings): pass\n"
        "    def on_snapshot(self, snapshot, picture): return None\n",
    )
    handler = handlers.find("old_handler")
    assert issubclass(handler, plugin.SnapshotHandler)
    assert not handler.catches_up


def test_nothing_of_ours_imports_it(root: Path) -> None:
    for file in (root / "hook").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "zmhook.plugin", file
