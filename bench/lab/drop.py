"""Receive messages with paho, acknowledge and drop them.

python drop.py PORT CLIENT_ID COUNT: receive COUNT messages of a session that has subscribed
before; print the seconds between the first and the last.
"""

from __future__ import annotations

import sys
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    port, client_id, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    times: list[float] = []

    def take(client: Client, *_: object) -> None:
        times.append(time.perf_counter())
        if len(times) == count:
            client.disconnect()  # paho says what it has still to say before that

    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.on_message = take
    client.connect("127.0.0.1", port)
    client.loop_forever()
    print(times[-1] - times[0])


if __name__ == "__main__":
    main()
