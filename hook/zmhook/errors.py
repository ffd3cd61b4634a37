"""Every error that zmhook raises on purpose.

    ZmhookError
    ├── SettingsError          the configuration cannot be used (carries every problem found)
    ├── FrameError             no picture to look at
    │   ├── FrameUnavailable   the source has none (portal, folder, file, snapshots)
    │   ├── FrameNotNeeded     another picture of the event stands in its place
    │   └── PictureError       there are bytes, but they are not a usable picture
    ├── PortalError            ZoneMinder's web portal or API cannot be used
    │   └── LoginError         it refused the user, the password or the token
    ├── DetectorError          a model cannot be used
    │   ├── MissingPart        a Python package is not installed (names the pip extra)
    │   ├── ModelFileError     a weights, config or labels file is missing or of the wrong kind
    │   └── ModelSkipped       a model on another machine did not answer (skipped)
    │       └── ServiceError   a service for plates or descriptions did not, and when it may
    ├── GatewayError           a server that runs models for us gave no usable response
    ├── InferenceUnavailable   the service has no time, room or worker for an inference request
    ├── TrainingError          the known faces cannot be trained or their file not be used
    ├── ReportError            an output could not be written
    │   ├── Undelivered        a message did not reach whom it was for
    │   └── NotYet             what an output is made of is not there yet
    ├── StateError             what is remembered from event to event cannot be read or written
    │   └── NoState            nothing was ever stored there
    ├── SnapshotError          a camera's snapshots cannot be used
    │   ├── PayloadError       a message is not one that is understood
    │   ├── Postponed          a handler asks for the same snapshot again, later
    │   ├── StoreError         the store of snapshots cannot be read or written
    │   │   └── NoStore        nothing was ever stored there
    │   └── BrokerError        the MQTT broker cannot be used
    ├── WatchError             `zmhook watch` cannot follow ZoneMinder's events
    ├── CameraError            a camera refuses, or is not there
    ├── RightsError            root would work where others could have prepared something
    ├── DownloadError          a model file could not be fetched or verified
    ├── HttpProblem            a request got no complete response (`zmhook.net.http_problem`)
    └── DeadlineExceeded       the event's time is over

A message is one line, names the file, key or URL, and says what to do. It never holds a
secret. Whatever else escapes is a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from zmhook.printable import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST = 10_000
"""Characters of a message."""


class ZmhookError(Exception):
    """Base of all errors below; `str()` is the one line that a user sees.

    It is one, whatever was put into it: an answer, a name, another program's error.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(printable(message), LONGEST))


class Problem(NamedTuple):
    """One thing that is wrong in a configuration file."""

    file: str
    section: str
    key: str
    message: str

    def __str__(self) -> str:
        section = f"[{self.section}]" if self.section else ""
        where = " ".join(filter(None, (section, self.key)))
        return ": ".join(filter(None, (self.file, where, self.message)))


class SettingsError(ZmhookError):
    """The configuration cannot be used; `problems` lists everything that is wrong with it.

    `config` is what could be read of it (a `zmhook.settings.Config`, or None), with defaults in
    the place of the rest: good enough to log and to fail in the way that it asks for
    (`on_failure`), not to decide with.
    """

    def __init__(self, problems: Sequence[Problem], config: Any = None) -> None:
        self.problems = tuple(problems)
        self.config = config
        super().__init__("; ".join(map(str, self.problems)))


class FrameError(ZmhookError):
    """There is no picture to look at."""


class FrameUnavailable(FrameError):
    """The source has no such picture, or cannot be reached; `retry` says whether it may come."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        self.retry = retry
        super().__init__(message)


class PictureError(FrameError):
    """The bytes are there, but they are not a usable picture.

    `retry` says whether fetching again may help (a JPEG cut short while it is being written).
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        self.retry = retry
        super().__init__(message)


class FrameNotNeeded(FrameError):
    """The picture is left out on purpose: another one of the event stands in its place."""


class PortalError(ZmhookError):
    """ZoneMinder's portal or API cannot be used; `retry` says whether waiting may help.

    `status` is the HTTP status of the answer that was refused, None when there was no answer.
    """

    def __init__(self, message: str, *, retry: bool = False, status: int | None = None) -> None:
        self.retry = retry
        self.status = status
        super().__init__(message)


