"""Settings go to another process and come back the same."""

from __future__ import annotations

import msgspec
import pytest

from zmhook.settings import Secret, Settings, load
from zmhook.settings.keys import keys
from zmhook.settings.plain import from_plain, to_plain

EVERYTHING = """
[general]
portal = https://zm.example.org/zm
user = ann
password = pa=ss'"wört
basic_password =
models = face, yolo, hog
detection_mode = most_unique
detect_pattern = (dog|cat)$
frame_id = bestmatch, 7, snapshot
bestmatch_order = s,a
resize = 800
wait = 1.5
poly_color = (1,2,3)
show_percent = no
[yolo]
yolo_min_confidence = 0.4
[hog]
stride = (8, 8)
padding = (16, 24)
[service]
worker_max_rss = 333
[monitor-3]
resize =
garden = 0,0 10,0 10,10
street = 5,5 50,5 50,50 5,50
"""


def over_the_wire(settings: Settings) -> Settings:
    return from_plain(msgspec.msgpack.decode(msgspec.msgpack.encode(to_plain(settings))))


@pytest.mark.parametrize("monitor", [None, 3])
def test_what_was_read_comes_back(write, monitor: int | None) -> None:
    settings = load(write(EVERYTHING)).for_monitor(monitor)

    back = over_the_wire(settings)

    assert back == settings
    assert len(back.zones) == (2 if monitor else 0)
    assert isinstance(back.general.password, Secret)
    assert back.general.password.reveal() == "pa=ss'\"wört"


def test_the_defaults_come_back() -> None:
    assert over_the_wire(Settings()) == Settings()


def test_every_setting_comes_back_as_what_it_is() -> None:
    back = over_the_wire(Settings())
    for key in keys().values():
        before = getattr(getattr(Settings(), key.section), key.name)
        after = getattr(getattr(back, key.section), key.name)
        assert type(after) is type(before), key.name


def test_plain_data_is_the_same_for_the_same_settings(write) -> None:
    """A worker tells by it whether two monitors share their models."""
    one, other = (load(write(EVERYTHING)).general for _ in range(2))

    assert repr(to_plain(one)) == repr(to_plain(other))


def test_secrets_are_shown_to_our_processes_only(write) -> None:
    settings = load(write(EVERYTHING)).general

    assert to_plain(settings)["general"]["password"] == "pa=ss'\"wört"
    assert "wört" not in repr(over_the_wire(settings))


def test_what_has_no_plain_form_is_refused() -> None:
    from zmhook.settings import plain

    with pytest.raises(TypeError, match="a object has no plain form"):
        plain._reveal(object())
    with pytest.raises(TypeError, match="a complex has no plain form"):
        plain._conceal(complex, 1)
