"""Settings go to another process and come back the same."""

from __future__ import annotations

import msgspec
import pytest

from zmhook.settings import General, Secret, Settings, load
from zmhook.settings.keys import keys
from zmhook.settings.model import concealed, from_plain, to_plain

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
    with pytest.raises(TypeError, match="a object has no plain form"):
        to_plain(Settings(general=General(user=object())))  # type: ignore[arg-type]
    with pytest.raises(msgspec.ValidationError, match="a Secret has no plain form"):
        from_plain({"general": {"password": 1}})


# -- the types are msgspec's own, so it checks them ----------------------------------------------


def test_msgspec_converts_the_settings_and_back() -> None:
    plain = to_plain(Settings())

    assert msgspec.convert(plain, Settings, dec_hook=concealed) == Settings()
    assert msgspec.json.decode(msgspec.json.encode(plain)) == msgspec.json.decode(
        msgspec.json.encode(to_plain(from_plain(plain)))
    )


def test_msgspec_knows_their_limits() -> None:
    general = msgspec.inspect.type_info(type(Settings().general))

    (wait,) = (field.type for field in general.fields if field.name == "wait")
    assert (wait.type.ge, wait.type.le) == (0, 300)
    assert wait.extra_json_schema["description"].startswith("Seconds to wait")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("general", "wait", 301.0),
        ("general", "resize", 31),
        ("general", "models", []),
        ("general", "detection_mode", "best"),
        ("general", "poly_color", [1, 2, 256]),
        ("hog", "stride", [4, 65]),
        ("gate", "monitor_size", [0, 10]),
    ],
)
def test_msgspec_checks_them(section: str, key: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=key):
        from_plain({section: {key: value}})


def test_what_is_missing_has_its_default() -> None:
    settings = from_plain({"general": {"wait": 2.0}})

    assert settings.general.wait == 2.0
    assert settings.yolo == Settings().yolo
