"""The store: pictures in numbered folders, and an index of them.

Beside the pictures of a folder lies `snapshots.jsonl`, a JSON line for each, from which the index
can be made again. Readers need `Index` alone; each name below is imported when it is asked for,
because an event's hook must not pay for what only the writer uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zmhook.snapshots.store.index import Index
    from zmhook.snapshots.store.limits import Limits
    from zmhook.snapshots.store.store import Store

__all__ = ["Index", "Limits", "Store"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name.lower()}"), name)
