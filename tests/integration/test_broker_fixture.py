"""What the other tests rely on: the broker answers by every transport and keeps what it has."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

pytestmark = pytest.mark.integration


def received(broker, count: int, options: Sequence[str] = ()) -> list[str]:
    """Return what a client of the name `keeper` is sent, which the broker remembers."""
    command = ["mosquitto_sub", "-h", broker.host, "-p", str(broker.port), "-i", "keeper", "-c"]
    command += ["-u", broker.user, "-P", broker.password, "-q", "1", "-t", "t", "-W", "20"]
    done = subprocess.run([*command, "-C", str(count), *options], capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_keeps_messages_when_it_is_ended(broker, end: str) -> None:
    received(broker, 1, ["-E"])
    broker.publish("t", "one", "two")
    getattr(broker, end)()
    broker.start()
    assert received(broker, 2) == ["one", "two"]


def test_refuses_a_wrong_password(broker) -> None:
    broker.password = "another"
    with pytest.raises(ConnectionError, match="authori"):
        broker.publish("t", "one")
