"""The whole script, called as the notification server calls it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zmhook.detection import Decision

pytestmark = pytest.mark.integration


def test_a_dog_rings(config, event_folder, hook) -> None:
    folder = event_folder("dog.jpg", ("snapshot.jpg", "alarm.jpg"))

    said = hook(config(), "17", "1", "Front door", "Motion All", folder)

    assert said.code == 0, said.err
    text, _, payload = said.out.partition(" --SPLIT--")
    assert text.startswith("[a] detected:")
    assert "dog:" in text
    assert said.out.count("\n") == 1
    found = json.loads(payload)
    assert found["frame_id"] == "alarm"
    assert found["image_dimensions"]["original"] == [576, 768]
    assert len(found["labels"]) == len(found["boxes"]) == len(found["confidences"])
    assert said.err == ""


def test_the_event_folder_gets_the_picture_and_the_json(config, event_folder, hook) -> None:
    folder = event_folder()

    said = hook(config(), "17", "1", "Front door", "Motion All", folder)

    assert (folder / "objdetect.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (
        json.loads((folder / "objects.json").read_text())["labels"]
        == json.loads(said.out.partition("--SPLIT--")[2])["labels"]
    )


def test_nothing_wanted_is_silent(config, event_folder, hook) -> None:
    said = hook(config("detect_pattern = submarine"), "17", "1", "", "", event_folder())

    assert (said.code, said.out, said.err) == (1, "", "")


def test_the_snapshot_is_looked_at_when_the_alarm_frame_shows_nothing(
    config, event_folder, hook, photo: Callable[[str], Path]
) -> None:
    folder = event_folder("dog.jpg", ("snapshot.jpg",))
    (folder / "alarm.jpg").write_bytes(photo("person.jpg").read_bytes())

    said = hook(config("detect_pattern = bicycle"), "17", "1", "", "", folder)

    assert said.text.startswith("[s] detected:bicycle:")


def test_a_monitor_has_its_own_settings(config, event_folder, hook) -> None:
    path = config(rest="[monitor-2]\nshow_percent = no\ndetect_pattern = dog\n")
    folder = event_folder()

    assert hook(path, "17", "2", "", "", folder).text == "[s] detected:dog"
    assert "dog:" in hook(path, "17", "1", "", "", folder).text


def test_undecided_is_2_and_one_clear_line(config, hook, tmp_path: Path) -> None:
    said = hook(config(), "17", "1", "", "", tmp_path / "gone")

    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert str(tmp_path / "gone") in said.err
    assert "Traceback" not in said.err


def test_on_failure_alarm_rings_and_says_why(config, hook, tmp_path: Path) -> None:
    said = hook(config("on_failure = alarm"), "17", "1", "", "", tmp_path / "gone")

    assert said.code == 0
    assert said.text.startswith("[x] detected:nothing could be decided (")
    assert json.loads(said.out.partition("--SPLIT--")[2])["labels"] == []


HOSTILE = [
    'Bob\'s "front" door',
    "$(touch pwned) `touch pwned`",
    "* ? [x] ~ \\",
    "two\nlines\ttab",
    "Haustür 玄関 🚪",
    "--help",
    "-O general.models=face",
    "",
    "%s %d {0} {{key}} !TOKEN",
    b"not utf-8 \xff\xfe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_arguments_are_data(
    text: str | bytes, config, event_folder, hook, tmp_path: Path
) -> None:
    before = sorted(tmp_path.parent.rglob("pwned"))

    said = hook(config("detect_pattern = dog"), "17", "1", text, text, event_folder())

    assert said.code == 0
    assert said.text.startswith("[s] detected:dog:")
    assert sorted(tmp_path.parent.rglob("pwned")) == before
    assert not Path("/pwned").exists()


@pytest.mark.parametrize("text", [t for t in HOSTILE if isinstance(t, str)])
def test_arguments_arrive_unchanged(text: str, root: Path, tmp_path: Path, environment) -> None:
    spy = tmp_path / "python"
    spy.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[3:]))\n")
    spy.chmod(0o755)

    done = subprocess.run(
        [root / "zm_event_start.sh", "17", "1", text, text, text],
        env={**environment, "ZMHOOK_PYTHON": str(spy)},
        capture_output=True,
        timeout=30,
    )

    assert json.loads(done.stdout) == [
        "--eventid=17",
        "--monitorid=1",
        f"--monitorname={text}",
        f"--reason={text}",
        f"--eventpath={text}",
        "--ask-service",
    ]


def test_the_monitor_may_be_left_out(config, event_folder, hook) -> None:
    assert hook(config(), "17", "", "", "", event_folder()).code == 0


def test_called_through_a_link(config, event_folder, root: Path, tmp_path, environment) -> None:
    link = tmp_path / "hook.sh"
    link.symlink_to(root / "zm_event_start.sh")

    done = subprocess.run(
        [link, "17", "1", "", "", event_folder()],
        env={**environment, "ZMHOOK_CONFIG": str(config())},
        capture_output=True,
        timeout=60,
    )

    assert done.returncode == 0


@pytest.fixture
def trap(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """Have Python do something when it comes to a module; gives the environment for that."""

    def make(module: str, how: str) -> dict[str, str]:
        folder = tmp_path / "trap"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(
            "import os, pathlib, signal, sys, time\n"
            "class Trap:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name == {module!r}: {how}\n"
            "sys.meta_path.insert(0, Trap())\n"
        )
        return {"PYTHONPATH": str(folder)}

    return make


CRASH = "os.kill(os.getpid(), signal.SIGSEGV)"


def test_a_crash_is_undecided(config, event_folder, hook, trap) -> None:
    said = hook(config(), "17", "1", "", "", event_folder(), **trap("zmhook.chain", CRASH))

    assert (said.code, said.out) == (2, "")
    assert "was ended by SIGSEGV" in said.err


def test_a_crash_rings_with_on_failure_alarm(config, event_folder, hook, trap) -> None:
    path = config("on_failure = alarm")
    said = hook(path, "17", "1", "", "", event_folder(), **trap("zmhook.chain", CRASH))

    assert said.code == 0
    assert "was ended by SIGSEGV" in said.text


def test_a_crash_after_the_answer_does_not_take_it_back(config, event_folder, hook, trap) -> None:
    """The report may crash; the alarm has gone out."""
    said = hook(
        config(), "17", "1", "", "", event_folder(), **trap("zmhook.report.artifacts", CRASH)
    )

    assert (said.code, said.out.count("\n")) == (0, 1)
    assert said.text.startswith("[s] detected:dog")


def test_no_python_is_2(config, event_folder, hook) -> None:
    said = hook(config(), "17", "1", "", "", event_folder(), ZMHOOK_PYTHON="/nowhere/python")

    assert (said.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("zm_event_start.sh: cannot run: /nowhere/python is missing or damaged;")
    assert "run install.sh again" in line
    assert "on_failure" in line


def test_no_arguments_shows_the_usage(root: Path, environment) -> None:
    done = subprocess.run([root / "zm_event_start.sh"], env=environment, capture_output=True)

    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: zm_event_start.sh <eid> <mid>")


@pytest.fixture
def stuck(config, event_folder, root: Path, tmp_path: Path, environment, trap):
    """A hook whose model never comes back, and the process that is stuck in it."""
    pid = tmp_path / "pid"
    how = f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen(
        [root / "zm_event_start.sh", "17", "1", "", "", event_folder()],
        env={**environment, "ZMHOOK_CONFIG": str(config()), **trap("zmhook.chain", how)},
        stdout=subprocess.PIPE,
    )
    end = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()):
        assert time.monotonic() < end
        time.sleep(0.01)
    yield process, Path(f"/proc/{pid.read_text()}")
    process.kill()
    process.communicate()


def is_gone(process: Path) -> bool:
    end = time.monotonic() + 20
    while is_running(process) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_running(process)


def is_running(process: Path) -> bool:
    """Say whether it has not ended; a first process as in containers may not reap it."""
    try:
        return (process / "cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_hook_and_its_child(stuck, number: int) -> None:
    process, child = stuck

    process.send_signal(number)
    out, _ = process.communicate(timeout=30)

    assert (process.returncode, out) == (1, b"")
    assert is_gone(child)


def test_a_killed_hook_leaves_nothing_behind(stuck) -> None:
    process, child = stuck

    process.kill()

    process.communicate(timeout=30)
    assert is_gone(child)


def test_started_with_every_standard_file_closed(config, event_folder, root, environment) -> None:
    folder = event_folder()
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            'exec "$0" "$@" <&- >&- 2>&-',
            root / "zm_event_start.sh",
            "17",
            "1",
            "",
            "",
            folder,
        ],
        env={**environment, "ZMHOOK_CONFIG": str(config())},
        timeout=60,
    )

    assert done.returncode == 0
    assert (folder / "objdetect.jpg").exists()


def test_the_end_hook_passes_the_cause_through(root: Path) -> None:
    cause = 'Bob\'s $(id) `id` * "x"'
    done = subprocess.run(
        [root / "zm_event_end.sh", "17", "1", "Front", cause], capture_output=True, timeout=10
    )

    assert (done.returncode, done.stdout.decode()) == (0, cause + "\n")


def test_the_end_hook_can_be_extended(root: Path, tmp_path: Path) -> None:
    end = tmp_path / "zm_event_end.sh"
    end.write_bytes((root / "zm_event_end.sh").read_bytes())
    end.chmod(0o755)
    local = tmp_path / "zm_event_end_local.sh"
    local.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    local.chmod(0o755)

    done = subprocess.run([end, "17", "1", "Front door", "notes"], capture_output=True, timeout=10)

    assert done.stdout == b"17|1|Front door|notes|"


def test_json_prints_the_whole_decision(config, photo, detect) -> None:
    said = detect("-c", config(), "--file", photo("dog.jpg"), "--json", "-m", "3")

    decision = Decision.from_json(said.out)
    assert said.code == 0
    assert decision.outcome == "alarm"
    assert decision.event.monitor_id == 3
    assert {"fetch", "yolo", "gate", "total"} <= set(decision.timings)
    assert [one.rule for one in decision.dropped] == ["confidence"] * len(decision.dropped)


def test_json_tells_an_undecided_event_too(config, detect, tmp_path: Path) -> None:
    said = detect("-c", config(), "--file", tmp_path / "none.jpg", "--json")

    assert said.code == 2
    assert "none.jpg" in Decision.from_json(said.out).errors[0]


def test_overrides_win(config, photo, detect) -> None:
    said = detect(
        "-c", config(), "--file", photo("dog.jpg"), "-O", "general.detect_pattern=bicycle"
    )

    assert said.text.startswith("[x] detected:bicycle:")


def test_output_path_gets_the_annotated_picture(config, photo, detect, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    assert detect("-c", config(), "--file", photo("dog.jpg"), "-o", out).code == 0
    assert [path.suffix for path in out.iterdir()] == [".jpg"]


def test_a_folder_for_the_picture_that_takes_none(
    config, photo, event_folder, detect, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.write_text("a file")

    said = detect("-c", config(), "--file", photo("dog.jpg"), "-o", out)
    assert said.code == 2
    assert said.text
    assert said.err.count("\n") == 1
    assert f"{out} cannot be written: " in said.err

    # An event's answer does not depend on it.
    said = detect("-c", config(), "-e", "1", "-p", event_folder("dog.jpg"), "-o", out)
    assert said.code == 0
    assert f"{out} cannot be written: " in said.err


def test_version(detect) -> None:
    assert detect("--version").out.startswith("zmhook ")
    assert detect("--bareversion").out.strip().count(".") == 2


@pytest.mark.parametrize("args", [(), ("--eventid", "seven"), ("--nonsense",)])
def test_wrong_arguments_are_one_line(args: tuple[str, ...], detect) -> None:
    said = detect(*args)

    assert said.code == 2
    assert len(said.err.splitlines()) == 1


def test_a_hanging_model_ends_at_the_deadline(
    config, event_folder, root: Path, tmp_path: Path, environment
) -> None:
    """A model stuck in code that never returns cannot hold the answer back."""
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(root / 'hook')!r})\n"
        "from zmhook.detectors import base\n"
        "class Stuck:\n"
        "    name, requires = 'yolo', frozenset()\n"
        "    def __init__(self, settings): pass\n"
        "    def load(self): pass\n"
        "    def close(self): pass\n"
        "    def detect(self, frames): time.sleep(600)\n"
        "sys.modules['stuck'] = sys.modules['__main__']\n"
        "base.BUILT_IN['yolo'] = 'stuck:Stuck'\n"
        "from zmhook.cli.detect import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    # Time enough for a busy machine: what does not even begin is cut off with other words.
    path = config("on_failure = alarm\nevent_deadline = 6")

    done = subprocess.run(
        [sys.executable, driver, "-c", path, "-e", "17", "-p", event_folder()],
        env=environment,
        capture_output=True,
        timeout=120,
    )

    assert done.returncode == 0
    assert b"no decision after 6 s" in done.stdout


def test_without_zoneminder_there_is_a_log_file(config, photo, detect, tmp_path: Path) -> None:
    detect("-c", config(), "--file", photo("dog.jpg"), "-m", "3")

    log = (tmp_path / "data" / "logs" / "zmesdetect_m3.log").read_text()
    assert "detected:" in log


def test_nothing_is_told_to_the_vendor_of_the_engine(config, photo, detect, tmp_path) -> None:
    """ONNX Runtime's telemetry keeps a file under HOME; it is never switched on."""
    assert detect("-c", config(), "--file", photo("dog.jpg")).code == 0

    assert not (tmp_path / ".cache").exists()


