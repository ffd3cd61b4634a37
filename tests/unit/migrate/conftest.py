from __future__ import annotations

import configparser
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from zmhook.migrate import Migrated, migrate, old_config
from zmhook.migrate.draft import Lost
from zmhook.settings import Config, load
from zmhook.settings import keys as settings_keys
from zmhook.settings.keys import Schema
from zmhook.settings.model import SECTIONS

FILES = Path(__file__).parent / "files"
SECRETS = (FILES / "secrets.ini").read_text("utf-8")


class Result(NamedTuple):
    """What became of a file: the lines by section, what is lost, and all of it."""

    sections: dict[str, dict[str, str]]
    lost: list[Lost]
    whole: Migrated

    @property
    def places(self) -> list[str]:
        return [lost.location for lost in self.lost]

    def why(self, place: str) -> str:
        return next(lost.why for lost in self.lost if lost.location == place)

    def general(self, section: str = "general") -> dict[str, str]:
        return self.sections.get(section, {})


def _sections(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def _result(done: Migrated) -> Result:
    lost = [one for group in done.lost.values() for one in group]
    return Result(_sections(done.text), lost, done)


@pytest.fixture
def result(tmp_path: Path) -> Callable[..., Result]:
    """Migrate a text (ini), or data (YAML), beside the secrets of the samples."""

    def result(given: str | dict[Any, Any], secrets: str = "") -> Result:
        (tmp_path / "secrets.ini").write_text(SECRETS, encoding="utf-8")
        shutil.copy(FILES / "secrets.yml", tmp_path)
        if isinstance(given, str):
            path = tmp_path / "old.ini"
            path.write_text(given, encoding="utf-8")
        else:
            path = tmp_path / "old.yml"
            path.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
        return _result(migrate(str(path), "", secrets and str(tmp_path / secrets)))

    return result


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., Result]:
    """Migrate one of the sample files, all of which are copied first."""

    def sample(name: str, secrets: str = "") -> Result:
        for file in FILES.iterdir():
            shutil.copy(file, tmp_path)
        done = migrate(str(tmp_path / name), "", secrets and str(tmp_path / secrets))
        return _result(done)

    return sample


@pytest.fixture
def right(tmp_path: Path) -> Callable[[Result], Config]:
    """Read a result as the hooks do; it has to be right."""

    def right(found: Result) -> Config:
        assert found.whole.problems == []
        if found.whole.secrets is not None:
            (tmp_path / "new-secrets.ini").write_text(found.whole.secrets, encoding="utf-8")
            (tmp_path / "new-secrets.ini").chmod(0o640)
        elif (tmp_path / "secrets.ini").exists():
            (tmp_path / "secrets.ini").chmod(0o640)
        file = tmp_path / "objectconfig.ini"
        file.write_text(found.whole.text, encoding="utf-8")
        return load(file)

    return right


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Leave sections out of the model, as in a version that does not have them."""

    def without(*sections: str) -> None:
        left = Schema({name: kind for name, kind in SECTIONS.items() if name not in sections})
        monkeypatch.setattr(settings_keys, "built_in", lambda: left)
        monkeypatch.setattr(old_config, "schema", lambda: left)

    settings_keys.named_key.cache_clear()
    yield without
    settings_keys.named_key.cache_clear()
