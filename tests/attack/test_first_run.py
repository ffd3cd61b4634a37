"""Root tries the very first event by hand: the web server's account works there afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.attack

DETECTED = "detected:person"
NAMELESS = (42_424, 43_434)
"""An account without a line in /etc/passwd, as containers have."""


@pytest.fixture
def make_ground(
    root: Path, photo: Any, program: Any, web_user: Any
) -> Iterator[Callable[..., Any]]:
    """Make grounds whose folders of data are not there, or are empty, of an account."""
    spec = importlib.util.spec_from_file_location(
        "root_tests", Path(__file__).with_name("test_root.py")
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = []

    def make(uid: int, gid: int) -> Any:
        account = type(web_user)(uid, gid)
        folder = Path(tempfile.mkdtemp(prefix="zmh", dir="/tmp"))
        ground = module.Ground(folder, root, program, account)
        made.append(ground)
        ground.pictures(photo("person.jpg"))
        for path in ground.base.iterdir():
            shutil.rmtree(path)
        return ground

    yield make
    for ground in made:
        ground.close()


def state_of(ground: Any) -> dict[str, tuple[int, int, int]]:
    """Return owner, group and mode of what was made, by name; what comes and goes is left out."""
    found = {}
    for path in sorted(ground.base.rglob("*")):
        if path.is_dir() or path.suffix in (".lock", ".start", ".log", ".sqlite"):
            stat = path.lstat()
            name = str(path.relative_to(ground.base))
            found[name] = stat.st_uid, stat.st_gid, stat.st_mode & 0o7777
    return found


def first_run(ground: Any, **account: Any) -> dict[str, tuple[int, int, int]]:
    done = ground.call("hook", "5", "1", "Door", "Motion", ground.event, **account)
    assert done.returncode == 0, done
    assert DETECTED in done.stdout, done
    ground.end()
    return state_of(ground)


@pytest.mark.parametrize("which", ["web", "nameless"])
def test_what_root_makes_is_as_they_make_it(
    which: str, make_ground: Callable[..., Any], web_user: Any, attack: Any
) -> None:
    uid, gid = NAMELESS if which == "nameless" else (web_user.uid, web_user.gid)
    by_root, by_them = make_ground(uid, gid), make_ground(uid, gid)
    them = {"user": uid, "group": gid, "extra_groups": []}
    for ground in (by_root, by_them):
        os.chown(ground.base, uid, gid)
    with attack("the same folders and files, owners and modes"):
        made = first_run(by_root)
        names = {config_free(name): what for name, what in made.items()}
        theirs = {config_free(name): what for name, what in first_run(by_them, **them).items()}
        assert {what[:2] for what in made.values()} == {(uid, gid)}
        assert names == theirs
        assert {"run", "state", "logs"} <= set(made)
    with attack("they work there afterwards, with a service of theirs"):
        done = by_root.call("hook", "6", "1", "Door", "Motion", by_root.event, **them)
        assert (done.returncode, DETECTED in done.stdout) == (0, True), done
        assert done.stderr == ""
        pids = by_root.processes()
        assert pids
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {uid}


def config_free(name: str) -> str:
    """Leave out the name of the configuration, which differs."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/{Path(file).suffix}" if folder == "run" else name


@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
def test_in_a_folder_of_roots_they_decide_too(
    there: bool, make_ground: Callable[..., Any], web_user: Any, attack: Any
) -> None:
    """All in it is root's then, and they could make nothing there before either."""
    ground = make_ground(web_user.uid, web_user.gid)
    if not there:
        ground.base.rmdir()
    with attack("root's own"):
        made = first_run(ground)
        assert {what[0] for what in made.values()} == {0}
    with attack("theirs after it"):
        done = ground.call("hook", "6", "1", "Door", "Motion", ground.event, **web_user.popen())
        assert (done.returncode, DETECTED in done.stdout) == (0, True), done
        assert "Traceback" not in done.stderr
