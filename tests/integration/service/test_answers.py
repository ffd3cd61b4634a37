"""The warm service answers as the cold process does, and hostile arguments stay data."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from zmhook.event import Event

pytestmark = pytest.mark.integration


def cold(site: Any, folder: Path, *args: str) -> dict[str, Any]:
    """Let zm_detect.py decide by itself."""
    done = subprocess.run(
        [
            sys.executable,
            site.root / "bin/zm_detect.py",
            "--json",
            "-e5",
            "-m1",
            "-p",
            folder,
            *args,
        ],
        env=site.env,
        capture_output=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def warm(site: Any, folder: Path, monitor: int = 1) -> dict[str, Any]:
    return json.loads(site.decide(Event(id=5, monitor_id=monitor, path=str(folder))))


def same(decision: dict[str, Any]) -> dict[str, Any]:
    """Leave out when it was and how long it took."""
    rest = {key: value for key, value in decision.items() if key != "timings"}
    rest["event"] = {key: value for key, value in rest["event"].items() if key != "asked"}
    return rest


@pytest.mark.parametrize("photo", ["dog.jpg", "busstop.jpg", "two_people.jpg", "obama.jpg"])
def test_warm_is_as_cold(shared, photo: str) -> None:
    folder = shared.event(photo)

    answer = warm(shared, folder)

    assert same(answer) == same(cold(shared, folder))
    assert answer["outcome"] == "alarm"


FRAMES = {
    "the first shows nothing": {"alarm": "person.jpg", "snapshot": "dog.jpg"},
    "the first is missing": {"snapshot": "dog.jpg"},
    "a frame by its number": {"alarm": "person.jpg", "00007-capture": "dog.jpg"},
    "none is there": {},
}


@pytest.mark.parametrize("name", FRAMES)
def test_warm_is_as_cold_whatever_frames_there_are(shared, name: str) -> None:
    number = 100 + list(FRAMES).index(name)
    folder = shared.folder / "events" / str(number)
    folder.mkdir(parents=True)
    if FRAMES[name]:
        shared.event(number=number, **FRAMES[name])
    shared.write("detect_pattern = bicycle\nframe_id = bestmatch,7")

    answer = warm(shared, folder)

    assert same(answer) == same(cold(shared, folder))
    assert answer["outcome"] == ("alarm" if FRAMES[name] else "undecided")
    shared.write()


@pytest.mark.parametrize("mode", ["first", "most", "most_unique"])
def test_warm_is_as_cold_in_every_mode(shared, mode: str) -> None:
    folder = shared.event(number=200, alarm="person.jpg", snapshot="dog.jpg")
    shared.write(f"detection_mode = {mode}", rest="[monitor-2]\ndetect_pattern = car\n")

    assert same(warm(shared, folder)) == same(cold(shared, folder))
    assert same(warm(shared, folder, 2)) == same(cold(shared, folder, "-m", "2"))
    shared.write()


def test_the_hook_prints_the_same_line_warm_and_cold(shared, ended: Callable) -> None:
    folder = shared.event("busstop.jpg", 300)
    before = shared.warm()["events"]["alarm"]

    warmly = shared.hook(folder)
    assert shared.status()["events"]["alarm"] == before + 1
    alone = shared.folder / "alone.ini"
    alone.write_text(shared.config.read_text().replace("[service]", "[service]\nuse_service = no"))
    coldly = ended(shared.begin("5", "1", "Door", "Motion", folder, ZMHOOK_CONFIG=str(alone)))

    assert warmly == coldly


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_folder_may_be_named_from_where_the_caller_is(shared, ended: Callable) -> None:
    folder = shared.event(number=401)
    shared.warm()
    assert ended(shared.begin("401", "1", "", "", str(folder).lstrip("/"))).code == 0


def test_nothing_and_undecided_and_on_failure(shared) -> None:
    shared.write(rest="[monitor-3]\ndetect_pattern = submarine\n[monitor-4]\non_failure = alarm\n")
    empty = shared.folder / "empty"
    empty.mkdir()

    assert shared.hook(monitor=3)[:2] == (1, "")
    assert shared.hook(empty)[:2] == (2, "")
    rings = shared.hook(empty, monitor=4)
    assert rings.code == 0
    assert rings.text.startswith("[x] detected:nothing could be decided (")
    shared.write()


def test_the_event_folder_gets_its_report(shared) -> None:
    folder = shared.event(number=400)

    line = shared.hook(folder)

    shared.until((folder / "objects.json").exists)
    labels = json.loads(line.out.partition("--SPLIT--")[2])["labels"]
    assert json.loads((folder / "objects.json").read_text())["labels"] == labels
    shared.until(lambda: read(folder / "objdetect.jpg").startswith(b"\xff\xd8"))


HOSTILE: list[str | bytes] = [
    'Bob\'s "front" door',
    "$(touch pwned) `touch pwned`; touch pwned & | > pwned",
    "* ? [x] ~ \\ \\n %41 + a=b&c=d;e #",
    "two\nlines\ttab\r\n\r\nGET /stop HTTP/1.1",
    "Haustür 玄関 🚪",
    "--help",
    "-o/tmp/pwned",
    "@/etc/passwd",
    "=",
    " ",
    "%s %d {0} {{key}} !TOKEN",
    b"not utf-8 \xff\xfe",
    "long " * 800,  # longer ones are cut: what runs a program takes no more in all
]


class Spy(BaseHTTPRequestHandler):
    """Keeps what the hook sends, and answers that nothing was detected."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        pairs = (pair.partition(b"=") for pair in body.split(b"&"))
        form = {
            name.decode(): unquote_to_bytes(value.replace(b"+", b" ")) for name, _, value in pairs
        }
        self.server.seen.append(form)
        self.send_response(302)
        self.send_header("Location", "http://nothing/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return "hook"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def spy(site):
    server = UnixStreamServer(str(site.socket), Spy)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_hostile_arguments_reach_the_service_as_they_are(site, spy, ended: Callable) -> None:
    for text in HOSTILE:
        said = ended(site.begin("17", "2", text, text, text))
        assert said == (1, "", ""), text
        raw = text if isinstance(text, bytes) else text.encode()
        assert spy.seen.pop() == {
            "eid": b"17",
            "mid": b"2",
            "name": raw,
            "cause": raw,
            "path": raw,
            "config": str(site.config).encode(),
        }
    assert not list(site.folder.rglob("pwned"))
    assert not Path("/pwned").exists()
    assert not Path("/tmp/pwned").exists()


def test_hostile_arguments_change_no_decision(shared, ended: Callable) -> None:
    shared.write("detect_pattern = dog")
    folder = shared.event()
    before = shared.status()["events"]["alarm"]
    for text in HOSTILE:
        said = ended(shared.begin("17", "2", text, text, folder))
        assert (said.code, said.text.partition(":")[0]) == (0, "[a] detected"), text
    assert shared.status()["events"]["alarm"] == before + len(HOSTILE)
    shared.write()


@pytest.mark.parametrize("number", ["seven", "-1", "99999999999999999999999", "1 2", "0x5"])
def test_what_is_no_event_number_is_undecided(shared, ended: Callable, number: str) -> None:
    said = ended(shared.begin(number, "1", "", "", shared.event()))

    assert (said.code, said.out) == (2, "")
    assert shared.hook().code == 0


def test_many_at_once_each_get_their_own_answer(shared) -> None:
    shared.write("detect_pattern = dog|person")
    photos = ["dog.jpg", "busstop.jpg", "two_people.jpg"]
    folders = {photo: shared.event(photo, 500 + i) for i, photo in enumerate(photos)}
    alone = {photo: shared.hook(folder) for photo, folder in folders.items()}
    asked = [photos[i % 3] for i in range(24)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda i: shared.hook(folders[asked[i]], 600 + i, monitor=i % 5), range(24))
        )

    assert [one.out for one in answers] == [alone[photo].out for photo in asked]
    shared.write()


ODD = ["-1", "+5", " 5", "5.0", "0x5", "007", "\u0663", str(2**63), "9" * 30, "seven"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("which", ["event", "monitor"])
def test_an_odd_number_is_answered_as_without_a_service(
    shared, ended: Callable, which: str, odd: str
) -> None:
    ids = (odd, "1") if which == "event" else ("17", odd)
    line = f"{which}: expected a whole number, got '{odd}'"

    said = ended(shared.begin(*ids, "", "", shared.event()))

    assert said == (2, "", f"zmhook: ERROR: {line}\n")
    shared.until(lambda: line in shared.log())
