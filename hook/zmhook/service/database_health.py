"""How often the databases were damaged or deleted: for the service's status and its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.storage.corruption import COUNT_SUFFIX, damage_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.settings import Config, Settings


def damaged(config: Config) -> dict[str, dict[str, Any]]:
    """Return, by path, how often each database was, and of the last time when and why.

    Times are seconds since the epoch. Raises nothing: a folder that cannot be read has none.
    """
    settings = (config.general, *config.monitors.values())
    folders = dict.fromkeys(folder for one in settings for folder in _folders(one))
    found = {path: damage_count(path) for folder in folders for path in _databases(folder)}
    return {
        str(path): {"count": one.count, "last": one.last, "reason": one.reason}
        for path, one in sorted(found.items())
        if one.count
    }


def _folders(settings: Settings) -> Iterator[Path]:
    base = Path(settings.general.base_data_path)
    yield from (base / "cache", base / "state", Path(settings.gate.state_path))
    yield Path(settings.history.history_path).parent
    yield Path(settings.snapshots.snapshot_path)


def _databases(folder: Path) -> list[Path]:
    try:
        names = [path.name for path in folder.iterdir() if path.name.endswith(COUNT_SUFFIX)]
    except OSError:
        return []
    return [folder / name.removesuffix(COUNT_SUFFIX) for name in names]
