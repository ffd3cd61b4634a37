from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import SettingsError
from zmhook.settings import Config, load

Write = Callable[..., Path]
Read = Callable[..., Config]
Problems = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration, and beside it a secrets file that it may name."""

    def write(text: str, secrets: str | None = None) -> Path:
        path = tmp_path / "objectconfig.ini"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o640)
        if secrets is not None:
            (tmp_path / "secrets.ini").write_text(secrets, encoding="utf-8")
            (tmp_path / "secrets.ini").chmod(0o640)
        return path

    return write


@pytest.fixture
def read(write: Write) -> Read:
    return lambda text, *overrides, secrets=None: load(write(text, secrets), overrides)


@pytest.fixture
def problems(write: Write) -> Problems:
    """What is wrong, each without the file's folder."""

    def problems(text: str, *overrides: str, secrets: str | None = None) -> list[str]:
        path = write(text, secrets)
        with pytest.raises(SettingsError) as caught:
            load(path, overrides)
        return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]

    return problems
