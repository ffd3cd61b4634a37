"""Whoever comes first starts the service, and leaves nothing of their own to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zmhook.service import paths
from zmhook.service.paths import socket_name
from zmhook.settings import General

pytestmark = pytest.mark.integration

ODD = {
    "TZ": "Pacific/Auckland",
    "LC_ALL": "xx_XX",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "LD_LIBRARY_PATH": "/nowhere",
    "PYTHONHASHSEED": "1",
    "OMP_NUM_THREADS": "1",
    "TMPDIR": "/nowhere",
}
PLAIN = {"PATH", "LANG", "PYTHONPATH", "ZMHOOK_RUN", "ZMHOOK_CONFIG", "ZMHOOK_PYTHON"}
INDIA = 5.5 * 3600


def environ(pid: int) -> dict[str, str]:
    data = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(one.partition("=")[::2] for one in data.split("\0") if one)


def test_nothing_of_the_first_callers_environment_is_left(site) -> None:
    site.env |= ODD
    site.warm()
    (supervisor,) = site.supervisors()
    (worker,) = site.workers()
    assert set(environ(supervisor)) == PLAIN
    assert set(environ(worker)) <= PLAIN | {"OPENBLAS_NUM_THREADS"}
    assert environ(supervisor)["LANG"] == "C.UTF-8"
    assert Path(f"/proc/{supervisor}/cwd").readlink() == Path("/")


def test_nor_of_their_limits(site) -> None:
    """Root may give a better priority; everybody may take the limits to what they may be."""
    limited = (
        "import os, resource, sys\n"
        "most = resource.getrlimit(resource.RLIMIT_DATA)[1]\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, most))\n"
        "os.umask(0o777); os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "if os.geteuid() == 0: os.nice(7)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    hook = [sys.executable, "-c", limited, site.root / "zm_event_start.sh"]
    subprocess.run([*hook, "5", "1", "", "", site.event()], env=site.env, timeout=60, check=False)
    site.until(site.socket.exists)
    (supervisor,) = site.supervisors()
    status = Path(f"/proc/{supervisor}/status").read_text()
    limits = Path(f"/proc/{supervisor}/limits").read_text()
    assert "Umask:\t0007" in status
    assert os.getpriority(os.PRIO_PROCESS, supervisor) <= os.getpriority(os.PRIO_PROCESS, 0)
    assert os.sched_getaffinity(supervisor) >= os.sched_getaffinity(0)
    assert re.search(r"Max data size +unlimited", limits)


@pytest.mark.parametrize("service", ["", "use_service = no"])
def test_a_schedule_is_judged_in_the_zone_that_is_set(site, service: str) -> None:
    """Whatever zone callers have, one of them on the other side of the world."""
    hours = {time.gmtime(time.time() + INDIA + later).tm_hour for later in (0, 600)}
    gate = f"[gate]\nquiet_times = * {','.join(map(str, hours))} * * *\n"
    site.write("time_zone = Asia/Kolkata", service, gate)
    if not service:
        site.env["TZ"] = "Pacific/Auckland"
        site.warm()
    for zone in ("Pacific/Auckland", "America/New_York", None):
        site.env.pop("TZ", None)
        site.env |= {"TZ": zone} if zone else {}
        assert site.hook().code == 1
    site.write("time_zone = America/New_York", service, gate)
    assert site.hook().code == 0


def test_two_configurations_that_end_alike_have_two_services(site) -> None:
    configs = []
    for name in ("one", "two"):
        path = site.folder / name / ("deep/" * 8) / "objectconfig.ini"
        path.parent.mkdir(parents=True)
        path.write_text(site.config.read_text())
        configs.append(path)
    sockets = [site.run / f"{socket_name(path)}.sock" for path in configs]
    for path in configs:
        site.env["ZMHOOK_CONFIG"] = str(path)
        assert site.hook().code == 0
    site.until(lambda: all(socket.exists() for socket in sockets))
    supervisors = [environ(pid)["ZMHOOK_CONFIG"] for pid in site.supervisors()]
    assert sorted(supervisors) == sorted(map(str, configs))


# -- after an upgrade ------------------------------------------------------------------------------


@pytest.fixture
def renamed(site, monkeypatch: pytest.MonkeyPatch):
    """A site whose socket had another name in versions before this one."""
    config = site.folder / "a_b.ini"
    site.config.rename(config)
    site.config = config
    site.env["ZMHOOK_CONFIG"] = str(config)
    monkeypatch.setenv("ZMHOOK_RUN", str(site.run))
    return site


@contextmanager
def old(site) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service as such a version has left it."""
    older = paths.older_socket_path(site.config, General())
    assert older != site.socket
    command = [sys.executable, "-m", "zmhook.server", "-c", site.config, "--socket", older]
    env = {**site.env, "PYTHONPATH": f"{site.root / 'hook'}:{site.env['PYTHONPATH']}"}
    with subprocess.Popen(command, env=env, cwd="/") as process:
        site.until(older.exists)
        yield process
        site.until(lambda: not older.exists())


def test_one_under_its_old_name_is_ended(renamed) -> None:
    with old(renamed) as process:
        renamed.hook()
        renamed.until(renamed.socket.exists)
        assert process.wait(30) == 0
    assert len(renamed.supervisors()) == 1


def test_a_stop_ends_one_under_its_old_name_too(renamed) -> None:
    with old(renamed) as process:
        run = "import sys; from zmhook.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", run, "service", "stop", "-c", renamed.config]
        env = {**renamed.env, "PYTHONPATH": str(renamed.root / "hook")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert process.wait(30) == 0
