"""The report at 80 columns and below, with and without colours."""

from __future__ import annotations

import pytest

from zmhook.cli.doctor_text import lines, show, summary
from zmhook.doctor.finding import fault, ok, unchecked, warning

LONG = "the broker at 127.0.0.1:1883 does not answer, " * 4


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider(width: int):
    for finding in (ok("a", LONG), fault("monitor 12 (Front door)", LONG, LONG)):
        shown = list(lines(finding, width, is_plain=False))
        assert max(map(len, shown)) <= width
        words = " ".join(shown).replace("→", "").split()
        assert " ".join(words[1:]).endswith((finding.cure or finding.text).strip())


def test_a_line_and_its_cure():
    assert list(lines(fault("portal", "does not answer", "curl -I x"), 80, is_plain=False)) == [
        "  ✗ portal         does not answer",
        "                   → curl -I x",
    ]
    assert list(lines(ok("portal", "answers"), 80, is_plain=True)) == ["  + portal         answers"]


def test_a_command_to_paste_is_one_line():
    command = f"sudo zmhook models get yolox_s -c /{'long/' * 20}objectconfig.ini"
    *_, last = lines(fault("files", "not there", command), 80, is_plain=True)
    assert last.strip() == f"> {command}"


def test_a_long_name_keeps_its_distance():
    (line,) = lines(ok("gateway http://gpu.lan:5000", "answers"), 80, is_plain=False)
    assert line == "  ✓ gateway http://gpu.lan:5000: answers"


def test_only_the_mark_is_coloured():
    (line,) = lines(ok("a", "fine"), 80, is_plain=False, coloured=True)
    assert line == f"  \x1b[32m✓\x1b[0m a{' ' * 14}fine"


def test_what_cannot_be_wrapped_is_left_whole():
    address = "http://" + "x" * 90
    shown = list(lines(ok("a", address), 80, is_plain=False))
    assert any(address in line for line in shown)


def test_groups_and_summary(capsys):
    from msgspec import structs

    found = [ok("a", "1"), warning("b", "2"), fault("c", "3", "do"), unchecked("d", "4")]
    groups = [structs.replace(each, group=g) for each, g in zip(found, "xxyy", strict=True)]
    assert show(iter(groups), "/etc/o.ini") == groups
    out = capsys.readouterr().out
    assert out.startswith("zmhook doctor: /etc/o.ini\n")
    assert "\n\nx\n" in out
    assert "\n\ny\n" in out
    assert out.endswith(
        "1 right, 1 to look at, 1 wrong, 1 not checked. The arrows say what to do.\n"
    )


def test_summaries():
    assert summary([ok("a", "")]) == "1 right. All is well."
    assert summary([ok("a", ""), warning("b", "")]) == "1 right, 1 to look at. Nothing is wrong."
