"""Starting a service from a hook."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from zmhook.service import start


def test_started_by_root_it_runs_as_the_owner_of_the_run_folder(tmp_path: Path) -> None:
    """A service of root's would lock the web server's user out."""
    if os.geteuid() != 0:
        assert start._owner(tmp_path) == {}
        return
    assert start._owner(tmp_path) == {}
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)

    owner = start._owner(tmp_path)

    assert (owner["user"], owner["group"]) == (nobody.pw_uid, nobody.pw_gid)
    assert nobody.pw_gid in owner["extra_groups"]
