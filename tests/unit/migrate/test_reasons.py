from __future__ import annotations

import pytest

from zmhook.migrate import reasons


@pytest.mark.parametrize(
    "key",
    ["cpu_max_processes", "gpu_max_lock_wait", "disable_locks", "aws_region", "birdnet_lat"],
)
def test_a_reason(key: str) -> None:
    assert reasons.why(key)


def test_no_reason_is_known() -> None:
    assert not reasons.why("portal")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("wait", 5, "5"),
        ("ml_password", "abc", "***"),
        ("fcm_v1_key", "abc", "***"),
        ("aws_secret_access_key", "abc", "***"),
        ("alpr_key", "!PLATES", "!PLATES"),
        ("picture_url", "https://h/?user=a&pass=b", "***"),
        ("portal", "https://a:b@h/zm", "***"),
        ("x", {"password": "abc", "y": [1, {"token": "abc"}]}, "password: ***, y: 1, token: ***"),
        ("x", "{'dbpassword': 'abc', 'y': 1}", "dbpassword: ***, y: 1"),
        ("x", "{'password': abc", "…"),
        ("x", "a\nb\0c", "a b c"),
        ("x", "a" * 200, "a" * 99 + "…"),
    ],
)
def test_shown(key: str, value: object, shown: str) -> None:
    assert reasons.shown(key, value) == shown
