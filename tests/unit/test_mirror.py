"""Tests mirror the package: where to find what pins a module."""

from __future__ import annotations

from pathlib import Path

import zmhook

PACKAGE = Path(zmhook.__file__).parent
TESTS = Path(__file__).parent

SECTION = "declarations: settings/test_keys.py, test_loader.py and test_reference.py read every key"
HEAD = "detectors/yolo/heads/test_heads.py and detectors/yolo/test_families.py run every family"
CAMERA = "tests/integration/camera"
CONSTANTS = "constants"
ELSEWHERE = {
    "camera/axis.py": CAMERA,
    "camera/camera_client.py": CAMERA,
    "camera/message_sender.py": CAMERA,
    "cli/camera_setup.py": "cli/test_camera.py",
    "cli/history_text.py": "cli/test_history.py",
    "cli/serve.py": "tests/integration/service and test_service_commands.py run it",
    "cli/try_model.py": "doctor/test_trials.py and doctor/test_networks.py run it",
    "describe/thoughts.py": "describe/test_gemini.py and test_openai_compatible.py",
    "detectors/yolo/heads/anchor_free.py": HEAD,
    "detectors/yolo/heads/anchors.py": HEAD,
    "detectors/yolo/heads/darknet.py": HEAD,
    "detectors/yolo/heads/detr.py": HEAD,
    "detectors/yolo/heads/end_to_end.py": HEAD,
    "detectors/yolo/heads/nas.py": HEAD,
    "detectors/yolo/heads/yolox.py": HEAD,
    "exit_codes.py": CONSTANTS,
    "extensions.py": "test_plugin.py",
    "frame.py": "values: image/test_crop.py and test_event.py",
    "gateway/dialect.py": "an interface: gateway/dialects",
    "memory/monitor_memory.py": "gate/test_gate.py",
    "memory/past_object.py": "a value: memory/test_past.py",
    "net/error_body.py": "describe/test_refusals.py and test_openai_compatible.py",
    "net/http_connection.py": "net/test_http_server.py and server/test_http_limits.py",
    "service/running.py": "cli/test_service.py",
    "settings/alpr.py": SECTION,
    "settings/animation.py": SECTION,
    "settings/face.py": SECTION,
    "settings/gemini.py": SECTION,
    "settings/general.py": SECTION,
    "settings/history.py": SECTION,
    "settings/hog.py": SECTION,
    "settings/layers.py": "settings/test_loader.py",
    "settings/remote.py": SECTION,
    "settings/service.py": SECTION,
    "settings/snapshots.py": SECTION,
    "settings/watch.py": SECTION,
    "settings/yolo.py": SECTION,
    "snapshots/snapshot.py": "a value: snapshots/store/test_rows.py",
    "text/json_repair.py": "text/test_bounded_json.py",
    "zoneminder/rights.py": CONSTANTS,
}
"""Modules without a test file of their name, and where their behaviour is pinned."""


def modules() -> set[str]:
    paths = (path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))
    return {str(path.relative_to(PACKAGE)) for path in paths}


def has_mirror(module: str) -> bool:
    path = TESTS / module
    return path.with_name(f"test_{path.name}").exists()


def test_each_module_has_its_test_file_or_a_reason():
    unmirrored = {module for module in modules() if not has_mirror(module)}
    assert sorted(unmirrored - ELSEWHERE.keys()) == []


def test_no_reason_is_left_behind():
    assert sorted(module for module in ELSEWHERE if has_mirror(module)) == []
    assert sorted(ELSEWHERE.keys() - modules()) == []


def test_what_a_reason_names_is_there():
    words = {word.strip(":,") for reason in ELSEWHERE.values() for word in reason.split()}
    files = {word for word in words if word.endswith(".py") and "/" in word}
    folders = {word for word in words if word.startswith("tests/") and not word.endswith(".py")}
    assert [
        name
        for name in sorted(files)
        if not (TESTS / name).exists() and not (TESTS.parent.parent / name).exists()
    ] == []
    assert [name for name in sorted(folders) if not (TESTS.parent.parent / name).is_dir()] == []
