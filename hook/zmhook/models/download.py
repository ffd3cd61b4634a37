"""Fetching one model file: resumed, bounded in time and size, verified before it has its name."""

from __future__ import annotations

import http.client
import socket
import time
from typing import TYPE_CHECKING, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from zmhook.errors import DownloadError
from zmhook.models.store import sha256
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.timeout import causes
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from zmhook.models.manifest import ModelFile

TIMEOUT = 20.0
"""Seconds that a connection or one read may take."""
ATTEMPTS = 3
"""How often each address is tried."""
PAUSE = 2.0
"""Seconds before the second attempt; twice as long before the next."""

SLOWEST = 4096
"""Bytes a second below which an address is given up."""

_BLOCK = 1 << 16
_PARTIAL, _RANGE_WRONG = 206, 416
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Progress(Protocol):
    """Told how a file comes along; both figures are bytes, `total` None when nobody says."""

    def __call__(self, done: int, total: int | None) -> None: ...


class _GaveUp(Exception):
    """An address does not deliver; `again` says whether another attempt may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        self.again = again
        super().__init__(reason)


def download(
    file: ModelFile,
    target: Path,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch `file` to `target`, from the first of its addresses that delivers it.

    What has arrived is kept in `<target>.part` and continued, also by a later call. The file
    takes its name only when its sha256 is right. Raises `DownloadError` otherwise, naming each
    address and what it said, or what went wrong with the disk.
    """
    part = target.with_name(target.name + ".part")
    reasons = []
    try:
        for url in file.urls:
            try:
                _from_address(url, file, part, progress, sleep)
            except _GaveUp as error:
                reasons.append(f"{url}: {error}")
            else:
                part.chmod(0o644)
                part.replace(target)
                return
    except OSError as error:
        raise DownloadError(f"{target} cannot be written: {error.strerror or error}") from None
    raise DownloadError(f"{target.name} cannot be fetched: {'; '.join(reasons)}")


def _make_folder(folder: Path) -> None:
    """Make the folder readable for the web server's user, whatever the caller's umask is."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        place.chmod(0o755)


def _from_address(
    url: str,
    file: ModelFile,
    part: Path,
    progress: Progress,
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


def _continue(url: str, file: ModelFile, part: Path, progress: Progress) -> bool:
    """Bring `part` to its full length. Returns whether some of it was there before."""
    have = part.stat().st_size if part.exists() else 0
    if have > file.limit:
        part.unlink()
        have = 0
    if have == file.size:
        return True
    answer = _open(url, have)
    if answer is None:
        return True
    with answer:
        if answer.status != _PARTIAL:
            have = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _GaveUp("it sends another part of the file than was asked for", again=False)
        _append(answer, file, part, have, progress)
    return have > 0


def _append(
    answer: http.client.HTTPResponse, file: ModelFile, part: Path, have: int, progress: Progress
) -> None:
    length = answer.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else file.size
    _make_folder(part.parent)
    with part.open("ab") as out:
        out.truncate(have)
        progress(have, total)
        for block in _blocks(answer, TIMEOUT + file.limit / SLOWEST):
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


def _verify(file: ModelFile, part: Path, *, resumed: bool) -> None:
    if sha256(part) != file.sha256:
        part.unlink()
        # The beginning may have come from elsewhere: once more, from the start.
        raise _GaveUp("it is another file than expected (sha256 differs)", again=resumed)


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """Ask for the file from byte `have` on; None when there is nothing after that byte."""
    headers = {"User-Agent": f"zmhook/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    use_system_store()
    try:
        # The manifest's type allows http and https only.
        answer = urlopen(Request(url, headers=headers), timeout=TIMEOUT)  # noqa: S310
    except HTTPError as error:
        error.close()
        if error.code == _RANGE_WRONG and have:
            return None
        again = error.code in _TEMPORARY
        raise _GaveUp(f"HTTP {error.code} {error.reason}", again=again) from None
    except (OSError, http.client.HTTPException) as error:
        why = proxies.trouble(url, causes(error)) or _why(error)
        raise _GaveUp(why, again=not _is_offline(error)) from None
    return answer  # type: ignore[no-any-return]


def _blocks(answer: http.client.HTTPResponse, seconds: float) -> Iterator[bytes]:
    """Yield what arrives, for at most `seconds` in all."""
    end = time.monotonic() + seconds
    while True:
        try:
            block = answer.read1(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _GaveUp(_why(error), again=True) from None
        if not block:
            return
        yield block
        if time.monotonic() > end:
            raise _GaveUp(f"it sends less than {SLOWEST} bytes a second", again=False)


def _is_offline(error: Exception) -> bool:
    """Whether the host's name cannot be found, which waiting seconds does not change."""
    return isinstance(getattr(error, "reason", error), socket.gaierror)


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, socket.gaierror):
        return f"no network, or no such host ({reason.strerror})"
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(reason, OSError):
        return reason.strerror or str(reason)
    return str(reason) or type(reason).__name__
