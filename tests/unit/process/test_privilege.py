"""As whom root works: each case in a process of its own, which may become another."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook import logs
from zmhook.errors import RightsError
from zmhook.process import privilege
from zmhook.settings import Settings

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="optional: only root can become another account"
)

WEB, GROUP, OTHER = 12345, 12346, 23456
CODE = """
import os, sys
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
try:
    become_owner(*sys.argv[1:])
except ZmhookError as error:
    sys.exit(str(error))
back = []
for become in (os.setuid, os.setgid):
    try:
        become(0)
    except PermissionError:
        back.append("no")
print(os.getresuid(), os.getresgid(), os.getgroups(), os.environ["HOME"], *back)
"""
ROOT = "(0, 0, 0) (0, 0, 0)"


def ids(uid: int, gid: int) -> str:
    return f"{(uid,) * 3} {(gid,) * 3} [{gid}] / no no"


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder of data below one that only root can write to, as /var/lib is."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as name:
        Path(name).chmod(0o755)
        base = Path(name, "data")
        base.mkdir(0o755)
        yield base


@pytest.fixture
def become(program) -> Callable[..., str]:
    """Return whose process it is after `become_owner`, or why it is refused."""

    def become(*folders: Path, **options: object) -> str:
        command = [program.python, "-c", CODE, *map(str, folders)]
        env = {**program.env, "HOME": "/root"}
        done = subprocess.run(
            command, env=env, cwd="/", capture_output=True, text=True, timeout=60, **options
        )
        return (done.stdout or done.stderr).strip()

    return become


def made(folder: Path, uid: int, gid: int = GROUP, mode: int = 0o750) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    os.chown(folder, uid, gid)
    return folder


def test_it_becomes_the_owner_for_good(base: Path, become) -> None:
    made(base, WEB)
    assert become(base) == ids(WEB, GROUP)
    assert become(base / "not" / "there") == ids(WEB, GROUP)


def test_as_install_sh_makes_the_folders(base: Path, become) -> None:
    run = made(base / "run", WEB, mode=0o770)
    assert become(base, base / "state", run) == ids(WEB, GROUP)


def test_where_all_is_roots_it_stays_root(base: Path, become) -> None:
    made(base / "run", 0, 0, 0o770)
    assert become(base, base / "run", base / "state").startswith(ROOT)


def test_other_accounts_stay_what_they_are(base: Path, become) -> None:
    made(base, WEB, mode=0o777)
    assert become(base, user=OTHER, group=OTHER, extra_groups=[]).startswith(f"{(OTHER,) * 3}")


def test_an_account_with_a_name_has_all_its_groups_and_its_home(base: Path, become) -> None:
    made(base, 65534, 0)
    answer = become(base)
    assert answer.startswith(f"{(65534,) * 3} {(65534,) * 3}")
    assert "/nonexistent no no" in answer


def test_roots_group_is_not_taken_along(base: Path, become) -> None:
    made(base, WEB, 0)
    assert become(base) == ids(WEB, privilege.NOBODY)


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777, 0o2777])
def test_what_everybody_may_write_to_is_refused(mode: int, base: Path, become) -> None:
    made(base, WEB, mode=mode)
    right = mode & ~0o002
    assert become(base) == (
        f"{base}: is writable by every user (owner {WEB}, mode {mode:04o}), so root does not work"
        f" in it: it must belong to {WEB} or root and have mode {right:04o}; or run this as the web"
        " server's user"
    )
    made(base, WEB)
    made(base / "state", WEB, mode=mode)
    assert f"{base}/state: is writable by every user" in become(base, base / "state")
    made(base, 0, 0, 0o755)
    made(base / "state", 0, 0, mode)
    assert f"must belong to root and have mode {mode & ~0o022:04o}" in become(base, base / "state")


def test_a_disk_that_nobody_else_gets_to_may_be_as_it_was_mounted(base: Path, become) -> None:
    disk = made(base / "disk", 0, 0, 0o1777)
    assert "is writable by every user" in become(disk)
    base.chmod(0o700)
    assert become(disk).startswith(ROOT)
    disk.chmod(0o777)
    assert "is writable by every user" in become(disk)


def test_what_a_group_may_write_to_is_not_for_root(base: Path, become) -> None:
    made(base / "run", 0, GROUP, 0o770)
    assert "run: is writable by a group" in become(base, base / "run")
    made(base / "state", WEB)
    assert become(base, base / "run", base / "state") == ids(WEB, GROUP)


def test_folders_of_two_accounts_are_refused(base: Path, become) -> None:
    run, state = made(base / "run", WEB), made(base / "state", OTHER)
    assert f"{state}: is owned by another account (owner {OTHER}" in become(run, state)


def test_who_can_put_another_folder_in_its_place_counts(base: Path, become) -> None:
    above = made(base, OTHER, mode=0o755)
    assert f"{above / 'run'}: is owned by another account" in become(made(above / "run", WEB))
    assert become(made(above / "state", 0, 0)) == ids(OTHER, privilege.NOBODY)


def test_above_it_only_a_sticky_folder_may_be_everybodys(base: Path, become) -> None:
    run = made(base / "run", 0, 0)
    base.chmod(0o777)
    assert f"{base}: is writable by every user" in become(run)
    base.chmod(0o1777)
    assert become(run).startswith(ROOT)


def test_a_link_counts_as_whose_it_is(base: Path, become) -> None:
    real = made(base / "real", 0, 0)
    made(base / "theirs", WEB)
    link = base / "theirs" / "run"
    link.symlink_to(real)
    assert become(link) == ids(WEB, privilege.NOBODY)
    ours = base / "ours"
    ours.symlink_to("theirs/../real")
    assert become(ours) == ids(WEB, privilege.NOBODY)
    ours.unlink()
    ours.symlink_to("real")
    assert become(ours).startswith(ROOT)


def test_links_in_a_circle_end(base: Path, become) -> None:
    (base / "a").symlink_to("b")
    (base / "b").symlink_to("a")
    assert "too many links" in become(base / "a")


def test_in_a_folder_for_all_ours_is_made_before_another_makes_it(base: Path, become) -> None:
    base.chmod(0o1777)
    assert become(base / "run" / "deep").startswith(ROOT)
    found = (base / "run").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o755)
    assert f"{base}: is writable by every user" in become(base)


def test_without_the_right_to_become_another_it_is_refused(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(base, WEB)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refuse)
    monkeypatch.setattr(privilege, "_out_of_reach", lambda _: "")
    with pytest.raises(RightsError, match=f"the data belongs to {WEB}, and this root may not"):
        privilege.become_owner(base)


def test_a_zmhook_that_the_owner_may_not_read_is_told(base: Path, program, root: Path) -> None:
    """It could start nothing, and import nothing more, once it has become that account."""
    hidden = made(base / "hidden", 0, 0, 0o700)
    shutil.copytree(root / "hook" / "zmhook", hidden / "zmhook", symlinks=True)
    data = made(base / "data", WEB)
    env = {"PYTHONPATH": os.pathsep.join([str(hidden), program.env["PYTHONPATH"]])}
    done = subprocess.run(
        [program.python, "-c", CODE, str(data)], env=env, cwd="/", capture_output=True, text=True
    )
    assert done.stderr == (
        f"{hidden}/zmhook/__init__.py: {WEB}, to whom the data belongs, may not read that, and so"
        f" cannot run zmhook: install it where {WEB} may (install.sh does)\n"
    )


def test_every_folder_of_the_settings_is_among_those_that_are_looked_at() -> None:
    """A new setting that names a folder or file of ours has to be there too."""
    from zmhook.settings.keys import keys
    from zmhook.settings.model import folders_of
    from zmhook.settings.section import BASE

    settings = Settings()
    folders = {str(folder) for folder in folders_of(settings)}
    base = settings.general.base_data_path
    read_only = f"{base}/models"
    for key in keys().values():
        default = key.default
        if isinstance(default, str) and BASE in default:
            place = default.replace(BASE, base)
            assert place.startswith(read_only) or {place, str(Path(place).parent)} & folders, (
                key.name
            )


@pytest.fixture
def zoneminder(base: Path) -> Path:
    """A configuration of ZoneMinder, which logs into a folder of its own."""
    logs = base / "zmlogs"
    logs.mkdir()
    (base / "conf.d").mkdir()
    (base / "zm.conf").write_text("ZM_DB_HOST=localhost\nZM_PATH_LOGS=/nowhere\n")
    (base / "conf.d" / "01.conf").write_text(f"ZM_PATH_LOGS = {logs} # ours\n")
    return base


@pytest.mark.parametrize(("uid", "files"), [(0, True), (WEB, False)])
def test_root_writes_zoneminders_log_only_where_nobody_else_does(
    uid: int, files: bool, zoneminder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyzm opens the file by its name, and gives what it opened away."""
    given: dict[str, object] = {}

    def set_up(*, name: str, override: dict[str, object]) -> object:
        given.update(override, name=name)
        raise OSError

    monkeypatch.setattr("pyzm.log.setup_zm_logging", set_up)
    os.chown(zoneminder / "zmlogs", uid, 0)
    with pytest.raises(OSError):
        logs._ZoneMinder("zmesdetect", str(zoneminder), debug=False)
    assert given["name"] == "zmesdetect"
    assert ("log_level_file" not in given) is files
