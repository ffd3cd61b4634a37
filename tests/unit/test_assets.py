"""tests/assets.json and tools/assets.py: where the tests' photographs and networks come from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from zmhook.models.manifest import ManifestFile, load_manifest, sha256

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    file for model in load_manifest(ROOT / "tests" / "assets.json").models for file in model.files
]
REBUILT = {"yolox_nano_416.onnx"}
"""The assets may have another export of the same network."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("assets", ROOT / "tools" / "assets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def manifest(tmp_path: Path, endpoint: Any) -> Path:
    """One photograph, which a server on this machine has."""
    file = {"path": "photos/dog.jpg", "sha256": hashlib.sha256(b"a dog").hexdigest()}
    file |= {"size": 5, "urls": [f"{endpoint.url}/dog.jpg"]}
    model = {"name": "dog", "description": "a dog", "licence": "MIT", "settings": {}}
    model |= {"licence_url": "https://example.org", "files": [file]}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"models": [model]}))
    return path


def test_what_is_downloaded_is_where_tests_look(
    tool: ModuleType, manifest: Path, tmp_path: Path, endpoint: Any
):
    endpoint.answers.append((200, {}, b"a dog"))
    assert tool.main(manifest, tmp_path / "assets") == 0
    assert (tmp_path / "assets" / "photos" / "dog.jpg").read_bytes() == b"a dog"


def test_another_file_is_refused(
    tool: ModuleType,
    manifest: Path,
    tmp_path: Path,
    endpoint: Any,
    capsys: pytest.CaptureFixture[str],
):
    endpoint.answers.append((200, {}, b"a cat"))
    assert tool.main(manifest, tmp_path / "assets") == 1
    out, err = capsys.readouterr()
    assert "another file than expected (sha256 differs)" in err
    assert "hog" not in err + out  # which takes no photograph's place
    assert "skips the tests that need it" in out
    assert not (tmp_path / "assets" / "photos" / "dog.jpg").exists()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_checksums_are_those_of_the_assets(file: ManifestFile, assets: Path):
    path = assets / file.path
    if not path.exists():
        pytest.skip(f"no {path.name} among the networks and photographs")
    if path.name not in REBUILT:
        assert sha256(path) == file.sha256


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_file_of_a_repository_is_named_by_its_commit(file: ManifestFile):
    raw = [url for url in file.urls if "raw.githubusercontent.com" in url]
    assert all(re.search(r"/[0-9a-f]{40}/", url) for url in raw)
    assert all(url.startswith("https://") for url in file.urls)
