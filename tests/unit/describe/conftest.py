"""Settings of the describing model in a line, and a picture."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.settings import Face, Gemini, General, Prompt, Settings
from zmhook.settings.section import Secret

KEY = "AIza-our-very-secret-key"


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Make settings; arguments are those of `[gemini]`."""

    def make(*, prompts: tuple[Prompt, ...] = (), face: Face | None = None, **own) -> Settings:
        gemini = Gemini(**{"gemini_key": Secret(KEY), "gemini_timeout": 5.0, **own})
        general = General(base_data_path=str(tmp_path))
        return Settings(general=general, gemini=gemini, prompts=prompts, face=face or Face())

    return make


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    """A grey picture of 64 x 48 pixels with a white corner."""
    made = np.full((48, 64, 3), 90, np.uint8)
    made[:10, :10] = 255
    return made


@pytest.fixture(scope="session")
def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


@pytest.fixture(autouse=True)
def no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
