"""A real ZoneMinder for the tests of this folder: brought up once, taken down at the end.

`ZMHOOK_ZM_STATE=FOLDER` uses one that `up.sh FOLDER PORT` brought up before, and leaves it.
`ZMHOOK_ZM_URL` and what up.sh says beside it take a ZoneMinder of another version.
Missing packages are installed only with `CI=true` or `ZMHOOK_INSTALL=1`; else the tests are
skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from zmhook.settings import General, Secret

HERE = Path(__file__).parent
NOT_HERE = 3
WIDTH, HEIGHT = 640, 480
OURS = "('still', 'film', 'yard')"
OF_EACH = {
    "Type": "Ffmpeg",
    "Width": WIDTH,
    "Height": HEIGHT,
    "Colours": 4,
    "Method": "rtpRtsp",
    "Enabled": 1,
    "MaxFPS": 5,
    "AlarmMaxFPS": 5,
    "ImageBufferCount": 20,
    "PreEventCount": 2,
    "PostEventCount": 5,
    "MinSectionLength": 2,
    "SectionLength": 600,
    "EncoderParameters": "crf=23\\npreset=ultrafast",
}
"""Columns of every camera's row in the table of monitors."""
USER = PASSWORD = "admin"
SECRET = "secret of the tests"
"""What ZoneMinder signs its tokens with (up.sh)."""


class RecordedEvent(NamedTuple):
    """An event in ZoneMinder's database, and its folder on disk."""

    id: int
    monitor_id: int
    path: Path


