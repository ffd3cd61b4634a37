#!/usr/bin/env python3
"""Ask the warm service for one event's decision, where zm_event_start.sh has no Perl.

    python -I -S zm_ask.py SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]

Prints the detection string. Exit 0: detected. 1: nothing detected. 2: no decision could be made.
A service answers within SECONDS, and shows at least every SILENCE seconds that it is alive. Where
none does, this process becomes COMMAND, which decides by itself; without one, exit 3: no service
is there. 4: it did not answer within SECONDS.

Every event pays for what this imports, and `_socket` costs half of what `socket` does; the others
are part of the interpreter.
"""

import _signal
import sys

try:
    from _socket import AF_UNIX, SOCK_STREAM
    from _socket import socket as Socket  # noqa: N812 - it is a class
    from posix import _exit as end
    from posix import execv, isatty, write
    from time import monotonic
except ImportError:  # a damaged Python: its own exit code 1 would mean "nothing detected"
    sys.exit(3)

FIELDS = ("eid", "mid", "name", "cause", "path", "config")
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024

DETECTED, NOTHING, UNDECIDED, NO_SERVICE, TOO_LATE = 0, 1, 2, 3, 4
OK, MULTIPLE_CHOICES, BAD_REQUEST = 200, 300, 400
ASK = "--ask-service"


class TooLate(Exception):  # noqa: N818 - reads as what it is
    """The service shows that it is alive, and nothing else."""


def main(argv: list[str]) -> int:
    count = 3 + len(FIELDS)
    try:
        seconds, silence = map(float, argv[1:3])
    except ValueError:
        seconds = silence = 0.0
    if len(argv) < count or not 0 < silence <= seconds:
        names = " ".join(FIELDS).upper()
        sys.stderr.write(f"usage: zm_ask.py SOCKET SECONDS SILENCE {names} [COMMAND...]\n")
        return NO_SERVICE
    put_signals_right()
    command = argv[count:]
    # What is no text in this locale comes as surrogates; the service gets the bytes as given.
    socket, *values = (
        arg.encode(sys.getfilesystemencoding(), "surrogateescape")
        for arg in (argv[0], *argv[3:count])
    )
    try:
        status, body = parsed(answer(socket, seconds, silence, request(values)))
    except TooLate:
        return otherwise(command, TOO_LATE)
    except (OSError, ValueError):
        return otherwise(command, NO_SERVICE, ASK)
    # What the statuses mean: zmhook/service/routes.py.
    if status == OK:
        return give(body, command)
    if status >= BAD_REQUEST:
        # Who gave no number is told so in any case, as by every way; why an event is undecided is
        # in the log, and is for people.
        if status == BAD_REQUEST or isatty(2):
            complain(body.decode("utf-8", "replace"))
        return UNDECIDED
    return NOTHING if status >= MULTIPLE_CHOICES else otherwise(command, NO_SERVICE, ASK)


def put_signals_right() -> None:
    """Be ready to be ended by the server at its time-out: stdout stays empty then.

    The service sees its caller go, and drops the event. ZoneMinder starts us with signals blocked.
    """
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, lambda *_: end(NOTHING))


def request(values: list[bytes]) -> bytes:
    """Return the form of `POST /decide`."""
    pairs = (f"{name}={encoded(value)}" for name, value in zip(FIELDS, values))  # noqa: B905 - as many; checked
    form = "&".join(pairs).encode("ascii")
    head = (
        "POST /decide HTTP/1.1\r\nHost: zmhook\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + form


def encoded(value: bytes) -> str:
    return "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in value)


def answer(place: bytes, seconds: float, silence: float, asked: bytes) -> bytes:
    """Return everything that the service sends.

    Raises `OSError` (a silent one is a `TimeoutError`), `TooLate`, or `ValueError` past 16 MiB.
    """
    until = monotonic() + seconds
    connection = Socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(silence)
        connection.connect(place)
        connection.sendall(asked)
        data = bytearray()
        while True:
            left = until - monotonic()
            if left <= 0:
                raise TooLate
            connection.settimeout(min(silence, left))
            try:
                chunk = connection.recv(CHUNK)
            except TimeoutError:
                if left <= silence:
                    raise TooLate from None
                raise
            if not chunk:
                return bytes(data)
            data += chunk
            if len(data) > LARGEST:
                raise ValueError("the answer is too long")
    finally:
        connection.close()


def parsed(data: bytes) -> tuple[int, bytes]:
    """Return an HTTP answer's status and body; raises `ValueError` when it is not whole."""
    while data[:8] in (b"HTTP/1.1", b"HTTP/1.0") and data[9:10] == b"1":  # signs of life come first
        data = data.partition(b"\r\n\r\n")[2]
    head, found, body = data.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length" and int(value) != len(body):
            raise ValueError("the answer is cut short")
    words = status.split(b" ", 2)
    if not found or len(words) < 2:  # noqa: PLR2004 - "HTTP/1.1 200"
        raise ValueError("no HTTP answer")
    return int(words[1]), body


def give(line: bytes, command: list[str]) -> int:
    """Print the line at once; a caller who cannot have it must not take us for a decision."""
    if sys.stdout is None:  # it was closed, which is no failure
        return DETECTED
    try:
        with open(1, "wb", buffering=0, closefd=False) as stdout:
            while line:
                line = line[stdout.write(line) :]
    except OSError as error:
        if not command:
            complain(f"the answer could not be written: {error.strerror}")
        return otherwise(command, UNDECIDED, f"--undelivered={error.strerror}")
    return DETECTED


def otherwise(command: list[str], code: int, *more: str) -> int:
    """Become what decides without us, or return the code when there is no such thing."""
    if not command:
        return code
    try:
        execv(command[0], [*command, *more])
    except OSError as error:
        complain(f"{command[0]}: cannot be run: {error.strerror}")
    return UNDECIDED


def complain(text: str) -> None:
    """Tell it on stderr. It may hold anything, and it may be that nobody can be told."""
    line = "".join(one if one.isprintable() else " " for one in text).strip()
    try:  # noqa: SIM105 - contextlib is not loaded
        write(2, f"zmhook: ERROR: {line}\n".encode("utf-8", "replace"))
    except OSError:
        pass


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - Python's own exit code 1 would mean "nothing detected"
        code = otherwise(sys.argv[1 + 3 + len(FIELDS) :], NO_SERVICE, ASK)
    end(code)
