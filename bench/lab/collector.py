"""Run the collector as a user would, in its own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "hook"))

from zmhook.errors import NoStore  # noqa: E402 - found by the line above
from zmhook.snapshots.store.index import Index  # noqa: E402

SCRIPT = ROOT / "bin" / "zm_snapshots.py"
SECONDS = 60.0
"""Seconds without progress after which the bench gives up."""
TURN = 0.01
TAIL = 2000


class Collector:
    """A collector that can be started and ended repeatedly while the context lasts."""

    def __init__(self, port: int, topic: str, client_id: str) -> None:
        # /tmp/ is usually on a disk; set TMPDIR where it is not.
        self.folder = Path(tempfile.mkdtemp(prefix="zmb-snapshots"))
        self.store = self.folder / "snapshots"
        self.client_id = client_id
        self._config = self.folder / "o.ini"
        self._config.write_text(
            f"[general]\nbase_data_path = {self.folder}\nbase_zm_conf_path = {self.folder}\n"
            f"[mqtt]\nmqtt_host = 127.0.0.1\nmqtt_port = {port}\nmqtt_topic = {topic}\n"
            f"mqtt_client_id = {client_id}\n"
            f"[snapshots]\nsnapshot_path = {self.store}\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._index: Index | None = None

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.kill()
        if self._index:
            self._index.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, SCRIPT, "-c", self._config],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def stop(self) -> None:
        """End it cleanly."""
        code = self._end(signal.SIGTERM)
        if code:
            raise SystemExit(f"the collector ended with {code}: {self._said()}")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def count(self) -> int:
        """Return the number of best snapshots in its index."""
        if self._index is None:
            try:
                self._index = Index.open(self.store)
            except NoStore:
                return 0
        return self._index.count()

    def wait(self, count: int, preparation: Callable[[int], None] = lambda _: None) -> float:
        """Wait until so many are stored; return when that was. `look` sees the count each time."""
        reached, since = 0, time.monotonic()
        while (found := self.count()) < count:
            preparation(found)
            now = time.monotonic()
            if found > reached:
                reached, since = found, now
            if now - since > SECONDS or self._process.poll() is not None:
                raise SystemExit(f"{found} of {count} are stored, and no more: {self._said()}")
            time.sleep(TURN)
        return time.time()

    def rss_mb(self) -> float:
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        assert process
        process.send_signal(number)
        return process.wait(SECONDS)

    def _said(self) -> str:
        files = [self.folder / "said", *self.folder.glob("logs/*.log")]
        return "".join(file.read_text(encoding="utf-8") for file in files if file.exists())[-TAIL:]
