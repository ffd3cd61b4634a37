#!/usr/bin/env python3
"""Ask the warm service for one event's decision, where zm_event_start.sh has no Perl.

    python -I -S zm_ask.py SOCKET SECONDS EID MID NAME CAUSE PATH CONFIG

Prints the detection string. Exit 0: detected. 1: nothing detected. 2: no decision could be made.
3: no service is there. 4: it did not answer within SECONDS.

Every event pays for what this imports, and `_socket` costs half of what `socket` does; sys is
there in any case.
"""

import sys

try:
    from _socket import AF_UNIX, SOCK_STREAM
    from _socket import socket as Socket  # noqa: N812 - it is a class
except ImportError:  # a damaged Python: its own exit code 1 would mean "nothing detected"
    sys.exit(3)

FIELDS = ("eid", "mid", "name", "cause", "path", "config")
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024

DETECTED, NOTHING, UNDECIDED, NO_SERVICE, TOO_LATE = 0, 1, 2, 3, 4
OK, MULTIPLE_CHOICES, BAD_REQUEST = 200, 300, 400


def main(argv: list[str]) -> int:
    if len(argv) != 2 + len(FIELDS) or not argv[1].isdecimal():
        sys.stderr.write(f"usage: zm_ask.py SOCKET SECONDS {' '.join(FIELDS).upper()}\n")
        return NO_SERVICE
    # What is no text in this locale comes as surrogates; the service gets the bytes as given.
    socket, seconds, *values = (
        arg.encode(sys.getfilesystemencoding(), "surrogateescape") for arg in argv
    )
    try:
        status, body = parsed(answer(socket, int(seconds), request(values)))
    except TimeoutError:
        return TOO_LATE
    except (OSError, ValueError):
        return NO_SERVICE
    if status == OK:
        give(body)
        return DETECTED
    # What the statuses mean: zmhook/service/routes.py.
    if status >= BAD_REQUEST:
        return UNDECIDED
    return NOTHING if status >= MULTIPLE_CHOICES else NO_SERVICE


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


def answer(place: bytes, seconds: int, asked: bytes) -> bytes:
    """Return everything that the service sends; raises `OSError`, or `ValueError` past 16 MiB."""
    connection = Socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
        connection.sendall(asked)
        data = bytearray()
        while True:
            chunk = connection.recv(CHUNK)
            if not chunk:
                return bytes(data)
            data += chunk
            if len(data) > LARGEST:
                raise ValueError("the answer is too long")
    finally:
        connection.close()


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


def give(line: bytes) -> None:
    """Print the line at once. Nobody may read it, and that changes nothing about the decision."""
    if sys.stdout is None:  # ZoneMinder's EventStartCommand runs with every file closed
        return
    try:
        with open(1, "wb", buffering=0, closefd=False) as stdout:
            while line:
                line = line[stdout.write(line) :]
    except OSError:
        pass


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - Python's own exit code 1 would mean "nothing detected"
        code = NO_SERVICE
    sys.exit(code)
