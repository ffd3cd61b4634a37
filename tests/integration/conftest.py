"""Running the real scripts as their users do."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest

from zmhook.detection import Box
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox

TIMEOUT = 120


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """The line without its JSON."""
        return self.out.partition("--SPLIT--")[0].removesuffix(" ")


def said(command: list[str | bytes | Path], env: Mapping[str, str]) -> Said:
    """Run as a daemon would: in /, with nothing to read."""
    done = subprocess.run(
        command,
        env=env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def config(tmp_path: Path, model: Callable[[str], Path]) -> Callable[..., Path]:
    """Write an objectconfig.ini that uses YOLOX-nano and nothing outside tmp_path.

    No service is started, unless `rest` has a [service] section of its own.
    """

    def write(general: str = "", rest: str = "", name: str = "objectconfig.ini") -> Path:
        path = tmp_path / name
        if "max_attempts" not in general:
            general += "\nmax_attempts = 2\nsleep_between_attempts = 0.05"
        if "[service]" not in rest:
            rest += "\n[service]\nuse_service = no"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}/data\nbase_zm_conf_path = {tmp_path}\n"
            f"{general}\n[yolo]\nweights = {model('yolox_nano_416.onnx')}\n{rest}\n",
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def event_folder(tmp_path: Path, photo: Callable[[str], Path]) -> Callable[..., Path]:
    """Make an event's folder that holds a photo as the pictures named."""

    def make(name: str = "dog.jpg", pictures: tuple[str, ...] = ("snapshot.jpg",)) -> Path:
        folder = tmp_path / "events" / "1" / "17"
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            (folder / picture).write_bytes(photo(name).read_bytes())
        return folder

    return make


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As bare as a daemon's, with our Python."""
    return {"PATH": "/usr/bin:/bin", "ZMHOOK_PYTHON": sys.executable, "HOME": str(tmp_path)}


