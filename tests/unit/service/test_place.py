"""The hook's shell and we look for the socket in the same place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from zmhook.service import place
from zmhook.settings import General

PATHS = [
    "/etc/zm/objectconfig.ini",
    "/o.ini",
    "o.ini",
    "./o.ini",
    "../zm/o.ini",
    "//etc//zm/o.ini",
    "/a b/ c /o.ini ",
    "/etc/*/o?.[i]ni",
    "/$(echo x)/`echo y`/${HOME}",
    '/it\'s/"quoted"/o.ini',
    "/back\\slash/\\n/o.ini",
    "/two\nlines/o.ini",
    "/tab\there/o.ini",
    "/-n/-e/--/o.ini",
    "/100%/%s/o.ini",
    "/a_b/c_d.ini",
    "/!x/&/;/|/<>/#",
    "/" + "very/" * 30 + "long/o.ini",
    "/" + "x" * 39,
    "/" + "x" * 40,
    "/" + "x" * 41,
    "/Haustür/玄関/🚪.ini",
    "/" + "ü" * 60 + "/o.ini",
    b"/not utf-8 \xff\xfe/o.ini",
    b"/" + b"\xff" * 60,
]
SHELLS = {"sh": ["sh"], "bash": ["bash", "--posix"]}


@pytest.mark.parametrize("locale", ["LC_ALL=C", "LC_ALL=C.UTF-8", "LANG=C.UTF-8", "LC_ALL="])
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_finds_the_same_place(root: Path, shell: str, locale: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"optional: there is no {shell} here")
    script = (root / "zm_event_start.sh").read_text()
    before, found, _ = script.partition("\nsocket_of\n")
    assert found
    name, _, value = locale.partition("=")
    bare = {"PATH": os.environ["PATH"], "ZMHOOK_RUN": "/r u n", name: value}
    for path in PATHS:
        done = subprocess.run(
            [*SHELLS[shell], "-c", f'{before}\nsocket_of\nprintf "%s" "$socket"', "hook", "17"],
            env={**bare, "ZMHOOK_CONFIG": path},
            capture_output=True,
            timeout=20,
        )
        named = place.socket_name(path if isinstance(path, str) else os.fsdecode(path))
        assert done.stdout == b"/r u n/" + os.fsencode(named) + b".sock", path


def test_a_name_is_never_too_long_and_differs() -> None:
    names = [place.socket_name(os.fsdecode(path)) for path in PATHS]

    assert max(len(os.fsencode(name)) for name in names) == 40
    assert not any("/" in name for name in names)
    assert place.socket_name("/etc/zm/a.ini") == "etc_zm_a.ini"
    assert place.socket_name("/etc/zm/a.ini") != place.socket_name("/etc/zm/b.ini")


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    general = General(base_data_path="/data")
    monkeypatch.setenv("ZMHOOK_RUN", "/given")
    assert place.socket_path("/o.ini", general) == Path("/given/o.ini.sock")
    monkeypatch.delenv("ZMHOOK_RUN")
    monkeypatch.setattr(place, "RUN", tmp_path)
    assert place.socket_path("/o.ini", general) == tmp_path / "o.ini.sock"
    monkeypatch.setattr(place, "RUN", tmp_path / "none")
    assert place.socket_path("/o.ini", general) == Path("/data/run/o.ini.sock")


@pytest.mark.parametrize(
    ("text", "patience"),
    [("30 3\n", (30, 3)), ("7 0.88\n", (7, 0.88)), ("35\n", (35, None)), ("x y", (None, None))],
)
def test_how_long_to_wait(tmp_path: Path, text: str, patience: tuple) -> None:
    """A service of an older version writes one number down, and gives no signs of life."""
    socket = tmp_path / "o.sock"
    assert place.patience(socket) == (None, None)
    place.patience_path(socket).write_text(text)

    assert place.patience(socket) == patience
