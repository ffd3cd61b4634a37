"""Convert `stream_sequence` of version 6 and Ng: which pictures of an event are analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.migrate.draft import ConfigLine
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, find, is_no, is_yes, words

if TYPE_CHECKING:
    from zmhook.migrate.draft import Draft

_STRATEGY = ("frame_strategy", "strategy", "detection_mode")
_BY_MODELS = "most_models"
_TWICE = "each picture is looked at once"
_NO_FRAMES = {Generation.SIX: "all", Generation.NG: "snapshot,alarm,1"}


def put_stream(draft: Draft, stream: dict[str, Any], old: OldConfig) -> None:
    """Put the settings of `stream_sequence`; those without a counterpart are lost."""
    generation = old.generation
    for key, value in stream.items():
        setting = OldSetting("stream_sequence:", str(key), value)
        if key == "delay":
            _put_delay(draft, setting, old)
        else:
            _put(draft, setting, generation)
    if "frame_set" not in stream:
        note = f"what {generation.value} took without frame_set"
        draft.entries.setdefault("frame_id", ConfigLine(_NO_FRAMES[generation], note))
    if draft.text("frame_id") == "all" and "frame_skip" not in stream:
        draft.entries.setdefault(
            "frame_skip", ConfigLine("0", "without frame_skip it took each frame")
        )


def _put(draft: Draft, setting: OldSetting, generation: Generation) -> None:
    if setting.key in _STRATEGY:
        put_strategy(draft, setting, generation)
    elif setting.key == "frame_set":
        _put_frames(draft, setting)
    elif setting.key == "frame_skip":
        _put_skip(draft, setting)
    elif setting.key == "disable_ssl_cert_check":
        _put_certificates(draft, setting)
    else:
        draft.put(setting.key, setting)


def put_strategy(draft: Draft, setting: OldSetting, generation: Generation) -> None:
    """Put the frame strategy. In version 6, `first` stopped the chain of models, too."""
    draft.put("frame_strategy", setting)
    if generation is Generation.SIX and draft.text("frame_strategy") == "first":
        note = "the first model that found something was the last"
        draft.entries.setdefault("detection_mode", ConfigLine("first", note))


def put_usual_strategy(draft: Draft, generation: Generation) -> None:
    """Put the default frame strategy of version 6 and Ng."""
    key = find("frame_strategy")
    if key and _BY_MODELS in key.choices:
        note = f"the default of {generation.value}; here it is {key.default}"
        draft.entries.setdefault(key.name, ConfigLine(_BY_MODELS, note))


def _put_frames(draft: Draft, setting: OldSetting) -> None:
    frames = words(setting.value)
    draft.put("frame_id", setting._replace(value=",".join(dict.fromkeys(frames))))
    for frame in dict.fromkeys(frames):
        if frames.count(frame) > 1:
            draft.lose(setting._replace(value=f"{frame}, {frames.count(frame)} times"), _TWICE)


def _put_skip(draft: Draft, setting: OldSetting) -> None:
    """Convert frame_skip: 3 meant every third frame, so two are skipped in between."""
    text = str(setting.value).strip()
    if text.isdigit():
        setting = setting._replace(value=str(max(int(text) - 1, 0)))
        draft.put("frame_skip", setting, f"was {text}, which counted the frame itself")
    else:
        draft.put("frame_skip", setting)


def _put_delay(draft: Draft, setting: OldSetting, old: OldConfig) -> None:
    """Put the seconds before the first picture, added to those of `wait`."""
    wait = old.flat.pop("wait", None)
    if wait is None:
        draft.put("wait", setting)
        return
    try:
        both = float(setting.value) + float(wait.value)
    except (TypeError, ValueError):
        draft.lose(setting, f"is no number of seconds, or {wait.location} is none")
        old.flat["wait"] = wait
    else:
        draft.put("wait", OldSetting("", "wait", both), f"{wait.location} and {setting.location}")


def _put_certificates(draft: Draft, setting: OldSetting) -> None:
    if is_yes(setting.value) or is_no(setting.value):
        draft.put("allow_self_signed", setting)
    else:
        draft.lose(setting, "expected yes or no")