def test_a_reader_that_went_away_is_not_a_traceback(config, photo, root, environment) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, root / "bin" / "zm_detect.py", "-c", config(), "--file", photo("dog.jpg")],
        env=environment,
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(write)

    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"the answer could not be written: Broken pipe" in done.stderr


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("command", ["bin/zm_detect.py", "zmhook", "zm_event_start.sh"])
def test_where_nothing_can_be_written(
    config, event_folder, root: Path, tmp_path: Path, environment, command: str, more: tuple
) -> None:
    """Without a stdout the answer did not arrive, without a stderr it did."""
    path = config()
    args = ["-c", path, "-e", "17", "-p", event_folder(), *more]
    call = {
        "bin/zm_detect.py": [sys.executable, root / command, *args],
        "zmhook": [sys.executable, "-m", "zmhook.cli.main", "detect", *args],
        "zm_event_start.sh": [root / command, "17", "1", "", "", event_folder()],
    }[command]
    env = {**environment, "ZMHOOK_CONFIG": str(path), "PYTHONPATH": str(root / "hook")}

    def code(**files: Any) -> int:
        return subprocess.run(call, env=env, timeout=60, **files).returncode

    with Path("/dev/full").open("wb") as full:
        assert code(stdout=subprocess.DEVNULL, stderr=full) == 0
        assert code(stdout=full, stderr=full) == 2
        assert code(stdout=full, stderr=subprocess.DEVNULL) == 2
    logs = "".join(one.read_text() for one in (tmp_path / "data" / "logs").glob("*.log"))
    assert logs.count("the answer could not be written: No space left on device") == 2


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("-e", "x", "-m", "1")])
def test_what_cannot_be_said_is_2(root: Path, environment, args: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, root / "bin/zm_detect.py", *args],
            env=environment,
            stdout=full,
            stderr=full,
            timeout=60,
        )

    assert done.returncode == 2


