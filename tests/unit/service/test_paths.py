"""The hook's shell and we look for the socket in the same place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from zmhook.service import paths
from zmhook.settings import General, model

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
    "/a/b,c,,d_,/_,.ini",
    "/,_,/_/__/,,",
    "/!x/&/;/|/<>/#",
    "/" + "very/" * 30 + "long/o.ini",
    "/" + "_" * 60,
    "/one/zoneminder/config/hook/objectconfig.ini",
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
        named = paths.socket_name(path if isinstance(path, str) else os.fsdecode(path))
        assert done.stdout == b"/r u n/" + os.fsencode(named) + b".sock", path


def test_a_name_is_never_too_long_and_differs() -> None:
    here = os.fsencode(os.getcwd())  # noqa: PTH109 - as the shell has it
    absolute = {os.path.join(here, os.fsencode(path)) for path in PATHS}  # noqa: PTH118 - as well
    names = [paths.socket_name(os.fsdecode(path)) for path in absolute]

    assert max(len(os.fsencode(name)) for name in names) == 40
    assert not any("/" in name for name in names)
    assert len(set(names)) == len(names)
    assert paths.socket_name("/etc/zm/objectconfig.ini") == "etc_zm_objectconfig.ini"


END = "/" + "x" * 60 + "/objectconfig.ini"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/etc/zm/a.ini", "/etc/zm/b.ini"),
        ("/a/zoneminder/config/hook/o.ini", "/b/zoneminder/config/hook/o.ini"),
        (f"/a{END}", f"/b{END}"),
        (f"/ab{END}", f"/ba{END}"),
        (f"/a{END}", f"/a/a{END}"),
        ("/etc/zm_x/o.ini", "/etc/zm/x/o.ini"),
        ("/a,_b", "/a/,b"),
        ("/a,,b", "/a,b"),
        ("/a_/b", "/a/_b"),
        ("/a" + "_" * 50, "/a" + "/" * 50),
    ],
)
def test_two_configurations_have_two_sockets(one: str, other: str) -> None:
    assert paths.socket_name(one) != paths.socket_name(other)


def test_a_path_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.socket_name("o.ini") == paths.socket_name(f"{tmp_path}/o.ini")


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff" * 300, bytes(range(256))])
def test_the_sum_is_that_of_cksum(data: bytes) -> None:
    done = subprocess.run(["cksum"], input=data, capture_output=True, check=True, timeout=20)
    assert paths.cksum(data) == int(done.stdout.split()[0])


def test_where_earlier_versions_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZMHOOK_RUN", "/r")
    general = General()
    long = "/" + "very/" * 30 + "long/o.ini"
    assert paths.older_socket_path("/a_b/o.ini", general) == Path("/r/a_b_o.ini.sock")
    assert len(paths.older_socket_path(long, general).stem) == 40
    usual = "/etc/zm/objectconfig.ini"
    assert paths.older_socket_path(usual, general) == paths.socket_path(usual, general)


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    general = General(base_data_path="/data")
    monkeypatch.setenv("ZMHOOK_RUN", "/given")
    assert paths.socket_path("/o.ini", general) == Path("/given/o.ini.sock")
    monkeypatch.delenv("ZMHOOK_RUN")
    monkeypatch.setattr(model, "RUN", tmp_path)
    assert paths.socket_path("/o.ini", general) == tmp_path / "o.ini.sock"
    monkeypatch.setattr(model, "RUN", tmp_path / "none")
    assert paths.socket_path("/o.ini", general) == Path("/data/run/o.ini.sock")


@pytest.mark.parametrize(
    ("text", "silence"),
    [
        ("30 3\n", 3),
        ("7 0.88\n", 0.88),
        ("28.500 3.000 4=9.000\n", 3),
        ("35\n", None),
        ("30 3.", None),
        ("30 inf", None),
        ("30 0", None),
        ("x y", None),
        ("9" * 5000, None),
    ],
)
def test_how_long_to_wait_for_a_sign_of_life(tmp_path: Path, text: str, silence: float) -> None:
    """A service of an older version writes one number down, and gives no signs of life."""
    socket = tmp_path / "o.sock"
    assert paths.silence_of(socket) is None
    paths.patience_path(socket).write_text(text)

    assert paths.silence_of(socket) == silence


def test_what_hooks_are_told_of_monitors_is_bounded() -> None:
    assert paths.patience_text(28.5, 3, {7: 9, 4: 0}) == "28.500 3.000 4=0.001 7=9.000\n"
    assert paths.patience_text(28.5, 3, dict.fromkeys(range(5000), 9.0)) == "28.500 3.000\n"
