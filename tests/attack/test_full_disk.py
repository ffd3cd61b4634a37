"""No alarm is lost where `state` takes no files: the answer is right, and messages go out."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from zmhook.doctor.folders import room

pytestmark = pytest.mark.attack

NO_MOUNTS = "optional: only root can mount a small disk, and not in each container"


def mounted(folder: Path, options: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "zmhook-test", folder],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(NO_MOUNTS)


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """Have a small disk at a folder."""
    if os.geteuid() != 0:
        pytest.skip(NO_MOUNTS)
    mounted(folder, options)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "full").open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()


def use_up_inodes(folder: Path) -> None:
    with suppress(OSError):
        for number in range(10_000):
            (folder / f"file-{number}").touch()


def nothing(_: Path) -> None:
    pass


def read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


DISKS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "full": ("size=64k", fill, "is full: make room"),
    "without inodes": ("size=1m,nr_inodes=12", use_up_inodes, "can hold no more files (df -i)"),
    "read-only": ("size=1m", read_only, "is read-only"),
    "too small for one": ("size=8k", nothing, "is full: make room"),
}


@pytest.fixture
def told(endpoint_type) -> Iterator[Any]:
    """Whom alarms are told to."""
    made = endpoint_type()
    yield made
    made.close()


def configure(site: Any, url: str, *, warm: bool) -> None:
    site.write(
        general="write_image_to_zm = no",
        service=f"use_service = {'yes' if warm else 'no'}",
        rest=f"[notify]\nnotify_webhook = {url}/hook\nnotify_apprise = json://{url[7:]}/app\n",
    )


def told_of(told: Any, number: int) -> bool:
    """Whether a webhook and an Apprise address got the event."""
    hooks = [json.loads(got.body) for got in told.got if got.path == "/hook"]
    has_app = sum(got.path.startswith("/app") for got in told.got) >= len(hooks)
    return has_app and any(body["event"] == number for body in hooks)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("which", DISKS)
def test_an_alarm_is_told_from_memory(which: str, warm: bool, site, told, attack) -> None:
    options, spoil, words = DISKS[which]
    configure(site, told.url, warm=warm)
    state = site.folder / "data" / "state"
    with disk(state, options):
        spoil(state)
        try:
            if warm:
                site.warm()
            for number in (7, 8):
                with attack(f"{which}, event {number}"):
                    said = site.hook(site.event(number=number), number)
                    assert (said.code, said.text[:16]) == (0, "[a] detected:dog")
                    site.until(lambda number=number: told_of(told, number))
            with attack("the log names the disk"):
                site.until(lambda: words in site.log())
                assert f"{state}/spool: the disk at {state} {words}" in site.log()
                assert "webhook, apprise-1 is sent from memory, once only" in site.log()
        finally:
            stop(site)


@pytest.mark.parametrize("which", DISKS)
def test_the_doctor_names_it(which: str, tmp_path: Path, attack) -> None:
    options, spoil, words = DISKS[which]
    state = tmp_path / "state"
    with disk(state, options):
        spoil(state)
        with attack(f"a disk that is {which}"):
            finding = room(state)
            assert finding.state == "fault"
            assert f"{state}: the disk at {state} {words}" in finding.text
            assert finding.cure == f"df -h {state}; df -i {state}"


def stop(site: Any) -> None:
    """End what uses the disk."""
    for pid in site.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, 15)
    site.until(lambda: not site.processes())


def test_a_limit_on_the_size_of_files(site, told, attack) -> None:
    """As a quota that is used up, also where nothing can be mounted."""
    configure(site, told.url, warm=False)
    folder = site.event(number=7)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with attack("an event"):
        done = subprocess.run(
            [site.root / "zm_event_start.sh", "7", "1", "Door", "Motion", folder],
            env=site.env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            preexec_fn=limit,
            check=False,
        )
        assert (done.returncode, done.stdout[:16]) == (0, "[a] detected:dog")
        assert "the size of files is limited (ulimit -f)" in done.stderr
        site.until(lambda: told_of(told, 7))


def test_the_reserve_makes_room_and_is_made_anew(site, told, attack) -> None:
    configure(site, told.url, warm=False)
    state = site.folder / "data" / "state"
    with disk(state, "size=24m"):
        site.hook(site.event(number=7), 7)
        site.until(lambda: told_of(told, 7) and not site.processes())
        reserve = sorted(path.name for path in (state / "spool").glob("reserve-*"))
        with attack("there is one"):
            assert len(reserve) == 8
        fill(state)
        with attack("it is given up, and the message stored"):
            site.hook(site.event(number=8), 8)
            site.until(lambda: told_of(told, 8) and not site.processes())
            assert "the reserve for messages is in use now" in site.log()
            assert "from memory" not in site.log()
        (state / "full").unlink()
        with attack("it is made anew when there is room"):
            site.hook(site.event(number=9), 9)
            site.until(lambda: told_of(told, 9) and not site.processes())
            assert sorted(path.name for path in (state / "spool").glob("reserve-*")) == reserve