def test_a_command_that_cannot_say_anything_fails(root: Path, environment) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "zmhook.cli.main", "--version"],
            env={**environment, "PYTHONPATH": str(root / "hook")},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr == b"zmhook: stdout cannot be written to: No space left on device\n"


ODD = ["-1", "+5", " 5", "5.0", "0x5", "007", "\u0663", str(2**63), "9" * 30, "seven"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("which", ["event", "monitor"])
def test_an_odd_number_is_2_and_one_line(config, hook, detect, tmp_path, which, odd: str) -> None:
    """Also by zm_detect.py, and in the log: as the service has it (test_answers.py)."""
    path, ids = config("on_failure = alarm"), (odd, "1") if which == "event" else ("17", odd)
    line = f"zmhook: ERROR: {which}: expected a whole number, got '{odd}'\n"

    assert hook(path, *ids) == (2, "", line)
    assert detect("-c", path, f"-e={ids[0]}", f"-m={ids[1]}") == (2, "", line)
    log = (tmp_path / "data" / "logs").glob("zmesdetect*.log")
    assert "".join(one.read_text() for one in log).count("expected a whole number") == 2


def test_no_event_at_all_is_2(config, hook) -> None:
    assert hook(config(), "", "1")[:2] == (2, "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_on_stdout(root: Path, environment, flag: str) -> None:
    done = subprocess.run(
        [root / "zm_event_start.sh", flag], env=environment, capture_output=True, timeout=30
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"usage: zm_event_start.sh <eid> <mid>")


def test_the_time_counts_from_the_shells_start(
    config, event_folder, hook, tmp_path: Path, root: Path
) -> None:
    """A Python that takes longer to start than an event may take has no time left."""
    slow = tmp_path / "slow-python"
    slow.write_text(f'#!/bin/sh\nsleep 3\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    path = config("event_deadline = 2\non_failure = alarm")

    said = hook(path, "17", "1", "", "", event_folder(), ZMHOOK_PYTHON=str(slow))

    assert said.code == 2 or "detected:nothing could be decided" in said.text


# -- as ZoneMinder starts it ---------------------------------------------------------------------


@pytest.fixture(params=["dash", "bash"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """What /bin/sh may be."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip(f"optional: there is no {request.param}")
    return [program, *(["--posix"] if request.param == "bash" else [])]


@pytest.fixture
def hurt(config, event_folder, tmp_path: Path, as_zmdc, environment):
    """Call what zmdc.pl would, and return what it left: exit code, modes of what it made."""

    def call(*command: str | Path) -> tuple[int, list[Path]]:
        path = tmp_path / "objectconfig.ini"
        if not path.exists():
            config("delete_after_analyze = no\nwrite_debug_image = yes")
        env = {"ZMHOOK_CONFIG": str(path), **environment}
        for name in ("HOME", "PATH"):
            env.pop(name)
        code = as_zmdc(command, env)
        made = [one for one in (tmp_path / "data").rglob("*") if not one.is_symlink()]
        return code, [one for one in made if one.stat().st_mode & 0o002]

    return call


def test_started_by_zoneminder_it_decides(
    hurt, shell, event_folder, root: Path, tmp_path: Path
) -> None:
    """Where `wait` never returns, children vanish, no file is open, and umask is 0."""
    folder = event_folder()

    code, open_to_all = hurt(*shell, root / "zm_event_start.sh", "17", "1", "", "", folder)

    assert (code, open_to_all) == (0, [])
    assert (folder / "objdetect.jpg").exists()
    assert "detected:dog" in (tmp_path / "data/logs/zmesdetect_m1.log").read_text()


def test_started_by_zoneminder_through_a_link(
    hurt, shell, event_folder, root: Path, tmp_path: Path
) -> None:
    link = tmp_path / "hook.sh"
    link.symlink_to(root / "zm_event_start.sh")

    assert hurt(*shell, link, "17", "1", "", "", event_folder()) == (0, [])


def test_zm_detect_started_by_zoneminder(hurt, event_folder, root: Path) -> None:
    folder = event_folder()

    call = (sys.executable, root / "bin/zm_detect.py", "-e", "17", "-m", "1", "-p", folder)

    assert hurt(*call) == (0, [])
    assert (folder / "objdetect.jpg").exists()


def test_started_by_zoneminder_a_crash_is_told(
    hurt, shell, event_folder, root: Path, tmp_path: Path, environment, trap
) -> None:
    environment |= trap("zmhook.chain", CRASH)

    code, _ = hurt(*shell, root / "zm_event_start.sh", "17", "1", "", "", event_folder())

    assert code == 2
    assert "was ended by SIGSEGV" in (tmp_path / "data/logs/zmesdetect_m1.log").read_text()


def test_the_end_hook_started_by_zoneminder(as_zmdc, shell, root: Path) -> None:
    assert as_zmdc([*shell, root / "zm_event_end.sh", "17", "1", "Front", "notes"], {}) == 0


def test_an_own_end_hook_started_by_zoneminder_can_wait(
    as_zmdc, shell, root: Path, tmp_path: Path
) -> None:
    end = tmp_path / "zm_event_end.sh"
    end.write_bytes((root / "zm_event_end.sh").read_bytes())
    local = tmp_path / "zm_event_end_local.sh"
    local.write_text(
        f"#!{shell[0]}\n(exit 5) &\nwait $!\necho $? $1 >{tmp_path}/waited\numask >&2\n"
    )
    local.chmod(0o755)

    assert as_zmdc([*shell, end, "17", "1", "Front", "notes"], {}) == 0

    assert (tmp_path / "waited").read_text() == "5 17\n"
    assert (tmp_path / "waited").stat().st_mode & 0o007 == 0


def test_a_broken_installation_is_2(root: Path, tmp_path: Path, environment) -> None:
    """Python's own exit code for an exception would mean that nothing was detected."""
    broken = tmp_path / "zmhook"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('half installed')\n")
    script = tmp_path / "zm_detect.py"
    script.write_bytes((root / "bin" / "zm_detect.py").read_bytes())

    done = subprocess.run(
        [sys.executable, script, "-e", "17"], env=environment, capture_output=True, timeout=30
    )

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == (
        b"zm_detect.py: cannot run: RuntimeError: half installed"
        b" (run install.sh again: it repairs a damaged installation)\n"
    )


def test_what_the_caller_passes_begins_no_line_of_its_own(config, hook, tmp_path: Path) -> None:
    forged = "x\n2026-03-01 00:00:00,000 zmesdetect[1] ERROR forged\x1b[2J\u2028\u202e"
    path = config("on_failure = alarm")
    said = hook(path, "17", "1", forged, forged, f"{tmp_path}/{forged}")

    assert said.code == 0
    assert len(said.out.removesuffix("\n").splitlines()) == 1
    assert said.out.removesuffix("\n").isprintable()
    json.loads(said.out.partition("--SPLIT--")[2])
    log = "".join(file.read_text() for file in tmp_path.rglob("*.log"))
    assert "forged" in log
    assert not [line for line in log.split("\n") if line.startswith("2026-03-01 00:00:00,000")]
    assert all(line.isprintable() for line in [*log.split("\n"), *said.err.split("\n")])
