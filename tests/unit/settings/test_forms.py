from __future__ import annotations

import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.settings import forms
from zmhook.settings.keys import keys
from zmhook.settings.section import Colour, Extent, Secret, Zone


def test_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", "%s" % secret]  # noqa: UP031
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2"


def test_secret_is_in_no_json() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret("hunter2"))


def test_secret_compares_and_travels() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
    assert not Secret()
    assert Secret("a")


@pytest.mark.parametrize("text", ["yes", "YES", "true", "on", "1"])
def test_yes(text: str) -> None:
    assert forms.read_bool(text) is True


@pytest.mark.parametrize("text", ["no", "No", "false", "off", "0"])
def test_no(text: str) -> None:
    assert forms.read_bool(text) is False


@pytest.mark.parametrize("text", ["y", "2", "", "yes please", "ja"])
def test_neither(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_bool(text)


@pytest.mark.parametrize(
    "text", ["", "1.5", "1_0", "\uff10", "0x10", "--1", "9" * 16, "1 2", "nan"]
)
def test_not_a_whole_number(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_int(text)


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "1e999", "1_0.5", "0,5", "1e", ".", "٣"]
)
def test_not_a_number(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_float(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number(number: float) -> None:
    assert forms.read_float(repr(number)) == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yolo,face", ("yolo", "face")),
        (" Yolo , face ,", ("yolo", "face")),
        ("['yolo', \"face\"]", ("yolo", "face")),
        ("(yolo)", ("yolo",)),
        ("yolo,yolo", ("yolo",)),
        ("yolo,\nface", ("yolo", "face")),
        ("", ()),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert forms.read_words(text) == words


@pytest.mark.parametrize("text", ["yolo face", "yolo\nwait = 3", "a;b", "a,{b}"])
def test_not_words(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_words(text)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("Snapshot", ("snapshot",)),
        ("bestmatch, 50,007", ("bestmatch", "50", "7")),
        ("7,007", ("7",)),
    ],
)
def test_frames(text: str, frames: tuple[str, ...]) -> None:
    assert forms.read_frames(text) == frames


@pytest.mark.parametrize("text", ["0", "00", "-1", "1.5", "snapshots", "9999999999", "../etc"])
def test_not_frames(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_frames(text)


@pytest.mark.parametrize(
    ("text", "width"), [("no", None), ("0", None), ("off", None), ("800", 800)]
)
def test_a_width_or_none(text: str, width: int | None) -> None:
    assert keys()["resize"].read(text) == width


def test_no_area_is_none_but_zero_is_an_area() -> None:
    key = keys()["min_detection_size"]
    assert (key.read("no"), key.read("0")) == (None, Extent(0, "px"))


@pytest.mark.parametrize("text", ["(4, 8)", "4,8", "[4,8]", " 4 , 8 "])
def test_pair(text: str) -> None:
    assert keys()["stride"].read(text) == (4, 8)


@pytest.mark.parametrize("text", ["4", "4,8,9", "4,x", "", "4.5,8", "0,8", "4,65"])
def test_not_a_pair(text: str) -> None:
    with pytest.raises(ValueError):
        keys()["stride"].read(text)


def test_colour() -> None:
    assert keys()["poly_color"].read("(255, 0,7)") == Colour(255, 0, 7)


@pytest.mark.parametrize("text", ["1,2", "1,2,256", "-1,2,3", "red", "1,2,3,4"])
def test_not_a_colour(text: str) -> None:
    with pytest.raises(ValueError):
        keys()["poly_color"].read(text)


def test_a_type_that_no_text_stands_for() -> None:
    with pytest.raises(TypeError, match="no text stands for a value of type"):
        forms.reader_of(dict[str, int])


@pytest.mark.parametrize("text", ["(a", "a**", "(?P<x>a)(?P<x>b)", "a{99999999999}", "\\"])
def test_not_a_pattern(text: str) -> None:
    with pytest.raises(forms.InvalidValue) as caught:
        forms.read_pattern(text)
    assert str(caught.value)


def test_pattern_that_python_warns_about() -> None:
    assert forms.read_pattern("[[a]|b") == "[[a]|b"


@pytest.mark.parametrize(
    "text",
    ["https://zm.example.org/zm", "http://10.0.0.1:8080", "HTTP://[::1]/zm", "http://löwe/a"],
)
def test_address(text: str) -> None:
    assert forms.read_address(text + "/") == text


@pytest.mark.parametrize("text", ["zm", "ftp://zm", "http://", "http://a b", "http://zm/?x=1"])
def test_not_an_address(text: str) -> None:
    with pytest.raises(ValueError):
        forms.read_address(text)


def test_address_with_a_password() -> None:
    with pytest.raises(forms.LoginInAddress, match="without a user or password") as caught:
        forms.read_address("https://bob:hunter2@zm.example.org/zm")
    assert "hunter2" not in str(caught.value)


def test_polygon() -> None:
    zone = forms.read_polygon("drive", "0,0  640,0\n640,480 -5,+9")
    assert zone == Zone("drive", ((0, 0), (640, 0), (640, 480), (-5, 9)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,0 640,0", "three different"),
        ("0,0 1,1 0,0 1,1", "three different"),
        ("0,0 1,1 2", "whole pixels"),
        ("0,0 1,1 2,2,2", "whole pixels"),
        ("0,0 1,1.5 2,2", "whole pixels"),
        ("0,0 1,1 2,100001", "100000"),
    ],
)
def test_not_a_polygon(text: str, message: str) -> None:
    with pytest.raises(forms.InvalidValue, match=message):
        forms.read_polygon("drive", text)


@pytest.mark.parametrize("text", ["0,0 1,1 2,0", "0,0 1", "8,8", "0, 0 1 ,1"])
def test_looks_like_a_polygon(text: str) -> None:
    assert forms.looks_like_polygon(text)


@pytest.mark.parametrize("text", ["", "5", "yolo,face", "(4,4)", "no", ".*", "a,0 1,1"])
def test_does_not_look_like_a_polygon(text: str) -> None:
    assert not forms.looks_like_polygon(text)
