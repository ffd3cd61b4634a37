#!/usr/bin/env python3
"""Ask the warm service for one event's decision, where zm_event_start.sh has no Perl.

    python -I -S zm_ask.py SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]

Prints the detection string. Exit 0: detected. 1: nothing detected. 2: no decision could be made.
A service answers within SECONDS, and shows at least every SILENCE seconds that it is alive; what it
has written beside its socket counts in place of both. Where none does, this process becomes
COMMAND, which decides by itself; without one, exit 3: no service is there. 4: it did not answer
within SECONDS.

Every event pays for what this imports, and `_socket` costs half of what `socket` does; the others
are part of the interpreter.
"""

import _signal
import sys

try:
    from _socket import AF_UNIX, SOCK_STREAM
    from _socket import socket as Socket  # noqa: N812 - it is a class
    from posix import (
        O_CLOEXEC,
        O_NOFOLLOW,
        O_NONBLOCK,
        execv,
        fstat,
        geteuid,
        isatty,
        read,
        stat,
        write,
    )
    from posix import _exit as end
    from posix import close as close_file
    from posix import open as open_file
    from time import monotonic
except ImportError:  # a damaged Python: its own exit code 1 would mean "nothing detected"
    sys.exit(3)

FIELDS = ("eid", "mid", "name", "cause", "path", "config")
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024
LONGEST_TOLD, LONGEST_WAIT = 4096, 3600.0
KIND, REGULAR = 0o170000, 0o100000
SOL_SOCKET, SO_PEERCRED = 1, 17

DETECTED, NOTHING, UNDECIDED, NO_SERVICE, TOO_LATE = 0, 1, 2, 3, 4
OK, MULTIPLE_CHOICES, BAD_REQUEST = 200, 300, 400
ASK = "--ask-service"


class TooLate(Exception):
    """The service shows that it is alive, and nothing else."""


def main(argv: list[str]) -> int:
    count = 3 + len(FIELDS)
    seconds, silence = (number(word) for word in (*argv[1:3], "", "")[:2])
    if len(argv) < count or not seconds or not silence:
        names = " ".join(FIELDS).upper()
        if not argv[count:]:
            sys.stderr.write(f"usage: zm_ask.py SOCKET SECONDS SILENCE {names} [COMMAND...]\n")
        return otherwise(argv[count:], NO_SERVICE, ASK)
    put_signals_right()
    command = argv[count:]
    # What is no text in this locale comes as surrogates; the service gets the bytes as given.
    socket, *values = (
        arg.encode(sys.getfilesystemencoding(), "surrogateescape")
        for arg in (argv[0], *argv[3:count])
    )
    seconds, silence = patience(socket, values[1]) or (seconds, silence)
    try:
        status, body = parsed(answer(socket, seconds, silence, request(values)))
    except TooLate:
        return otherwise(command, TOO_LATE)
    except (OSError, ValueError):
        return otherwise(command, NO_SERVICE, ASK)
    # What the statuses mean: zmhook/service/routes.py.
    line = plain(body)
    if status == OK and line:
        return give(line.encode() + b"\n", command)
    if status >= BAD_REQUEST:
        # Who gave no number is told so in any case, as by every way; why an event is undecided is
        # in the log, and is for people.
        if status == BAD_REQUEST or isatty(2):
            complain(line)
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


def number(text: str) -> float:
    """Return the number of seconds, 0 for what is none or out of bounds."""
    whole, _, part = text.partition(".")
    digits = whole + (part or "0")
    if not (whole and digits.isascii() and digits.isdigit()) or text.endswith("."):
        return 0.0
    value = float(text)
    return value if value <= LONGEST_WAIT else 0.0


def patience(socket: bytes, monitor: bytes) -> tuple[float, float] | None:
    """Return how long to wait for an answer and for a sign of life, as the service wrote it down.

    Others may write there too: no pipe is waited for, no link followed, nothing but numbers taken.
    """
    if not socket.endswith(b".sock"):
        return None
    try:
        file = open_file(socket[:-5] + b".seconds", O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        try:
            is_file = fstat(file).st_mode & KIND == REGULAR
            told = read(file, LONGEST_TOLD).decode("ascii") if is_file else ""
        finally:
            close_file(file)
    except (OSError, ValueError):
        return None
    words = told.removesuffix("\n").split(" ")
    if len(words) < 2:  # noqa: PLR2004 - for an answer, for a sign of life
        return None
    seconds, silence = number(words[0]), number(words[1])
    for word in words[2:]:
        name, _, wait = word.partition("=")
        if not number(wait):
            return None
        if name.encode() == monitor:
            seconds = number(wait)
    return (seconds, silence) if seconds and silence else None


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
        if geteuid() == 0 and not is_trusted(connection, place):
            raise ValueError("anybody's service")
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
            drop_signs(data)
            if len(data) > LARGEST:
                raise ValueError("the answer is too long")
    finally:
        connection.close()


def is_trusted(connection: Socket, place: bytes) -> bool:
    """Say whether root may take its answer: not that of anybody who may put a socket there."""
    peer = connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)
    owner = int.from_bytes(peer[4:8], sys.byteorder)
    return owner == 0 or owner == stat(place.rpartition(b"/")[0] or b".").st_uid


def drop_signs(data: bytearray) -> None:
    """Take the signs of life away that come before the answer."""
    at = 0
    while data[at : at + 8] in (b"HTTP/1.1", b"HTTP/1.0") and data[at + 9 : at + 10] == b"1":
        end_of_head = data.find(b"\r\n\r\n", at)
        if end_of_head < 0:
            break
        at = end_of_head + 4
    del data[:at]


def parsed(data: bytes) -> tuple[int, bytes]:
    """Return an HTTP answer's status and body; raises `ValueError` when it is not whole."""
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


def plain(text: bytes) -> str:
    """Return it as one line of what can be printed; JSON in it stays the same: ours has escapes."""
    line = text.decode("utf-8", "replace").rstrip()
    if not line.isprintable():
        line = "".join(one if one.isprintable() else " " for one in line).rstrip()
    return line


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
    line = plain(text.encode("utf-8", "replace"))
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
