from __future__ import annotations

import threading

from zmhook.doctor.run import run
from zmhook.doctor.trials import Trial
from zmhook.errors import DetectorError, Problem, SettingsError
from zmhook.settings import General, Notify, Secret, Settings

SECRETS = Settings(
    general=General(password=Secret("hunter22")),
    notify=Notify(notify_apprise=Secret("ntfy://topic-of-ours json://b")),
)


def outcomes(*trials: Trial, seconds: float = 60.0) -> dict[str, tuple[bool, str]]:
    return {one.name: (one.works, one.message) for one in run(trials, [SECRETS], seconds)}


def fails(error: Exception) -> Trial:
    def trial() -> str:
        raise error

    return Trial(type(error).__name__, trial)


def test_each_has_its_line() -> None:
    wrong = SettingsError(
        [Problem("a.ini", "yolo", "weights", "no"), Problem("a.ini", "", "b", "x")]
    )
    assert outcomes(
        Trial("good", lambda: "all is well"), fails(DetectorError("no file")), fails(wrong)
    ) == {
        "good": (True, "all is well"),
        "DetectorError": (False, "no file"),
        "SettingsError": (False, "a.ini: [yolo] weights: no; a.ini: b: x"),
    }


def test_what_breaks_hides_no_other() -> None:
    found = outcomes(fails(KeyError("x")), Trial("good", lambda: "yes"))
    assert found["good"] == (True, "yes")
    assert found["KeyError"] == (False, "internal error, please report it (KeyError: 'x')")


def test_no_secret_and_one_line() -> None:
    text = "user:hunter22@host\nntfy://topic-of-ours \x1b[31m"
    works, said = outcomes(Trial("a", lambda: text))["a"]
    assert works
    assert "hunter22" not in said
    assert "topic-of-ours" not in said
    assert said.isprintable()


def test_all_at_once_and_what_hangs_is_given_up() -> None:
    go, together = threading.Event(), threading.Barrier(2)

    def meets() -> str:
        together.wait(30)
        return "met"

    def hangs() -> str:
        go.wait(60)
        return ""

    trials = [Trial("a", meets), Trial("b", meets), Trial("c", hangs)]
    found = list(run(trials, [], 5.0))
    go.set()
    assert {one.name: one.message for one in found} == {
        "a": "met", "b": "met", "c": "took more than 5 s",
    }  # fmt: skip
    assert found[-1].name == "c"


def test_nothing_to_try() -> None:
    assert outcomes() == {}
