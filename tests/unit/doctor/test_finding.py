"""The values that checks yield."""

from __future__ import annotations

from functools import partial

from zmhook.doctor.finding import Check, fault, ok, single, unchecked, warning


def test_each_state_has_its_name():
    made = [ok("a", "b"), warning("a", "b"), fault("a", "b"), unchecked("a", "b")]
    assert [each.state for each in made] == ["ok", "warning", "fault", "unchecked"]


def test_a_function_of_one_finding_is_a_check():
    check = Check("group", "a", partial(single, fault, "a", "broken", "mend it"))
    assert [*check.run()] == [fault("a", "broken", "mend it")]