@pytest.fixture
def hook(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_event_start.sh with a configuration and its arguments."""

    def call(config: Path, *args: str | bytes | Path, **extra: str) -> Said:
        env = {**environment, "ZMHOOK_CONFIG": str(config), **extra}
        return said([root / "zm_event_start.sh", *args], env)

    return call


@pytest.fixture
def detect(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_detect.py with its arguments."""

    def call(*args: str | Path, **extra: str) -> Said:
        script = root / "bin" / "zm_detect.py"
        return said([sys.executable, script, *args], {**environment, **extra})

    return call


AS_ZMDC = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
for number in (signal.SIGCHLD, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
os.umask(0)
os.chdir("/")
os.closerange(0, 256)
os.execve(sys.argv[1], sys.argv[1:], dict(os.environ))
"""


@pytest.fixture
def as_zmdc() -> Callable[..., int]:
    """Start a command as ZoneMinder's zmdc.pl does, and return its exit code.

    SIGCHLD is blocked and ignored, SIGPIPE ignored, every file closed, umask 0, and there is no
    HOME.
    """

    def call(command: list[str | Path], env: Mapping[str, str], seconds: float = TIMEOUT) -> int:
        return subprocess.run(
            [sys.executable, "-I", "-c", AS_ZMDC, *command],
            env={"PATH": "/bin:/usr/bin:/usr/local/bin", **env},
            timeout=seconds,
        ).returncode

    return call


# Without these, permissions bind root too.
MIGHT = "-dac_override,-dac_read_search"


@pytest.fixture
def bound_detect(root: Path, environment: dict[str, str]) -> Callable[..., Said]:
    """Call zm_detect.py as somebody whom permissions bind."""
    bound = ["setpriv", f"--bounding-set={MIGHT}", f"--inh-caps={MIGHT}"]

    def call(*args: str | Path) -> Said:
        script = root / "bin" / "zm_detect.py"
        return said(
            [*(bound if os.geteuid() == 0 else []), sys.executable, script, *args], environment
        )

    return call


class Certificates(NamedTuple):
    """Files of an authority, of a server's certificate for 127.0.0.1, and of a client's."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    import trustme

    folder = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    files = Certificates(
        *(folder / f"{name}.pem" for name in ("ca", "server", "server-key", "client", "client-key"))
    )
    ca.cert_pem.write_to_path(files.ca)
    server = ca.issue_cert("127.0.0.1", "localhost")
    server.cert_chain_pems[0].write_to_path(files.server)
    server.private_key_pem.write_to_path(files.server_key)
    client = ca.issue_cert("collector@localhost")
    client.cert_chain_pems[0].write_to_path(files.client)
    client.private_key_pem.write_to_path(files.client_key)
    return files


class Broker:
    """A real Mosquitto on this machine's loopback, which keeps its messages when it is ended.

    It listens by tcp (`port`), TLS (`tls_port`), TLS that asks for a client's certificate
    (`mutual_port`), websockets (`ws_port`), websockets with TLS (`wss_port`) and on a unix
    socket. Only `user` with `password` may use it. `extra` are lines for its configuration.
    What is `durable` writes each change to the disk at once, so that `kill` loses nothing; it is
    too slow for thousands of messages.
    """

    host = "127.0.0.1"
    user = "cameras"
    password = "p4ss-w0rd"

    def __init__(
        self, certificates: Certificates, *, extra: str = "", durable: bool = True
    ) -> None:
        # Short, because a socket's path may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="zmq", dir="/tmp"))
        self.certificates = certificates
        ports = _free_ports(5)
        self.port, self.tls_port, self.mutual_port, self.ws_port, self.wss_port = ports
        self.socket = self.folder / "socket"
        self.extra = extra
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self.passwords = self.folder / "passwords"
        self.passwords.touch(0o600)
        self.set_password(self.password)

    def set_password(self, password: str) -> None:
        """Have the broker know the user by this password, from its next start on."""
        command = ["mosquitto_passwd", "-b", self.passwords, self.user, password]
        subprocess.run(command, check=True, capture_output=True)

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(self._config(), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["mosquitto", "-c", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + TIMEOUT
        while not all(map(_listens, self._ports())) or not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"mosquitto does not start: {self.log()}")
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it properly: it writes down what it keeps."""
        process, self.process = self.process, None
        if process:
            process.send_signal(number)
            process.wait(TIMEOUT)
            self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it as a power cut would, once it has written down what it has confirmed so far."""
        with suppress(ConnectionError):
            self.publish("settled", b"", qos=0)  # it answers after the round in which it wrote
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def publish(
        self, topic: str, *payloads: bytes | str, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish in this order; on return the broker has taken over what has QoS 1.

        Raises `ConnectionError` when the broker refuses us.
        """
        from paho.mqtt.publish import multiple

        messages = [(topic, payload, qos, retain) for payload in payloads]
        login = {"username": self.user, "password": self.password}
        try:
            multiple(messages, self.host, self.port, auth=login)
        except Exception as error:
            raise ConnectionError(f"the broker takes no message: {error}") from error

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ports(self) -> list[int]:
        return [self.port, self.tls_port, self.mutual_port, self.ws_port, self.wss_port]

    def _config(self) -> str:
        files = self.certificates
        tls = f"cafile {files.ca}\ncertfile {files.server}\nkeyfile {files.server_key}\n"
        listeners = [
            f"listener {self.port} 127.0.0.1\n",
            f"listener {self.tls_port} 127.0.0.1\n{tls}",
            f"listener {self.mutual_port} 127.0.0.1\n{tls}require_certificate true\n",
            f"listener {self.ws_port} 127.0.0.1\nprotocol websockets\n",
            f"listener {self.wss_port} 127.0.0.1\nprotocol websockets\n{tls}",
            f"listener 0 {self.socket}\n",
        ]
        general = (
            f"user root\npassword_file {self.passwords}\nallow_anonymous false\n"
            f"persistence true\npersistence_location {self.folder}/\n"
            + ("autosave_on_changes true\nautosave_interval 1\n" if self.durable else "")
            + f"log_dest stdout\nmax_queued_messages 0\n{self.extra}\n"
        )
        return general + "".join(listeners)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def make_broker(certificates: Certificates) -> Iterator[Callable[..., Broker]]:
    """Make brokers that are not started yet; `extra` are lines for their configuration."""
    if not shutil.which("mosquitto"):
        pytest.skip("mosquitto is not installed")
    with ExitStack() as stack:

        def make(extra: str = "", *, durable: bool = True) -> Broker:
            broker = Broker(certificates, extra=extra, durable=durable)
            stack.callback(broker.close)
            return broker

        yield make


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    """A broker that runs."""
    made = make_broker()
    made.start()
    return made


@pytest.fixture(scope="session")
def seen(photo: Callable[[str], Path]) -> Callable[..., BestSnapshot]:
    """Make what a camera would send of an object in a photo: its best picture, cut out.

    `of` is the object, in the photo's pixels. The crop has a margin of a tenth, as cameras leave
    one, and `zoom` times as many pixels as the photo has there: ZoneMinder may record a smaller
    stream.
    """

    def make(name: str, of: Box, zoom: float = 1.0, **more: object) -> BestSnapshot:
        image = cv2.imread(str(photo(name)))
        height, width = image.shape[:2]
        wide, high = of.width / 10, of.height / 10
        crop = Box.clipped(of.x1 - wide, of.y1 - high, of.x2 + wide, of.y2 + high, width, height)
        cut = cv2.resize(image[crop.y1 : crop.y2, crop.x1 : crop.x2], None, fx=zoom, fy=zoom)
        now = time.time()
        given = {
            "camera": "front",
            "topic": "axis/front/track",
            "format": "axis.object_track.v1",
            "track_id": f"{name} {of}",
            "taken": now,
            "received": now,
            "picture": cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
            "monitor_id": 1,
            "start": now - 2,
            "end": now,
            "ended": True,
            "label": "Human",
            "score": 0.7,
            "box": _shares(of, width, height),
            "crop": _shares(crop, width, height),
            **more,
        }
        return BestSnapshot(**given)

    return make


def _shares(box: Box, width: int, height: int) -> SceneBox:
    return SceneBox(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)
