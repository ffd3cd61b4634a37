"""Logging in to a camera, and everything that can go wrong on the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from zmhook.camera.axis import Axis
from zmhook.camera.camera_client import CameraClient, CameraLogin
from zmhook.errors import CameraError
from zmhook.settings import Secret

USER, PASSWORD = "root", "c4mera-pass"


def axis(base: str, password: str = PASSWORD, *, basic: bool = False, **more: Any) -> Axis:
    return Axis(CameraClient(base, CameraLogin(USER, Secret(password), basic=basic), **more))


def complaint(base: str, **more: Any) -> str:
    with closing(axis(base, **more)) as camera, pytest.raises(CameraError) as caught:
        camera.state()
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(base)
    return text


def test_digest_login(camera: Any) -> None:
    with closing(axis(camera.base)) as one:
        assert one.device().firmware == "12.8.61"
        assert not one.client().active


def test_a_wrong_password_is_told_and_not_shown(camera: Any) -> None:
    text = complaint(camera.base, password="wr0ng-one")
    assert "refuses the user 'root' or the password" in text
    assert "wr0ng-one" not in text


def test_basic_login_is_not_used_where_others_could_read_it(camera: Any) -> None:
    camera.login = "basic"
    assert "use --https, or --basic to do so" in complaint(camera.base)
    with closing(axis(camera.base, basic=True)) as one:
        assert one.device().serial == "ACCC8E000001"


def test_basic_login_is_used_where_nobody_can_read_it(
    make_camera: Callable[..., Any], certificates: Any
) -> None:
    camera = make_camera((certificates.server, certificates.server_key), login="basic")
    with closing(axis(camera.base, verify=False)) as one:
        assert one.device().serial == "ACCC8E000001"


def test_a_certificate_of_the_camera_s_own_is_told(
    make_camera: Callable[..., Any], certificates: Any
) -> None:
    camera = make_camera((certificates.server, certificates.server_key))
    text = complaint(camera.base)
    assert "its certificate cannot be verified" in text
    assert "--insecure accepts it" in text
    with closing(axis(camera.base, verify=False)) as one:
        assert one.device().firmware == "12.8.61"


def test_https_where_there_is_none(camera: Any) -> None:
    base = camera.base.replace("http:", "https:")
    assert "Without --https it is asked by http" in complaint(base)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"page": b"<!doctype html><html>Welcome</html>"}, "answers with a web page"),
        ({"page": b"[1, 2]"}, "no JSON object"),
        ({"page": b"[" * 100_000}, "no JSON object"),
        ({"page": b" " * 5_000_000}, "more than 4194304 bytes"),
        ({"status": 403}, "may not do that"),
        ({"status": 302}, "use --https"),
        ({"status": 500}, "status 500"),
        ({"status": 404}, "it has no MQTT client"),
        ({"silent": True}, "no complete response within 0.4 s"),
    ],
)
def test_what_is_no_answer_is_one_line(camera: Any, change: dict[str, Any], words: str) -> None:
    for name, value in change.items():
        setattr(camera, name, value)
    assert words in complaint(camera.base, seconds=0.2 if camera.silent else 10)


def test_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        assert "refused the connection" in complaint(base)


def test_a_name_that_nobody_knows() -> None:
    assert "cannot be resolved" in complaint("http://camera.invalid")


@pytest.fixture
def drip() -> Iterator[str]:
    """A server that sends a byte now and then, for ever."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                while not stop.wait(0.05):
                    client.sendall(b"X")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        thread.join(5)


def test_a_camera_that_never_finishes_is_given_up(drip: str) -> None:
    assert "no complete response within 0.4 s" in complaint(drip, seconds=0.2)


def test_the_password_is_in_no_repr() -> None:
    login = CameraLogin(USER, Secret(PASSWORD))
    assert PASSWORD not in f"{login!r} {CameraClient('http://127.0.0.1', login)!r}"
