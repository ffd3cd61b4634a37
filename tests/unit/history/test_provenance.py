"""Settings have one fingerprint, without their secrets; model files are hashed once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.history import provenance
from zmhook.history.provenance import fingerprint, model_files
from zmhook.history.schema import SCHEMA
from zmhook.models import manifest
from zmhook.settings import Face, Gate, General, LabelLimits, Notify, Secret, Settings, Yolo
from zmhook.storage.shared_database import SharedDatabase, close_all, shared_database


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def database(path: Path) -> Iterator[SharedDatabase]:
    yield shared_database(path, SCHEMA)
    close_all()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read to hash them."""
    files: list[str] = []
    original = provenance._sha256

    def counted(file: str) -> str:
        files.append(file)
        return original(file)

    monkeypatch.setattr(provenance, "_sha256", counted)
    return files


# -- fingerprint ---------------------------------------------------------------------------------


def test_every_setting_counts() -> None:
    found = {
        fingerprint(Settings()),
        fingerprint(Settings(gate=Gate(cooldown=1.0))),
        fingerprint(Settings(general=General(models=("hog",)))),
        fingerprint(Settings(labels={"car": LabelLimits(min_confidence=0.5)})),
    }
    assert len(found) == 4
    assert all(len(one) == 64 for one in found)


def test_secrets_do_not_count() -> None:
    changed = Settings(
        general=General(password=Secret("one")), notify=Notify(notify_apprise=Secret("two"))
    )
    assert fingerprint(changed) == fingerprint(Settings())


def test_the_order_of_labels_does_not_count() -> None:
    some, other = LabelLimits(min_confidence=0.5), LabelLimits(min_confidence=0.6)
    assert fingerprint(Settings(labels={"car": some, "dog": other})) == fingerprint(
        Settings(labels={"dog": other, "car": some})
    )


# -- model files ---------------------------------------------------------------------------------


def chain(folder: Path, *models: str, **fields) -> Settings:
    names = {name: str(folder / name) for name in ("weights", "config", "labels")}
    tiny = {f"tiny_{name}": str(folder / f"tiny_{name}") for name in names}
    return Settings(
        general=General(models=models),
        yolo=Yolo(**names, **tiny, yolo_type=fields.pop("yolo_type", "yolo")),
        face=Face(known_images_path=str(folder), **fields),
    )


def test_the_files_of_the_chain_are_hashed(tmp_path: Path, database: SharedDatabase) -> None:
    (tmp_path / "weights").write_text("w")
    (tmp_path / "labels").write_text("l")
    found = model_files(chain(tmp_path, "hog", "yolo"), database)
    assert [(one.model, Path(one.path).name, one.sha256) for one in found] == [
        ("yolo", "weights", sha256("w")),
        ("yolo", "config", ""),
        ("yolo", "labels", sha256("l")),
    ]


def test_only_the_files_that_are_used(tmp_path: Path, database: SharedDatabase) -> None:
    def names(settings: Settings) -> list[str]:
        return [Path(one.path).name for one in model_files(settings, database)]

    assert names(chain(tmp_path, "hog")) == []
    assert names(chain(tmp_path, "yolo", yolo_type="tiny"))[0] == "tiny_weights"
    assert names(chain(tmp_path, "face")) == ["faces.npz"]
    yunet = chain(tmp_path, "face", face_model="yunet", face_yunet_model="y.onnx")
    assert names(yunet) == ["faces.npz", "y.onnx"]


def test_a_setting_that_is_empty_names_no_file(tmp_path: Path, database: SharedDatabase) -> None:
    settings = Settings(
        general=General(models=("yolo",)),
        yolo=Yolo(weights=str(tmp_path / "weights"), config="", labels=""),
    )
    assert [Path(one.path).name for one in model_files(settings, database)] == ["weights"]


def test_a_file_is_read_once(tmp_path: Path, database: SharedDatabase, read: list[str]) -> None:
    (tmp_path / "weights").write_text("w")
    settings = chain(tmp_path, "yolo")
    first = model_files(settings, database)
    close_all()  # as the next hook, which is another process
    assert model_files(settings, database) == first
    assert read == [str(tmp_path / "weights")]


def test_a_file_that_changed_is_read_again(
    tmp_path: Path, database: SharedDatabase, read: list[str]
) -> None:
    weights = tmp_path / "weights"
    settings = chain(tmp_path, "yolo")
    hashes = []
    for text, mtime in (("old", 1), ("new", 1), ("new", 2)):
        weights.write_text(text)
        os.utime(weights, ns=(mtime, mtime))
        hashes.append(model_files(settings, database)[0].sha256)
    assert hashes == [sha256("old"), sha256("old"), sha256("new")]
    assert len(read) == 2, "the same size and time stand for the same content"


def test_a_file_that_may_not_be_read_has_no_hash(
    tmp_path: Path, database: SharedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refused(_: Path) -> str:
        raise PermissionError

    monkeypatch.setattr(manifest, "sha256", refused)
    (tmp_path / "weights").write_text("w")
    assert model_files(chain(tmp_path, "yolo"), database)[0].sha256 == ""


def test_few_hashes_are_kept(
    tmp_path: Path, database: SharedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "MOST_FILES", 2)
    for name in "abcd":
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
        model_files(chain(tmp_path / name, "yolo"), database)
    rows = database.use(lambda one: one.execute("SELECT path FROM files").fetchall())
    assert sorted(Path(row[0]).parent.name for row in rows) == ["c", "d"]


def test_how_many_threads_a_worker_has_does_not_count() -> None:
    assert fingerprint(Settings(yolo=Yolo(yolo_threads=2))) == fingerprint(Settings())
