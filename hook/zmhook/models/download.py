"""Fetching one model file: resumed, bounded in time and size, verified before it has its name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from zmhook.errors import DownloadError
from zmhook.models.manifest import sha256
from zmhook.net.http import OK, HttpClient, HttpStream
from zmhook.net.http_problem import HttpFailure, HttpProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from zmhook.models.manifest import ManifestFile

TIMEOUT = 20.0
"""Seconds that a connection or one read may take."""
ATTEMPTS = 3
"""How often each address is tried."""
PAUSE = 2.0
"""Seconds before the second attempt; twice as long before the next."""

SLOWEST = 4096
"""Bytes a second below which an address is given up."""

_PARTIAL, _RANGE_WRONG = 206, 416
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadProgress(Protocol):
    """Told how a file comes along; both figures are bytes, `total` None when nobody says."""

    def __call__(self, done: int, total: int | None) -> None: ...


class _GaveUp(Exception):
    """An address does not deliver; `again` says whether another attempt may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        self.again = again
        super().__init__(reason)


def download(
    file: ManifestFile,
    target: Path,
    progress: DownloadProgress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch `file` to `target`, from the first of its addresses that delivers it.

    What has arrived is kept in `<target>.part` and continued, also by a later call. The file
    takes its name only when its sha256 is right. Raises `DownloadError` otherwise, with what the
    addresses said, of which the first is named, or what went wrong with the disk.
    """
    part = target.with_name(target.name + ".part")
    reasons = []
    try:
        for url in file.urls:
            try:
                _from_address(url, file, part, progress, sleep)
            except _GaveUp as error:
                reasons.append(str(error))
            else:
                part.chmod(0o644)
                part.replace(target)
                return
    except OSError as error:
        raise DownloadError(f"{target} cannot be written: {error.strerror or error}") from None
    raise DownloadError(f"{target.name} cannot be fetched: {_in_short(reasons, file.urls[0])}")


def _in_short(reasons: list[str], url: str) -> str:
    """Say each reason once, and one of the addresses: they are long."""
    first, *others = dict.fromkeys(reasons)
    more = "".join(f"; from another address: {reason}" for reason in others)
    return f"{first} ({url}){more}"


def _make_folder(folder: Path) -> None:
    """Make the folder readable for the web server's user, whatever the caller's umask is."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def _from_address(
    url: str,
    file: ManifestFile,
    part: Path,
    progress: DownloadProgress,
    sleep: Callable[[float], None],
) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            resumed = _continue(url, file, part, progress)
            _verify(file, part, resumed=resumed)
        except _GaveUp as error:
            if attempt == ATTEMPTS or not error.again:
                raise
            sleep(PAUSE * 2 ** (attempt - 1))
        else:
            return


def _continue(url: str, file: ManifestFile, part: Path, progress: DownloadProgress) -> bool:
    """Bring `part` to its full length. Returns whether some of it was there before."""
    have = part.stat().st_size if part.exists() else 0
    if have > file.limit:
        part.unlink()
        have = 0
    if have == file.size:
        return True
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with HttpClient(limit=None) as client, client.stream(url, TIMEOUT, headers) as stream:
            return _receive(stream, file, part, have, progress)
    except HttpProblem as problem:
        again = problem.failure is not HttpFailure.NAME
        raise _GaveUp(problem.reason, again=again) from None


def _receive(
    stream: HttpStream, file: ManifestFile, part: Path, have: int, progress: DownloadProgress
) -> bool:
    """Write what comes to `part`, which has `have` bytes; return whether they were continued."""
    if stream.status == _RANGE_WRONG and have:
        return True
    if stream.status not in (OK, _PARTIAL):
        raise _GaveUp(f"HTTP {stream.status}", again=stream.status in _TEMPORARY)
    if stream.status == OK:
        have = 0
    elif not stream.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise _GaveUp("it sends another part of the file than was asked for", again=False)
    _append(stream, file, part, have, progress)
    return have > 0


def _append(
    stream: HttpStream, file: ManifestFile, part: Path, have: int, progress: DownloadProgress
) -> None:
    length = stream.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else file.size
    _make_folder(part.parent)
    with part.open("ab") as out:
        out.truncate(have)
        progress(have, total)
        for block in _blocks(stream, TIMEOUT + file.limit / SLOWEST):
            have += len(block)
            if have > file.limit:
                break
            out.write(block)
            progress(have, total)
    if have > file.limit:
        part.unlink()
        raise _GaveUp(f"it is larger than the {file.limit} bytes expected", again=False)
    if total is not None and have < total:
        raise _GaveUp(f"the connection ended after {have} of {total} bytes", again=True)


def _verify(file: ManifestFile, part: Path, *, resumed: bool) -> None:
    if sha256(part) != file.sha256:
        part.unlink()
        # The beginning may have come from elsewhere: once more, from the start.
        raise _GaveUp("it is another file than expected (sha256 differs)", again=resumed)


def _blocks(stream: HttpStream, seconds: float) -> Iterator[bytes]:
    """Yield what arrives, for at most `seconds` in all."""
    end = time.monotonic() + seconds
    for block in stream.blocks:
        yield block
        if time.monotonic() > end:
            raise _GaveUp(f"it sends less than {SLOWEST} bytes a second", again=False)
