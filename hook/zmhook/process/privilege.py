"""Step down from root before our data is touched.

Hooks run as the web server's user, who can put a link, a pipe or a folder wherever it may write.
A process of root's that opened such a thing by its name would do to the whole machine what the
link says. So a process that is root becomes the owner of the data, for good, before it opens,
makes or starts anything there: `become_owner`. Where all of it is root's own it stays root, and
then nobody else may be able to write to any folder on the way.

Settings count too, for they name folders of data and programs to run: before root reads a file of
settings that is another account's, it becomes that account: `become_owner_of_settings`.

A picture that an administrator names on the command line is read before root becomes the owner of
the data.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import RightsError

if TYPE_CHECKING:
    from collections.abc import Iterable


NOBODY = 65534
MOST_STEPS = 400
_OTHERS, _GROUP = stat.S_IWOTH, stat.S_IWGRP


class Step(NamedTuple):
    """A folder or link on the way to a folder of data."""

    path: str
    mode: int
    uid: int
    gid: int

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def lets_others_through(self) -> bool:
        """Whether anybody else gets to what is below: an empty disk has mode 1777, mounted anew."""
        return bool(self.mode & stat.S_IXOTH or (self.mode & stat.S_IXGRP and self.gid))

    @property
    def is_everybodys(self) -> bool:
        """Whether everybody may put something in, and take away what is another's."""
        return not self.is_link and bool(self.mode & _OTHERS)


class Way(NamedTuple):
    """The steps from `/` (left out) to a folder, from above, as far as they are there."""

    folder: str
    steps: list[Step]
    is_whole: bool

    def owner(self) -> Step | None:
        """Return the first step that is not root's: whose it is can change all below."""
        return next((step for step in self.steps if step.uid), None)


class _ForeignSettings(NamedTuple):
    """A file of settings and its owner."""

    file: str
    uid: int


class _Process:
    """What this process became after it started as root."""

    stays_root = False
    settings: _ForeignSettings | None = None


def is_root() -> bool:
    return os.geteuid() == 0


def become_owner(*folders: str | Path) -> None:
    """As root, become the account that these folders belong to; nothing happens to others.

    The folders need not be there. Raises `RightsError` where somebody else than that account could
    have prepared what is in there, and where this root may not become another.
    """
    if not is_root():
        _check_data(folders)
        return
    ways = [_way(folder) for folder in dict.fromkeys(folders)]
    owner = next(filter(None, (way.owner() for way in ways)), None)
    for way in ways:
        _check(way, owner.uid if owner else 0)
    if owner:
        _become(_Account.of(owner.uid, _group_of(ways, owner)))
        return
    for way in ways:
        _make_first(way)
    _Process.stays_root = True


def become_owner_of_settings(file: str | Path) -> None:
    """As root, before a file of settings is read, become the account that may write to it.

    Nothing happens to others, nor where only root may. Raises `RightsError` where more than one
    account may, and where this root has decided already that it stays root.
    """
    if not is_root() or str(file) == os.devnull:
        return
    way = _way(file)
    owner = way.owner()
    _check_settings(way, owner.uid if owner else 0)
    if owner is None:
        return
    if _Process.stays_root:
        raise _not_roots(owner, way)
    _become(_Account.of(owner.uid, _group_of([way], owner)), str(file))
    _Process.settings = _ForeignSettings(str(file), owner.uid)


def is_only_ours(folder: str | Path) -> bool:
    """Say whether nobody but us and root can put anything into a folder, or in its place."""
    try:
        _check(_way(folder), os.geteuid())
    except (OSError, RightsError):
        return False
    return True


