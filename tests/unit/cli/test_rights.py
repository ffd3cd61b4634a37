"""What a message about a missing permission tells to type."""

from __future__ import annotations

import shutil
import sys

import pytest

from zmhook.cli import rights

DENIED = "/etc/zm/secrets.ini: cannot be read: Permission denied"


@pytest.fixture(autouse=True)
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is not root, on a machine with zmhook and sudo."""
    monkeypatch.setattr(rights, "is_root", lambda: False)
    monkeypatch.delenv("ZMHOOK_CONFIG", raising=False)
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/zmhook", "history", "list"])
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


def test_the_line_to_type_is_added_to_what_is_forbidden():
    assert rights.advised(DENIED) == f"{DENIED}; type: sudo zmhook history list"
    assert rights.advised("p.jpg: no permission to read it").endswith("sudo zmhook history list")


def test_other_messages_stay_as_they_are():
    assert rights.advised("there is no such file") == "there is no such file"


def test_root_needs_no_advice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rights, "is_root", lambda: True)
    assert rights.advised(DENIED) == DENIED


def test_words_are_quoted_and_the_variable_of_the_configuration_is_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("ZMHOOK_CONFIG", "/home/ann/my zm.ini")
    line = rights.as_root(["zmhook", "describe", "my car.jpg"])
    assert line == "sudo ZMHOOK_CONFIG='/home/ann/my zm.ini' zmhook describe 'my car.jpg'"


@pytest.mark.parametrize(
    "words", [["-O", "general.password=x"], ["-Ogeneral.password=x"], ["--broker-password", "x"]]
)
def test_values_that_may_be_secret_are_not_repeated(words: list[str]):
    assert rights.as_root(["zmhook", "detect", "5", *words]) == "sudo zmhook detect ..."


def test_a_program_that_no_shell_finds_is_named_in_full(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")
    assert rights.as_root(["opt/zm_train_faces.py"]) == "sudo /opt/zm_train_faces.py"


def test_without_sudo_it_is_su(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "sudo" else name)
    assert rights.as_root(["zmhook", "history", "list"]) == "su -c 'zmhook history list'"
