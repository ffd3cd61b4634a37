"""The training command as its user runs it, with real portraits."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.integration


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "known_faces"


@pytest.fixture
def add(known: Path, photo: Callable[[str], Path]) -> Callable[..., Path]:
    """Put a photo, 400 pixels wide, into a person's folder."""

    def put(name: str, path: str) -> Path:
        target = known / path
        target.parent.mkdir(parents=True, exist_ok=True)
        picture = cv2.imread(str(photo(name)))
        height = round(picture.shape[0] * 400 / picture.shape[1])
        cv2.imwrite(str(target), cv2.resize(picture, (400, height)))
        return target

    return put


@pytest.fixture
def two(add: Callable[..., Path]) -> None:
    add("obama.jpg", "obama/1.jpg")
    add("biden.jpg", "biden/1.jpg")


@pytest.fixture
def config(tmp_path: Path, model: Callable[[str], Path]) -> Path:
    path = tmp_path / "objectconfig.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
        f"[face]\nface_train_model = yunet\n"
        f"face_yunet_model = {model('face_detection_yunet_2023mar.onnx')}\n"
    )
    return path


@pytest.fixture
def command(root: Path, config: Path) -> list[str]:
    return [sys.executable, str(root / "bin" / "zm_train_faces.py"), "-c", str(config)]


@pytest.fixture
def train(command: list[str]) -> Callable[..., Said]:
    def run(*arguments: str) -> Said:
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


def table(said: Said) -> dict[str, list[str]]:
    rows = said.out.partition("person")[2].partition("warning:")[0].splitlines()[1:]
    return {row.split()[0]: row.split()[1:] for row in rows if row}


def test_training_tells_who_is_known_and_the_second_time_looks_at_nothing(train, two):
    first = train()
    assert first.code == 0
    assert "2 pictures: 2 trained, 0 rejected, 0 unchanged" in first.out
    assert "warning: these faces are not used yet: set [general] models = yolo,face" in first.out
    assert table(first) == {"biden": ["1", "0"], "obama": ["1", "0"]}
    second = train()
    assert second.code == 0
    assert "2 pictures: 0 trained, 0 rejected, 2 unchanged" in second.out
    assert table(second) == table(first)


def test_rejected_pictures_are_told_with_the_reason(train, two, add, known):
    add("dog.jpg", "obama/dog.jpg")
    add("two_people.jpg", "obama/both.jpg")
    (known / "biden" / "page.jpg").write_text("<html></html>")
    said = train()
    assert said.code == 0
    assert "5 pictures: 2 trained, 3 rejected, 0 unchanged" in said.out
    rows = {
        line.split()[0]: line.split(maxsplit=1)[1] for line in said.out.splitlines() if "/" in line
    }
    assert rows["obama/dog.jpg"] == "no face"
    assert rows["obama/both.jpg"] == "two faces"
    assert rows["biden/page.jpg"].startswith("unreadable: ")


def test_somebody_without_a_usable_picture_is_exit_code_1(train, two, add):
    add("dog.jpg", "rex/1.jpg")
    said = train()
    assert said.code == 1
    assert table(said)["rex"] == ["0", "1"]


def test_nobody_trained_is_exit_code_2(train, add, known):
    add("dog.jpg", "rex/1.jpg")
    said = train()
    assert said.code == 2
    assert f"{known}: no picture can be used, so nobody was trained" in said.err


def test_no_pictures_at_all_says_what_to_do(train, known):
    said = train()
    assert said.code == 2
    assert f"{known}: no pictures; create a folder there for each person" in said.err
    assert "Traceback" not in said.err


def test_people_who_look_alike_are_warned_about(train, two, add):
    add("obama2.jpg", "barack/1.jpg")
    said = train()
    assert said.code == 0
    assert "warning: barack and obama look alike to the model" in said.out
    assert "biden" not in said.out.partition("warning")[2]


def test_a_picture_beside_the_folders_is_mentioned(train, two, known):
    shutil.copy(known / "obama" / "1.jpg", known / "michelle.jpg")
    assert "michelle.jpg: ignored; move it to a folder" in train().out


