"""Who is examined, and how its commands are called."""

from __future__ import annotations

from zmhook import CONFIG


def test_commands_are_those_of_the_owner(patient):
    ours = patient()
    assert ours.command("models get") == f"zmhook models get -c {ours.path}"
    assert ours.with_config("sudo zmhook doctor") == f"sudo zmhook doctor -c {ours.path}"
    other = patient(owner="www-data", path=CONFIG)
    assert other.command("train-faces") == "sudo -u www-data zmhook train-faces"


def test_as_root_the_owner_types_sudo(patient):
    assert patient(owner="root", was_root=True).prefix() == "sudo "


def test_what_monitors_share_is_there_once(patient):
    settings = patient("models = hog\n[monitor-3]\nwait = 1\n[monitor-5]\nmodels = yolo\n")
    found = [where for where, _ in settings.distinct(lambda each: each.general.models)]
    assert found == ["", " (monitor 5)"]
    assert len(settings.everybody()) == 3