def name_of(uid: int) -> str:
    """Return an account's name, or its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


# -- whose a folder is -----------------------------------------------------------------------------


def _way(folder: str | Path) -> Way:
    todo = os.path.abspath(folder).split("/")  # noqa: PTH100 - resolve() would follow links
    steps: list[Step] = []
    here = "/"
    while todo:
        name = todo.pop(0)
        if name in ("", ".", ".."):
            here = os.path.dirname(here) if name == ".." else here  # noqa: PTH120 - no file yet
            continue
        step = _step(os.path.join(here, name))  # noqa: PTH118
        if step is None:
            return Way(str(folder), steps, is_whole=False)
        steps.append(step)
        if not step.is_link:
            here = step.path
            continue
        if len(steps) > MOST_STEPS:
            raise RightsError(f"{folder}: there are too many links on the way to it")
        target = os.readlink(step.path)  # noqa: PTH115
        here = "/" if target.startswith("/") else here
        todo[:0] = target.split("/")
    return Way(str(folder), steps, is_whole=True)


def _step(path: str) -> Step | None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RightsError(f"{path!r}: cannot be looked at ({reason})") from None
    return Step(path, status.st_mode, status.st_uid, status.st_gid)


def _check(way: Way, uid: int) -> None:
    """Raise `RightsError` when somebody other than root and `uid` can change what is on the way."""
    is_open = True
    for step in way.steps:
        is_folder = way.is_whole and step is way.steps[-1]
        if step.uid not in (0, uid):
            raise _refused(step, uid, "owned by another account")
        if step.is_everybodys and ((is_folder and is_open) or not step.mode & stat.S_ISVTX):
            raise _refused(step, uid, "writable by every user")
        if is_folder and uid == 0 and step.mode & _GROUP and step.gid != 0:
            raise _refused(step, uid, "writable by a group")
        is_open = is_open and step.lets_others_through


def _check_settings(way: Way, uid: int) -> None:
    """Raise `RightsError` when others than root and `uid` can change a file of settings."""
    for step in way.steps:
        if step.uid not in (0, uid):
            raise _not_roots(step, way)
        is_file = way.is_whole and step is way.steps[-1]
        if step.is_link or (not is_file and step.mode & stat.S_ISVTX):
            continue
        if step.mode & _OTHERS or (step.mode & _GROUP and step.gid and not step.uid):
            raise _not_roots(step, way)


def _not_roots(step: Step, way: Way) -> RightsError:
    there = "it" if way.folder == step.path else way.folder
    mode = stat.S_IMODE(step.mode)
    return RightsError(
        f"{step.path}: others than root may change it (owner {name_of(step.uid)}, mode {mode:04o}),"
        f" so root reads no settings from {there}: chown -h root:root {step.path} && chmod go-w"
        f" {step.path}"
    )


def _check_data(folders: Iterable[str | Path]) -> None:
    """Raise `RightsError` when we are here for settings of another, and all data is root's."""
    settings = _Process.settings
    if settings is None or settings.uid != os.geteuid():
        return
    ways = [_way(folder) for folder in dict.fromkeys(folders)]
    roots = next((way for way in ways if way.is_whole and way.steps), None)
    if roots is None or any(way.owner() for way in ways):
        return
    name, mode = name_of(settings.uid), stat.S_IMODE(roots.steps[-1].mode)
    raise RightsError(
        f"{settings.file}: belongs to {name}, and the data in {roots.folder} to root"
        f" (mode {mode:04o}): chown -h root:root {settings.file}, or give the folders of data to"
        f" {name}"
    )


def _refused(step: Step, uid: int, why: str) -> RightsError:
    mode = stat.S_IMODE(step.mode)
    right = mode & ~(_OTHERS if uid else _OTHERS | _GROUP)
    owner = "root" if uid == 0 else f"{name_of(uid)} or root"
    return RightsError(
        f"{step.path}: is {why} (owner {name_of(step.uid)}, mode {mode:04o}), so root does not work"
        f" in it: it must belong to {owner} and have mode {right:04o}; or run this as the web"
        " server's user"
    )


def _make_first(way: Way) -> None:
    """In a folder that everybody may write to, such as /tmp, make ours before somebody else can."""
    if way.is_whole or not way.steps or not way.steps[-1].is_everybodys:
        return
    if not all(step.lets_others_through for step in way.steps[:-1]):
        return
    missing = Path(os.path.abspath(way.folder))  # noqa: PTH100
    while not os.path.lexists(missing.parent):
        missing = missing.parent
    with suppress(OSError):  # what takes nothing of root's takes nothing of others either
        missing.mkdir(0o755)
    _check(_way(way.folder), 0)


# -- stepping down ---------------------------------------------------------------------------------


def _group_of(ways: Iterable[Way], owner: Step) -> int:
    """Return the group of the owner's folders: that of root is none to take along."""
    theirs = (step for way in ways for step in way.steps[-1:] if step.uid == owner.uid)
    return next((step.gid for step in theirs if not step.is_link and step.gid), 0)


class _Account(NamedTuple):
    """The account to become."""

    uid: int
    groups: list[int]
    name: str
    home: str

    @classmethod
    def of(cls, uid: int, gid: int) -> _Account:
        """Return it with all its groups, only that of its folders when it has no name."""
        import pwd

        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, [gid or NOBODY], str(uid), "/")
        group = gid or entry.pw_gid
        others = os.getgrouplist(entry.pw_name, group)
        groups = [group, *(other for other in others if other != group)]
        return cls(uid, groups, entry.pw_name, entry.pw_dir)

    def become(self) -> None:
        """Become it for good. Raises `OSError` when this root may not."""
        group = self.groups[0]
        os.setgroups(self.groups)
        os.setresgid(group, group, group)
        os.setresuid(self.uid, self.uid, self.uid)
        # What looks for files at home must not find root's.
        os.environ.update(HOME=self.home, USER=self.name, LOGNAME=self.name)


def _become(account: _Account, what: str = "the data") -> None:
    out_of_reach = _out_of_reach(account)
    if out_of_reach:
        raise RightsError(
            f"{out_of_reach}: {account.name}, to whom {what} belongs, may not read that, and so"
            f" cannot run zmhook: install it where {account.name} may (install.sh does)"
        )
    try:
        account.become()
    except OSError as error:
        raise RightsError(
            f"{what} belongs to {account.name}, and this root may not become that"
            f" ({error.strerror}): run this as {account.name}"
        ) from None


def _out_of_reach(account: _Account) -> str:
    """Return what of our own program the account may not read, "" when it may read all of it.

    A process of its own tries, since that cannot come back.
    """
    import sys

    import msgspec

    import zmhook

    parts = [sys.executable, *(str(module.__file__) for module in (os, msgspec, zmhook))]
    child = os.fork()
    if child == 0:
        code = len(parts)
        try:
            account.become()
            code = next((n for n, part in enumerate(parts) if not os.access(part, os.R_OK)), code)
        except OSError:
            pass  # the one who asks finds out as well, and says why
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return parts[code] if 0 <= code < len(parts) else ""