class ZoneMinder:
    """The instance in a folder, through its database, its daemons and its web server's log.

    Its monitors, each 640x480 at 5 frames a second: `still` shows a photo and stores every frame
    as a JPEG, `film` shows it too and stores an mp4 alone; both record only when forced. `yard`
    shows a film in which something moves for 4 of 12 seconds, and records motion.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.url = (state / "url").read_text().strip()
        lines = (state / "instance").read_text().splitlines()
        self.known = dict(line.split("=", 1) for line in lines)
        self.version = self._version()
        self.picture = state / "pictures" / "still.jpg"
        self.shown: Path | None = None
        self.recorded: dict[tuple[str, Path], RecordedEvent] = {}
        self.monitors = dict(self.rows("SELECT Name, Id FROM Monitors"))
        self.auth = False

    # -- database ------------------------------------------------------------------------------

    def sql(self, statement: str) -> str:
        client = ["mariadb", "--no-defaults", f"--socket={self.known['socket']}", "-B", "-N"]
        return run([*client, self.known["database"], "-e", statement]).strip()

    def rows(self, statement: str) -> list[list[str]]:
        return [line.split("\t") for line in self.sql(statement).splitlines()]

    def set_option(self, name: str, value: str) -> None:
        self.sql(f"UPDATE Config SET Value='{value}' WHERE Name='{name}'")

    def set_auth(self, on: bool) -> None:
        self.auth = on
        self.set_option("ZM_OPT_USE_AUTH", str(int(on)))

    def _version(self) -> tuple[int, ...]:
        """Return such as (1, 36, 33), as its database knows it."""
        told = self.sql("SELECT Value FROM Config WHERE Name='ZM_DYN_CURR_VERSION'")
        return tuple(map(int, told.split(".")))

    def as_web(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command as ZoneMinder's daemons do."""
        switch = ["setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups"]
        paths = [f"PATH={self.known['programs']}:/usr/bin:/bin", "LANG=C.UTF-8"]
        perl = [f"PERL5LIB={self.known['perl']}"] if self.known["perl"] else []
        return run([*switch, "env", "-i", *paths, *perl, *command], cwd)

    # -- cameras -------------------------------------------------------------------------------

    def add_monitors(self) -> None:
        """Create and start those that are not there."""
        if not self.picture.exists():
            self._place(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
        film = self.state / "pictures" / "yard.mp4"
        if not film.exists():
            make_film(film)
        self._add("still", self.picture, "loop=1,framerate=5", jpegs=3, film=0)
        self._add("film", self.picture, "loop=1,framerate=5", jpegs=0, film=1)
        self._add("yard", film, "", jpegs=3, film=2, motion=True)
        self.monitors = dict(self.rows("SELECT Name, Id FROM Monitors WHERE Name IN " + OURS))
        for number in self.monitors.values():
            self.as_web("zmdc.pl", "restart", "zmc", "-m", number)
        connected = "SELECT count(*) FROM Monitor_Status WHERE Status='Connected' AND MonitorId IN "
        ours = f"({','.join(self.monitors.values())})"
        wait_for(lambda: int(self.sql(connected + ours)) == len(self.monitors), 30, "capturing")

    def _add(
        self, name: str, path: Path, options: str, *, jpegs: int, film: int, motion: bool = False
    ) -> None:
        if name in self.monitors:  # left by a run that was cut short: its pictures are gone
            self.sql(f"UPDATE Monitors SET Path='{path}' WHERE Id={self.monitors[name]}")
            return
        what = {
            "Name": name,
            "Path": path,
            "Options": options,
            "SaveJPEGs": jpegs,
            "VideoWriter": film,
            **(OF_EACH | self._modes(motion=motion)),
        }
        values = ", ".join(f"`{key}`='{value}'" for key, value in what.items())
        corners = f"0,0 {WIDTH - 1},0 {WIDTH - 1},{HEIGHT - 1} 0,{HEIGHT - 1}"
        self.sql(
            f"INSERT INTO Monitors SET {values};"
            "INSERT INTO Zones SET MonitorId=last_insert_id(), Name='All', Type='Active',"
            f" Units='Percent', NumCoords=4, Coords='{corners}', Area={WIDTH * HEIGHT},"
            " AlarmRGB=16711680, CheckMethod='Blobs', MinPixelThreshold=25, MinAlarmPixels=9216,"
            " MaxAlarmPixels=230400, FilterX=3, FilterY=3, MinFilterPixels=9216,"
            " MaxFilterPixels=230400, MinBlobPixels=6144, MinBlobs=1"
        )

    def remove_monitors(self) -> None:
        """Leave a ZoneMinder that was given as it was."""
        for number in self.monitors.values():
            self.as_web("zmdc.pl", "stop", "zmc", "-m", number)
            for table in ("Events", "Zones"):
                self.sql(f"DELETE FROM {table} WHERE MonitorId={number}")
            self.sql(f"DELETE FROM Monitors WHERE Id={number}")
            shutil.rmtree(Path(self.known["events"], number), ignore_errors=True)

    def _modes(self, *, motion: bool) -> dict[str, str]:
        """Return what makes it record motion, or only what is forced."""
        modes = {"Function": "Modect" if motion else "Nodect"}
        if self.version >= (1, 37, 12):
            modes |= {"Capturing": "Always", "Recording": "OnMotion"}
            modes |= {"Analysing": "Always" if motion else "None"}
        return modes

    def show(self, photo: Path) -> None:
        """Put a photo, whole and in its proportions, before the cameras `still` and `film`."""
        if self.shown == photo:
            return
        image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
        assert image is not None
        self._place(fitted(image))
        for monitor in ("still", "film"):
            wait_for(lambda name=monitor: self._sees(name), 30, f"{monitor} to see {photo.name}")
        time.sleep(1.5)  # two frames from before its beginning belong to an event
        self.shown = photo

    def _sees(self, monitor: str) -> bool:
        """Compare what the camera sees now with what is to be seen."""
        folder, number = self.state / "scratch", self.monitors[monitor]
        self.as_web("zmu", "-m", number, "-i", *self._zmu_login(), cwd=folder)
        image = cv2.imread(str(folder / f"Monitor{number}.jpg"), cv2.IMREAD_COLOR)
        return image is not None and shows(image, self.picture)

    def _place(self, image: np.ndarray) -> None:
        beside = self.picture.with_suffix(".new.jpg")
        cv2.imwrite(str(beside), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        beside.chmod(0o644)
        beside.replace(self.picture)

    # -- events --------------------------------------------------------------------------------

    def force_alarm(self, monitor: str) -> RecordedEvent:
        """Begin an event, or join the one that records; it goes on until `end_alarm`."""
        self.as_web("zmu", "-m", self.monitors[monitor], "-a", *self._zmu_login())
        # What zmu prints is now and then the event before (1.38).
        of = f"FROM Events WHERE MonitorId={self.monitors[monitor]} AND EndDateTime IS NULL"
        wait_for(lambda: self.sql(f"SELECT count(*) {of}") != "0", 20, "the event's row")
        return self.event(int(self.sql(f"SELECT max(Id) {of}")))

    def trigger(self, monitor: str, cause: str) -> None:
        """Give an alarm another cause, as zmtrigger.pl does; its event gets another note."""
        program = (
            "use ZoneMinder; my $monitor = zmDbGetMonitor($ARGV[0]); zmMemVerify($monitor)"
            " or die 'no memory'; zmTriggerEventOn($monitor, 100, $ARGV[1], '');"
        )
        self.as_web("perl", "-e", program, self.monitors[monitor], cause)

    def end_alarm(self, monitor: str) -> None:
        self.as_web("zmu", "-m", self.monitors[monitor], "-c", *self._zmu_login())

    def _zmu_login(self) -> list[str]:
        return ["-U", USER, "-P", PASSWORD] if self.auth else []

    def event(self, event_id: int) -> RecordedEvent:
        """Raise `LookupError` when there is none."""
        found = self.rows(f"SELECT MonitorId, date(StartDateTime) FROM Events WHERE Id={event_id}")
        if not found:
            raise LookupError(event_id)
        monitor, day = found[0]
        path = Path(self.known["events"], monitor, day, str(event_id))
        return RecordedEvent(event_id, int(monitor), path)

    def is_open(self, event: RecordedEvent) -> bool:
        return self.sql(f"SELECT EndDateTime FROM Events WHERE Id={event.id}") == "NULL"

    def record(self, photo: Path, monitor: str = "still") -> RecordedEvent:
        """Return a finished event that shows the photo; the same one when asked again."""
        known = self.recorded.get((monitor, photo))
        if known:
            return known
        self.show(photo)
        event = self.force_alarm(monitor)
        time.sleep(2)
        self.end_alarm(monitor)
        wait_for(lambda: not self.is_open(event), 30, f"event {event.id} to end")
        self.recorded[monitor, photo] = event
        return event

    def wait_for_motion(self) -> RecordedEvent:
        """Return an event of `yard` that is just being recorded."""
        began = f"SELECT max(Id) FROM Events WHERE MonitorId={self.monitors['yard']}"
        before = self.sql(began)
        wait_for(lambda: self.sql(began) != before, 40, "motion")
        return self.event(int(self.sql(began)))

    def is_seen_in(self, image: np.ndarray) -> bool:
        """Tell whether a frame shows what is before the cameras."""
        return shows(image, self.picture)

    def notes(self, event: RecordedEvent) -> str:
        return self.sql(f"SELECT Notes FROM Events WHERE Id={event.id}")

    def requests(self, containing: str) -> list[str]:
        """Return the lines of the web server's log about requests."""
        if not self.known["requests"]:
            pytest.skip("optional: the log of the web server is not known (ZMHOOK_ZM_REQUESTS)")
        lines = Path(self.known["requests"]).read_text().splitlines()
        return [line for line in lines if containing in line]


def run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


def wait_for(ready: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def fitted(image: np.ndarray) -> np.ndarray:
    """Scale a picture into the camera's frame, with grey beside or above it."""
    factor = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    frame = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
    frame[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return frame


def shows(image: np.ndarray, picture: Path) -> bool:
    """Compare with a picture; ZoneMinder encodes it again and writes the time into it."""
    wanted = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    assert wanted is not None
    assert image.shape == wanted.shape
    return float(np.abs(image.astype(int) - wanted.astype(int)).mean()) < 8


def make_film(path: Path) -> None:
    """A box crosses the picture during the seconds 6 to 10 of 12, for a quarter of an hour."""
    once = path.with_name("once.mp4")
    ffmpeg = ["ffmpeg", "-v", "error", "-y"]
    crossing = "[0][1]overlay=x='(t-6)*150-60':y=160:enable='between(t,6,10)',format=yuv420p"
    background = ["-f", "lavfi", "-i", f"color=gray:s={WIDTH}x{HEIGHT}:r=5"]
    box = ["-f", "lavfi", "-i", "color=white:s=130x170:r=5"]
    encoded = ["-t", "12", "-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-bf", "0"]
    run([*ffmpeg, *background, *box, "-filter_complex", crossing, *encoded, str(once)])
    run([*ffmpeg, "-stream_loop", "74", "-i", str(once), "-c", "copy", str(path)])
    path.chmod(0o644)


# -- fixtures --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def instance() -> Iterator[Path]:
    """The folder of a running ZoneMinder."""
    given = os.environ.get("ZMHOOK_ZM_STATE")
    if given:
        yield Path(given)
        return
    state = Path(tempfile.mkdtemp(prefix="zmhook-zm-"))
    try:
        bring_up(state)
        yield state
    finally:
        if (state / "pids").is_dir() or (state / "instance").is_file():
            run([str(HERE / "down.sh"), str(state)])
        shutil.rmtree(state, ignore_errors=True)


def bring_up(state: Path) -> None:
    may_install = os.environ.get("CI") == "true" or os.environ.get("ZMHOOK_INSTALL") == "1"
    options = ["--install"] if may_install else []
    command = [str(HERE / "up.sh"), *options, str(state), str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode == NOT_HERE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def cameras(instance: Path) -> Iterator[ZoneMinder]:
    """The instance, with its cameras running."""
    made = ZoneMinder(instance)
    made.add_monitors()
    yield made
    if os.environ.get("ZMHOOK_ZM_URL") and not os.environ.get("ZMHOOK_ZM_STATE"):
        made.remove_monitors()


@pytest.fixture
def zm(cameras: ZoneMinder) -> Iterator[ZoneMinder]:
    """The instance as a test wants it: with authentication on, no privacy notice."""
    cameras.set_auth(True)
    yield cameras
    cameras.set_option("ZM_SHOW_PRIVACY", "0")
    cameras.set_auth(False)


@pytest.fixture(params=["auth on", "auth off"])
def zm_either(zm: ZoneMinder, request: pytest.FixtureRequest) -> ZoneMinder:
    """The same, once with authentication and once without."""
    zm.set_auth(request.param == "auth on")
    return zm


@pytest.fixture
def recorded_event(cameras: ZoneMinder) -> Callable[..., RecordedEvent]:
    """`recorded_event(photo, monitor="still")`: a finished event that shows the photo."""
    return cameras.record


@pytest.fixture
def general(cameras: ZoneMinder, tmp_path: Path) -> Callable[..., General]:
    """Make the settings of somebody whose ZoneMinder this is."""

    def make(**changed: object) -> General:
        given = {
            "portal": cameras.url,
            "user": USER,
            "password": Secret(PASSWORD),
            "base_data_path": str(tmp_path),
            "max_attempts": 8,
            "sleep_between_attempts": 0.5,
        }
        return General(**{**given, **changed})

    return make
