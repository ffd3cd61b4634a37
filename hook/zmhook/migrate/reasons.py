"""Reasons why an old key cannot be carried over, and how to show its value without secrets."""

from __future__ import annotations

import re
from typing import Any

from zmhook.migrate.old_config import parse_literal
from zmhook.printable import one_line

NOTHING = "there is nothing like it here"
A_SECRETS_FILE = "holds secrets alone: give the configuration that names it as its secrets file"
OWN_SECRETS = "secrets in the file itself had no effect: another file is named for them"
UNNAMED_SECRETS = (
    "secrets in the file itself had no effect, as no key secrets names a file: "
    "--secrets FILE takes those that are used"
)
UNUSED_SECRETS = "secrets that no key names stay where they are"

_LOCKS = (
    "not needed: the service looks at service_workers pictures at the same time, the others wait "
    "in its queue"
)
_RETRY = (
    "nothing is like it: a picture that is not there yet is asked for again (max_attempts, "
    "sleep_between_attempts)"
)
_CLOUD = "that model is not here"
_PUSH = (
    "stays with the notification server, which sends it; [notify] has other ways: Apprise, MQTT, "
    "a webhook"
)

_WHY = [
    (r"(cpu|gpu|tpu)_max_(processes|lock_wait)|max_(processes|lock_wait)|disable_locks", _LOCKS),
    (r"use_sequence", "not needed: models and the models' own sections say it"),
    (r"version", "not needed: a file is checked against the version that reads it"),
    (r"pyzm_overrides", "not needed: log levels are those of ZoneMinder's options"),
    (r"object_framework|audio_framework", "not needed: the file that weights names tells it"),
    (r"face_(detection|recognition)_framework", "not needed: face_model says how faces are found"),
    (r"face_processor", "not needed: a model for faces uses the processor that it was built for"),
    (r"same_model_sequence_strategy", "not needed: there is one model of each kind"),
    (r"contig_frames_before_error|delay_between_(frames|snapshots)", _RETRY),
    (r"download(_dir)?", "not needed: frames are cut out of the event's video where it has one"),
    (
        r"save_(analyzed_)?frames(_dir)?",
        "write_debug_image and delete_after_analyze keep pictures, in image_path",
    ),
    (r"convert_snapshot_to_fid", "not needed: boxes belong to the picture that was looked at"),
    (r"stop_on_match", "not needed: frame_strategy says when to stop"),
    (r"allow_cpu_fallback|gpu_retry_seconds", "not needed: without a GPU the CPU takes over"),
    (r"face_(weights|min_confidence)", "is of the Coral's model for faces, which is not here"),
    (r"(aws|birdnet|virelai)_\w+", _CLOUD),
    (r"only_box_new_objs", "not needed: what was there before is in no picture"),
    (r"use_zm_logs|log_level\w*", "not needed: log levels are those of ZoneMinder's options"),
    (r"push", _PUSH),
    (r"audio", "nothing here listens to sounds"),
]
_TABLE = [(re.compile(pattern), why) for pattern, why in _WHY]

_HIDDEN_KEY = re.compile(
    r"pass|pwd|secret|token|login|credential|(^|_)key|access_key|auth", re.IGNORECASE
)
_HIDDEN_VALUE = re.compile(r"@|(pass\w*|pwd|token|auth|key|user(name)?)=", re.IGNORECASE)
LONGEST_VALUE, LONGEST_LINE = 100, 400


def is_of_secrets(section: str) -> bool:
    """Say whether a section holds secrets; capitals do not matter."""
    return section.strip().lower() in ("secret", "secrets")


def why(key: str) -> str:
    """Return why an old key cannot be carried over; empty if unknown."""
    return next((reason for pattern, reason in _TABLE if pattern.fullmatch(key)), "")


def is_hidden(key: str, value: Any) -> bool:
    """Say whether the value may be a secret; a !TOKEN is none."""
    text = str(value)
    if re.fullmatch(r"![\w.-]*", text.strip()):
        return False
    return bool(_HIDDEN_KEY.search(key) or _HIDDEN_VALUE.search(text))


def shown(key: str, value: Any) -> str:
    """Return the value on one line, with secrets masked."""
    value = _opened(value)
    if isinstance(value, dict | list | tuple | set) and _HIDDEN_KEY.search(key):
        return "***"
    if isinstance(value, dict):
        parts = [
            f"{one_line(key, LONGEST_VALUE)}: {shown(str(key), own)}" for key, own in value.items()
        ]
        return one_line(", ".join(parts), LONGEST_LINE)
    if isinstance(value, list | tuple | set):
        return one_line(", ".join(shown(key, own) for own in value), LONGEST_LINE)
    return "***" if is_hidden(key, value) else one_line(value, LONGEST_VALUE)


def _opened(value: Any) -> Any:
    """Parse a text that is a Python literal, so that secrets in it are masked."""
    if not (isinstance(value, str) and value.lstrip().startswith(("{", "["))):
        return value
    try:
        return parse_literal(value)
    except ValueError:
        return value if ":" not in value else "…"
