"""Which checks there are, for what is configured and for what can be read."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

from zmhook.doctor.examination import of_event, of_everything, of_nothing
from zmhook.errors import Problem


def test_every_group_has_its_place(patient):
    text = (
        "models = yolo,face,gemini\nportal = http://zm\n[notify]\nnotify_mqtt = yes\n"
        "notify_webhook = http://a\n[remote]\nml_gateway = http://b\nml_fallback_local = yes\n"
    )
    groups = [check.group for check in of_everything(patient(text), [], "", paid=False)]
    assert [*dict.fromkeys(groups)] == [
        "Configuration",
        "Folders and disk",
        "Python",
        "ZoneMinder",
        "How the hook is called",
        "Models",
        "Service",
        "MQTT and cameras",
        "Remote servers",
        "Describing and plates",
        "Notifications",
    ]
    changes = sum(before != after for before, after in pairwise(groups))
    assert changes == len({*groups}) - 1  # a group's lines stand together


def test_why_root_did_not_become_the_owner_is_said(patient):
    first, *_ = of_everything(patient(), [], "/data/state: is owned by another account", paid=False)
    (finding,) = first.run()
    assert (finding.state, finding.text) == ("fault", "/data/state: is owned by another account")


def test_another_user_than_the_hooks(patient):
    first, *_ = of_everything(patient(owner="nobody"), [], "", paid=False)
    (finding,) = first.run()
    assert finding.state == "unchecked"
    assert "the hook runs as nobody" in finding.text


def test_a_configuration_that_cannot_be_read(patient, tmp_path):
    made = patient(path=str(tmp_path / "none.ini"))
    settings, *_ = of_nothing(made, [Problem("none.ini", "", "", "cannot be read: no such file")])
    broken, rest = settings.run()
    assert broken.state == "fault"
    assert "--config FILE" in broken.cure
    assert rest.state == "unchecked"


def test_what_several_checks_need_is_imported_first():
    """Two threads that import its halves would each wait for the other, and one be given up."""
    code = (
        "import sys; from zmhook.doctor import examination as e; e._import_shared();"
        " sys.exit(not {*e.SHARED} <= {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_event_is_one_check(patient):
    (check,) = of_event(patient(), 12)
    assert check.group == "Event 12"