def test_a_smaller_size_is_another_way_of_looking(train, two):
    train()
    assert "2 trained" in train("--size", "200").out
    assert "2 unchanged" in train("--size", "200").out


def test_yunets_missing_file_is_one_line_that_names_the_command(train, two, config):
    config.write_text(config.read_text().replace("2023mar.onnx", "nothing.onnx"))
    said = train()
    assert said.code == 2
    assert "'sudo zmhook models get yunet'" in said.err
    assert said.err.count("\n") == 1


def test_a_terminal_gets_a_bar(command, two):
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how a terminal says that the other side has gone
            pass
        assert process.wait(60) == 0
    os.close(ours)
    assert b"obama/1.jpg" in shown
    assert b"100%" in shown


def test_ctrl_c_leaves_the_old_file_as_it_was(train, command, two, add, known):
    train()
    old = (known / "faces.npz").read_bytes()
    for number in range(40):
        target = add("obama2.jpg", f"obama/more{number}.jpg")
        target.write_bytes(target.read_bytes() + bytes([number]))
    with subprocess.Popen(
        # What was started in the background ignores Ctrl-C, and so do its children.
        ["env", "--default-signal=INT", *command, "-d"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if "more1.jpg: encoded" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "stopped; pictures trained so far are kept" in rest
    assert "Traceback" not in rest
    assert (known / "faces.npz").read_bytes() == old
    assert sorted(path.name for path in known.iterdir()) == ["biden", "faces.npz", "obama"]


def test_a_killed_training_leaves_the_lock_free(train, command, two, known):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(0.3)
        process.kill()
    assert train().code == 0


def mounted(*arguments: object) -> None:
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("optional: needs root, to mount a full disk")


def test_a_full_disk_leaves_the_old_file_usable(train, known, photo):
    known.mkdir()
    mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", known)
    try:
        (known / "obama").mkdir()
        picture = cv2.resize(cv2.imread(str(photo("obama.jpg"))), (300, 375))
        cv2.imwrite(str(known / "obama" / "1.jpg"), picture)
        assert train().code == 0
        old = (known / "faces.npz").read_bytes()
        shutil.move(known / "obama", known / "barack")
        with pytest.raises(OSError, match="No space left"):
            (known / "filler").write_bytes(bytes(100_000))
        said = train()
        assert said.code == 2
        assert f"{known}/faces.npz cannot be written: No space left on device" in said.err
        assert "the old file stays in use" in said.err
        assert "Traceback" not in said.err
        assert (known / "faces.npz").read_bytes() == old
        assert not list(known.glob(".*"))
        (known / "filler").unlink()
        assert "1 unchanged" in train().out
        with np.load(known / "faces.npz") as file:
            assert file["path"].tolist() == ["barack/1.jpg"]
    finally:
        subprocess.run(["umount", str(known)], check=True)


def test_a_read_only_folder_is_one_line(train, two, known):
    mounted("--bind", known, known)
    try:
        mounted("-o", "remount,bind,ro", known)
        said = train()
        assert said.code == 2
        assert "faces.npz cannot be written: Read-only file system" in said.err
        assert "Traceback" not in said.err
    finally:
        subprocess.run(["umount", str(known)], check=True)


def test_two_trainings_at_once_end_with_one_right_file(command, two, train):
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("2 trained" in out for out in said) == [False, True]
    assert "2 unchanged" in train().out


def test_people_with_odd_names_are_one_line_each(train, two, add, known):
    add("dog.jpg", "eve\n\x1b[2J\u202e/1.jpg")
    os.mkfifo(known / "obama" / "2.jpg")
    with (known / "obama" / "3.jpg").open("wb") as huge:
        huge.truncate(5 << 30)
    said = train()
    assert said.code == 1
    for line in [*said.out.split("\n"), *said.err.split("\n")]:
        assert line.isprintable(), line
    rows = {line.split()[0]: line for line in said.out.splitlines() if "unreadable" in line}
    assert "is no regular file" in rows["obama/2.jpg"]
    assert "has more than" in rows["obama/3.jpg"]
