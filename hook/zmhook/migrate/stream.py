"""`stream_sequence`, which version 6 and Ng have: which pictures of an event are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.migrate.draft import Entry
from zmhook.migrate.old import Generation, Given, Old, find, is_no, is_yes, words

if TYPE_CHECKING:
    from zmhook.migrate.draft import Draft

_STRATEGY = ("frame_strategy", "strategy", "detection_mode")
_BY_MODELS = "most_models"
_TWICE = "each picture is looked at once"
_NO_FRAMES = {Generation.SIX: "all", Generation.NG: "snapshot,alarm,1"}


def put_stream(draft: Draft, stream: dict[str, Any], old: Old) -> None:
    """Put what `stream_sequence` says; what has no place here is lost."""
    generation = old.generation
    for key, value in stream.items():
        given = Given("stream_sequence:", str(key), value)
        if key == "delay":
            _put_delay(draft, given, old)
        else:
            _put(draft, given, generation)
    if "frame_set" not in stream:
        note = f"what {generation.value} took without frame_set"
        draft.entries.setdefault("frame_id", Entry(_NO_FRAMES[generation], note))
    if draft.text("frame_id") == "all" and "frame_skip" not in stream:
        draft.entries.setdefault("frame_skip", Entry("0", "without frame_skip it took each frame"))


def _put(draft: Draft, given: Given, generation: Generation) -> None:
    if given.key in _STRATEGY:
        put_strategy(draft, given, generation)
    elif given.key == "frame_set":
        _put_frames(draft, given)
    elif given.key == "frame_skip":
        _put_skip(draft, given)
    elif given.key == "disable_ssl_cert_check":
        _put_certificates(draft, given)
    else:
        draft.put(given.key, given)


def put_strategy(draft: Draft, given: Given, generation: Generation) -> None:
    """Put which picture answers. In version 6, `first` ended the chain of the models too."""
    draft.put("frame_strategy", given)
    if generation is Generation.SIX and draft.text("frame_strategy") == "first":
        note = "the first model that found something was the last"
        draft.entries.setdefault("detection_mode", Entry("first", note))


def put_usual_strategy(draft: Draft, generation: Generation) -> None:
    """Put what version 6 and Ng took where nothing says which picture answers."""
    key = find("frame_strategy")
    if key and _BY_MODELS in key.choices:
        note = f"the default of {generation.value}; here it is {key.default}"
        draft.entries.setdefault(key.name, Entry(_BY_MODELS, note))


def _put_frames(draft: Draft, given: Given) -> None:
    frames = words(given.value)
    draft.put("frame_id", given._replace(value=",".join(dict.fromkeys(frames))))
    for frame in dict.fromkeys(frames):
        if frames.count(frame) > 1:
            draft.lose(given._replace(value=f"{frame}, {frames.count(frame)} times"), _TWICE)


def _put_skip(draft: Draft, given: Given) -> None:
    """Every third frame was frame_skip 3: two are left out between them."""
    text = str(given.value).strip()
    if text.isdigit():
        given = given._replace(value=str(max(int(text) - 1, 0)))
        draft.put("frame_skip", given, f"was {text}, which counted the frame itself")
    else:
        draft.put("frame_skip", given)


def _put_delay(draft: Draft, given: Given, old: Old) -> None:
    """Put the seconds before the first picture: those of `wait` passed before."""
    wait = old.flat.pop("wait", None)
    if wait is None:
        draft.put("wait", given)
        return
    try:
        both = float(given.value) + float(wait.value)
    except (TypeError, ValueError):
        draft.lose(given, f"is no number of seconds, or {wait.place} is none")
        old.flat["wait"] = wait
    else:
        draft.put("wait", Given("", "wait", both), f"{wait.place} and {given.place}")


def _put_certificates(draft: Draft, given: Given) -> None:
    if is_yes(given.value) or is_no(given.value):
        draft.put("allow_self_signed", given)
    else:
        draft.lose(given, "expected yes or no")
