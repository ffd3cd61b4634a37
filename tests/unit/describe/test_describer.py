"""Question, cache, budget, waits and backend together, with a backend that says what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.describe import describer as module
from zmhook.describe.describer import Describer, backend_of, key_for, service_of
from zmhook.describe.description import DescriptionError, Subject
from zmhook.describe.gemini import GeminiBackend
from zmhook.describe.openai_compatible import OpenAiBackend
from zmhook.errors import ModelSkipped
from zmhook.settings import Face, Gemini, Prompt
from zmhook.settings.section import Secret

CAR = Subject(label="car")
ANSWER = {"label": "van", "description": "A van.", "confidence": 0.9, "alarm": "no"}


class Backend:
    """Gives its answers one after the other, the last one for ever; an exception is raised."""

    model = "m"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers or [ANSWER])
        self.asked: list[tuple[bytes, str, float]] = []
        self.closed = 0
        self.go = threading.Event()
        self.go.set()

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        self.asked.append((picture, question, deadline.left()))
        assert self.go.wait(10)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, str) else json.dumps(answer)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def describer(settings) -> Iterator[Callable[..., Describer]]:
    made: list[Describer] = []

    def make(backend: Backend, *, patient: bool = False, **own) -> Describer:
        made.append(Describer(settings(**own), backend, patient=patient))
        return made[-1]

    yield make
    for one in made:
        one.close()


def later(seconds: float, **more) -> DescriptionError:
    return DescriptionError("too many requests", "slow down", until=time.time() + seconds, **more)


def test_a_picture_is_described(describer, jpeg: bytes) -> None:
    backend = Backend()
    found = describer(backend).describe(jpeg, CAR, Deadline(9))
    assert (found.label, found.model, found.cached) == ("van", "m", False)
    picture, question, seconds = backend.asked[0]
    assert "What car is this?" in question
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)
    assert 4 < seconds <= 5  # gemini_timeout, which is less than the deadline


def test_the_deadline_may_be_less_than_the_time_out(describer, jpeg: bytes) -> None:
    backend = Backend()
    describer(backend).describe(jpeg, CAR, Deadline(3))
    assert backend.asked[0][2] <= 3


def test_it_is_reduced_and_has_nothing_beside_its_pixels(describer) -> None:
    backend = Backend()
    wide = np.zeros((100, 3000, 3), np.uint8)
    data = cv2.imencode(".jpg", wide)[1].tobytes()
    exif = b"\xff\xe1\x00\x1eExif\x00\x00 Anna's garden, 51 N."
    describer(backend).describe(data[:2] + exif + data[2:], CAR, Deadline(9))
    picture = backend.asked[0][0]
    assert b"Anna" not in picture
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape[1] == 1024


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut"])
def test_no_picture(describer, data: bytes) -> None:
    backend = Backend()
    with pytest.raises(ModelSkipped) as told:
        describer(backend).describe(data, CAR, Deadline(9))
    assert told.value.short == "gemini skipped: no picture"
    assert not backend.asked


def test_the_same_is_not_asked_twice(describer, jpeg: bytes, image: np.ndarray) -> None:
    backend = Backend()
    one = describer(backend)
    first = one.describe(jpeg, CAR, Deadline(9))
    again = describer(backend).describe(jpeg, CAR, Deadline(9))  # as after a restart
    assert again.cached
    assert (again.label, again.box) == (first.label, first.box)
    assert len(backend.asked) == 1
    one.describe(jpeg, Subject(label="bird"), Deadline(9))
    one.describe_image(255 - image, CAR, Deadline(9))
    describer(backend, gemini_model="other").describe(jpeg, CAR, Deadline(9))
    describer(backend, prompts=(Prompt(labels=("car",), text="?"),)).describe(
        jpeg, CAR, Deadline(9)
    )
    assert len(backend.asked) == 5


def test_what_is_blocked_is_not_asked_again(describer, jpeg: bytes) -> None:
    backend = Backend(DescriptionError("blocked", "the answer is blocked", counts=True, final=True))
    one = describer(backend)
    for _ in range(2):
        with pytest.raises(ModelSkipped) as told:
            one.describe(jpeg, CAR, Deadline(9))
        assert told.value.short == "gemini skipped: blocked"
    assert len(backend.asked) == 1
    assert one.usage().counts[1] == 1


def test_what_is_not_understood_is(describer, jpeg: bytes) -> None:
    backend = Backend("a van", ANSWER)
    one = describer(backend)
    with pytest.raises(ModelSkipped, match="not understood"):
        one.describe(jpeg, CAR, Deadline(9))
    assert one.describe(jpeg, CAR, Deadline(9)).label == "van"
    assert one.usage().counts[1] == 2


def test_two_threads_with_one_picture_ask_once(describer, jpeg: bytes) -> None:
    backend = Backend()
    backend.go.clear()
    one = describer(backend)
    found = []

    def ask() -> None:
        found.append(one.describe(jpeg, CAR, Deadline(9)).cached)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while not backend.asked:
        time.sleep(0.001)
    backend.go.set()
    for thread in threads:
        thread.join()
    assert len(backend.asked) == 1
    assert sorted(found) == [False, True, True, True]
    assert not one._under_way


def test_who_waits_for_another_waits_no_longer_than_its_deadline(describer, jpeg: bytes) -> None:
    backend = Backend(ANSWER)
    backend.go.clear()
    one = describer(backend)
    first = threading.Thread(target=lambda: one.describe(jpeg, CAR, Deadline(9)))
    first.start()
    while not backend.asked:
        time.sleep(0.001)
    with pytest.raises(ModelSkipped) as told:
        one.describe(jpeg, CAR, Deadline(0.05))
    assert told.value.short == "gemini skipped: no answer in time"
    backend.go.set()
    first.join()


def test_a_failure_is_told_to_all_who_wait_and_then_forgotten(describer, jpeg: bytes) -> None:
    backend = Backend(DescriptionError("no network", "there is none"), ANSWER)
    one = describer(backend)
    with pytest.raises(ModelSkipped, match="there is none"):
        one.describe(jpeg, CAR, Deadline(9))
    assert one.describe(jpeg, CAR, Deadline(9)).label == "van"


def test_a_wait_that_fits_is_waited_once(describer, jpeg: bytes) -> None:
    backend = Backend(later(0.2), ANSWER)
    one = describer(backend)
    assert one.describe(jpeg, CAR, Deadline(9)).label == "van"
    assert len(backend.asked) == 2
    assert one.usage().counts == (1, 1)


def test_and_not_a_second_time(describer, jpeg: bytes) -> None:
    backend = Backend(later(0.05), later(0.3), ANSWER)
    with pytest.raises(ModelSkipped, match="slow down"):
        describer(backend).describe(jpeg, CAR, Deadline(9))
    assert len(backend.asked) == 2


def test_one_that_does_not_fit_is_remembered(describer, jpeg: bytes) -> None:
    backend = Backend(later(29), ANSWER)
    for _ in range(2):  # the second as another process
        with pytest.raises(ModelSkipped) as told:
            describer(backend).describe(jpeg, CAR, Deadline(9))
        assert told.value.short == "gemini skipped: too many requests"
    assert len(backend.asked) == 1
    assert "slow down" in describer(backend).usage().held


def test_without_credit_it_is_asked_once(settings, fake_gemini, jpeg: bytes) -> None:
    fake_gemini.will("402")
    own = {"gemini_backend": "openai", "gemini_url": fake_gemini.openai_url}
    one = Describer.from_settings(settings(**own))
    for _ in range(3):
        with pytest.raises(DescriptionError, match="no credit"):
            one.describe(jpeg, CAR, Deadline(9))
    one.close()
    assert len(fake_gemini.asked) == 1


@pytest.mark.parametrize(
    ("backend", "given", "name"),
    [
        ("openai", "sk\u2013hidden", "[gemini] gemini_key"),
        ("gemini", "sk\u2013hidden", "[gemini] gemini_key"),
        ("gemini", "", "GEMINI_API_KEY of the environment"),
    ],
)
def test_with_a_key_that_cannot_be_one_nobody_is_asked(
    settings, fake_gemini, jpeg: bytes, monkeypatch, backend: str, given: str, name: str
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "sk\u2013hidden")
    url = fake_gemini.openai_url if backend == "openai" else fake_gemini.url
    own = {"gemini_backend": backend, "gemini_url": url, "gemini_key": Secret(given)}
    one = Describer.from_settings(settings(**own))
    with pytest.raises(DescriptionError) as told:
        one.describe(jpeg, CAR, Deadline(9))
    asked = one.usage().counts[0]
    one.close()
    assert told.value.short == "gemini skipped: the key cannot be right"
    assert f"{name}: character 3 is an en dash (U+2013), which no key has" in str(told.value)
    assert "hidden" not in str(told.value)
    assert fake_gemini.asked == []
    assert asked == 0


def test_another_service_is_asked_meanwhile(describer, jpeg: bytes) -> None:
    with pytest.raises(ModelSkipped):
        describer(Backend(later(29))).describe(jpeg, CAR, Deadline(9))
    at_home = describer(Backend(), gemini_backend="openai", gemini_url="http://127.0.0.1:1")
    assert at_home.describe(jpeg, CAR, Deadline(9)).label == "van"


def test_our_own_limit(describer, jpeg: bytes, image: np.ndarray) -> None:
    backend = Backend()
    one = describer(backend, gemini_per_minute=1)
    one.describe(jpeg, CAR, Deadline(90))
    with pytest.raises(ModelSkipped) as told:  # at once, although the minute fits the deadline
        one.describe_image(255 - image, CAR, Deadline(90))
    assert told.value.short == "gemini skipped: 1 a minute are used up"
    assert one.describe(jpeg, CAR, Deadline(9)).cached  # costs nothing
    assert len(backend.asked) == 1


def test_a_patient_one_waits_for_it(
    describer, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend()
    one = describer(backend, patient=True, gemini_per_minute=1)
    moments = [time.time()]
    one._quota._clock = lambda: moments[-1]
    monkeypatch.setattr(
        module.Deadline, "sleep", lambda _, seconds: moments.append(moments[-1] + seconds + 1)
    )
    one.describe_image(image, CAR, Deadline(90))
    assert one.describe_image(255 - image, CAR, Deadline(90)).label == "van"
    with pytest.raises(ModelSkipped):
        one.describe_image(image // 2, CAR, Deadline(20))
    assert len(backend.asked) == 2


@pytest.mark.parametrize(("counts", "asked"), [(True, 1), (False, 0)])
def test_only_what_the_service_took_counts(
    describer, jpeg: bytes, counts: bool, asked: int
) -> None:
    one = describer(Backend(DescriptionError("x", "y", counts=counts)))
    with pytest.raises(ModelSkipped):
        one.describe(jpeg, CAR, Deadline(9))
    assert one.usage().counts[1] == asked


def test_with_no_time_left_nobody_is_asked(describer, jpeg: bytes) -> None:
    backend = Backend()
    with pytest.raises(ModelSkipped) as told:
        describer(backend).describe(jpeg, CAR, Deadline(0.5))
    assert told.value.short == "gemini skipped: no time left"
    assert not backend.asked


def test_a_picture_that_cannot_be_blurred_is_not_sent(describer, jpeg: bytes, tmp_path) -> None:
    backend = Backend()
    face = Face(face_yunet_model=str(tmp_path / "none.onnx"))
    with pytest.raises(ModelSkipped) as told:
        describer(backend, gemini_blur_faces=True, face=face).describe(jpeg, CAR, Deadline(9))
    assert told.value.short == "gemini skipped: faces cannot be blurred"
    assert not backend.asked


def test_faces_are_blurred_before(describer, photo, model) -> None:
    from zmhook.detectors.face.finders import YunetFinder

    face = Face(face_yunet_model=str(model("face_detection_yunet_2023mar.onnx")))
    data = photo("obama.jpg").read_bytes()
    backend = Backend()
    describer(backend, face=face).describe(data, CAR, Deadline(9))
    describer(backend, face=face, gemini_blur_faces=True).describe(data, CAR, Deadline(9))
    faces = [
        YunetFinder(face).find(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR))
        for picture, _, _ in backend.asked
    ]
    assert [len(found) for found in faces] == [1, 0]


def test_the_environments_key_is_googles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", " AIza-env ")
    assert key_for(Gemini()) == "AIza-env"
    assert key_for(Gemini(gemini_key=Secret("own"))) == "own"
    assert key_for(Gemini(gemini_backend="openai")) == ""
    assert key_for(Gemini(gemini_backend="openai", gemini_key=Secret("own"))) == "own"


def test_the_backend_is_a_setting() -> None:
    assert isinstance(backend_of(Gemini()), GeminiBackend)
    assert isinstance(backend_of(Gemini(gemini_backend="openai")), OpenAiBackend)


def test_services_differ_by_key_and_do_not_show_it() -> None:
    one, other = (service_of(Gemini(gemini_key=Secret(key))) for key in ("AIza-1", "AIza-2"))
    assert one != other
    assert "AIza" not in one


def test_to_close_is_to_close_the_backend(settings) -> None:
    backend = Backend()
    Describer(settings(), backend).close()
    assert backend.closed == 1


def test_what_would_be_asked(describer) -> None:
    assert describer(Backend()).question(CAR).startswith("What car is this?")
