"""Read the YAML of Ng: an `OldConfig` for all monitors, and one for each, merged as Ng does.

A file is bounded in size, and in what its aliases unfold to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from zmhook.errors import MissingPart, Problem, SettingsError
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting, is_yes
from zmhook.migrate.reasons import A_SECRETS_FILE, is_of_secrets
from zmhook.settings import inifile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import yaml

_FLAT = ("general", "animation", "remote", "ml")
_NESTED = ("ml_sequence", "stream_sequence")
_PATTERNS = ("detection_pattern", "ignore_pattern")
MOST_VALUES = 50_000
_BASE = re.compile(r"\$\{\s*base_data_path\s*\}")


def read(path: str) -> list[OldConfig]:
    """Return the settings of all monitors, then those of each monitor in the file.

    Raises `SettingsError` when the file cannot be read.
    """
    tree = _with_our_base(read_yaml(path))
    common = OldConfig(Generation.NG, None)
    common.secrets = _held(path, tree)
    for section, entries in tree.items():
        if section in _FLAT and isinstance(entries, dict):
            _add(common, str(section), entries)
        elif section == "push" and isinstance(entries, dict):
            common.push = entries
        elif section != "monitors" and entries is not None:
            # No section of Ng: perhaps a secrets file that was given by mistake.
            shown = entries if isinstance(entries, dict) else "…"
            common.unread.append(OldSetting("", str(section), shown))
    return [common, *_monitors(common, tree.get("monitors"))]


def _held(path: str, tree: dict[Any, Any]) -> dict[str, str]:
    """Remove the secrets from the tree, and return them; reject a file with nothing else."""
    held = [tree.pop(name) for name in list(tree) if is_of_secrets(str(name))]
    if held and not tree:
        raise SettingsError([Problem(path, "", "", A_SECRETS_FILE)])
    parts = [part for part in held if isinstance(part, dict)]
    return {str(token).lower(): _text(value) for part in parts for token, value in part.items()}


def _with_our_base(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_our_base(own) for key, own in value.items()}
    if isinstance(value, list):
        return [_with_our_base(part) for part in value]
    return _BASE.sub("{{base_data_path}}", value) if isinstance(value, str) else value


def _add(old: OldConfig, section: str, entries: Mapping[Any, Any]) -> None:
    for key, value in entries.items():
        if key in _NESTED and isinstance(value, dict):
            name = key.removesuffix("_sequence")
            setattr(old, name, _merged(getattr(old, name) or {}, value))
        elif value is not None:
            old.flat[str(key)] = OldSetting(f"{section}:", str(key), value)


def _merged(base: Mapping[Any, Any], over: Mapping[Any, Any]) -> dict[Any, Any]:
    """Merge dictionaries; any other value is replaced."""
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merged(before, value) if both and before is not None else value
    return merged


def _monitors(common: OldConfig, monitors: Any) -> list[OldConfig]:
    if not isinstance(monitors, dict):
        if monitors is not None:
            common.unread.append(OldSetting("", "monitors", monitors))
        return []
    configs: dict[int, OldConfig] = {}
    for number, entries in monitors.items():
        monitor = int(number) if re.fullmatch(r"0*[1-9][0-9]{0,8}", str(number)) else 0
        if monitor and monitor not in configs and isinstance(entries, dict):
            configs[monitor] = _of_monitor(common, monitor, entries)
        elif entries is not None:
            common.unread.append(OldSetting("monitors:", str(number), entries))
    return list(configs.values())


def _of_monitor(common: OldConfig, monitor: int, entries: Mapping[Any, Any]) -> OldConfig:
    old = OldConfig(Generation.NG, monitor)
    old.flat, old.ml, old.stream = dict(common.flat), common.ml, common.stream
    section = f"monitors: {monitor}"
    for key, value in entries.items():
        if key == "zones":
            _add_zones(old, section, value)
        elif key == "push" and isinstance(value, dict):
            old.push = value
        elif key in _FLAT and isinstance(value, dict):
            _add(old, f"{section}: {key}", value)
        else:
            _add(old, section, {key: value})
    return old


def _add_zones(old: OldConfig, section: str, zones: Any) -> None:
    if not isinstance(zones, dict):
        old.unread.append(OldSetting(f"{section}:", "zones", zones))
        return
    for name, zone in zones.items():
        location = f"{section}: zones: {name}:"
        if not isinstance(zone, dict):
            old.unread.append(OldSetting(f"{section}: zones:", str(name), zone))
            continue
        for key, value in zone.items():
            setting = OldSetting(location, str(key), value)
            if key == "coords":
                old.zones[str(name)] = setting
            elif key in _PATTERNS:
                old.patterns[str(name), key] = setting
            else:
                old.unread.append(setting)


def is_ng(path: str) -> bool:
    """Say by its name or its beginning whether a file is Ng's."""
    return path.lower().endswith((".yml", ".yaml")) or inifile.looks_like_yaml(path)


def secrets(path: str) -> dict[str, str]:
    """Return the tokens of a YAML file of secrets; raises `SettingsError`."""
    held = read_yaml(path).get("secrets")
    if not isinstance(held, dict):
        return {}
    return {str(token): _text(value) for token, value in held.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if is_yes(value) else "no"
    return "" if value is None else str(value)


def read_yaml(path: str) -> dict[str, Any]:
    """Read a YAML file that is a mapping.

    Raises `SettingsError` when it cannot be read or is none, `MissingPart` without PyYAML.
    """
    try:
        tree = _load(inifile.text_of(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _problem(path, why) from None
    if not isinstance(tree, dict):
        raise _problem(path, "it is not a mapping of sections to keys")
    return tree


def _load(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingPart("reading YAML", "PyYAML", "cli") from None
    try:
        tree = yaml.safe_load(text)
        _check_size(tree, iter(range(MOST_VALUES)))
    except yaml.MarkedYAMLError as error:
        raise ValueError(_where(error)) from None
    except yaml.YAMLError:
        raise ValueError("it holds a character that YAML does not allow") from None
    except RecursionError:
        raise ValueError("it is nested too deep, or holds itself") from None
    return tree


def _where(error: yaml.MarkedYAMLError) -> str:
    """Return the line number and YAML's problem, without the text of the line."""
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    return f"{line}{(error.problem or 'is not YAML').splitlines()[0]}"


def _check_size(value: Any, left: Iterator[int]) -> None:
    """Raise `ValueError` for more values than `left`, all aliases unfolded."""
    children = value.values() if isinstance(value, dict) else value
    for child in children if isinstance(value, dict | list) else ():
        if next(left, None) is None:
            raise ValueError(f"it has more than {MOST_VALUES} values, its aliases unfolded")
        _check_size(child, left)


def _problem(path: str, why: str) -> SettingsError:
    return SettingsError([Problem(path, "", "", f"cannot be read: {why}")])