class LoginError(PortalError):
    """ZoneMinder refused the user, the password or the token."""


def to_install(part: str) -> str:
    """Return what to type in the checkout, to have a part installed."""
    return f"sudo ./install.sh --yes --with {part} (without install.sh: pip install '.[{part}]')"


class DetectorError(ZmhookError):
    """A model cannot be used."""


class MissingPart(DetectorError):
    """A Python package that a model needs is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs the Python package {package}, which is not installed: "
            f"{to_install(extra)}"
        )


class ModelFileError(DetectorError):
    """A weights, config or labels file is missing, unreadable or of the wrong kind."""


class ModelSkipped(DetectorError):
    """A model on another machine did not answer, and the chain went on without it.

    `short` is for the detection string: a few words without addresses, such as `no network`.
    """

    def __init__(self, model: str, short: str, message: str) -> None:
        self.short = f"{model} skipped: {short}"
        super().__init__(message)


Blame = Literal["server", "busy", "login", "request", "image"]


class GatewayError(ZmhookError):
    """A server that runs models for us gave no usable response; begins with its address.

    `blame` says what is wrong: the `server` (it is not asked for a while), that it is `busy` (for
    `after` seconds), the `login`, this `request` alone, or that it cannot fetch the `image` that
    it was sent the address of.
    """

    def __init__(self, message: str, blame: Blame = "server", after: float = 0.0) -> None:
        self.blame = blame
        self.after = after
        super().__init__(message)


class InferenceUnavailable(ZmhookError):
    """The service could not run an inference request; `retry` says whether to ask again soon."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        self.retry = retry
        super().__init__(message)


class ServiceError(ModelSkipped):
    """A service that reads plates or describes pictures gave no result, or may not be asked now.

    `reason` is what `short` says of it, `detail` the message without the model's name. `counts`:
    the service took the request, so its quota has one less. `retry`: another attempt may help, but
    not before `until`, in seconds since the epoch; 0 when nothing is known of that. `final`: the
    same request would end the same way (blocked). `is_own_limit`: our own limit refuses it.
    """

    model = ""

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        counts: bool = False,
        retry: bool = False,
        until: float = 0.0,
        final: bool = False,
        is_own_limit: bool = False,
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.counts = counts
        self.retry = retry
        self.until = until
        self.final = final
        self.is_own_limit = is_own_limit
        super().__init__(self.model, reason, f"{self.model}: {detail}")


class TrainingError(ZmhookError):
    """The known faces cannot be trained, or their file cannot be used."""


class ReportError(ZmhookError):
    """An output could not be written."""


class Undelivered(ReportError):
    """A message did not reach whom it was for.

    `retry` says whether trying again may help, `after` how many seconds the other side wants to
    be left alone before that.
    """

    def __init__(self, message: str, *, retry: bool = False, after: float = 0.0) -> None:
        self.retry = retry
        self.after = after
        super().__init__(message)


class NotYet(ReportError):
    """What an output is made of is not there yet: asking again later is all there is to do."""

    retry = True


class StateError(ZmhookError):
    """What is remembered from event to event cannot be read or written."""


class NoState(StateError):
    """There is nothing stored in that file, or not yet."""


class SnapshotError(ZmhookError):
    """A camera's snapshots cannot be used."""


class PayloadError(SnapshotError):
    """A message is not one that is understood; `kind` groups those that fail alike."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class Postponed(SnapshotError):
    """Raised by a snapshot handler that wants the same snapshot again, but not before `until`.

    `until` is seconds since the epoch.
    """

    def __init__(self, message: str, until: float) -> None:
        self.until = until
        super().__init__(message)


class StoreError(SnapshotError):
    """The store of snapshots cannot be read or written."""


class NoStore(StoreError):
    """There is no store of snapshots in that folder, or not yet."""


class BrokerError(SnapshotError):
    """The MQTT broker cannot be reached, or refuses us."""


class WatchError(ZmhookError):
    """`zmhook watch` cannot follow ZoneMinder's events."""


class CameraError(ZmhookError):
    """A camera refuses what it was asked, or is not there."""


class RightsError(ZmhookError):
    """Root will not work in a folder in which others could have prepared something."""


class DownloadError(ZmhookError):
    """A model file could not be fetched, or is not the one that the manifest names."""


class DeadlineExceeded(ZmhookError):
    """The time that an event may take is over."""
