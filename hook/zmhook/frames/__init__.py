"""Where pictures come from. `open_source` picks the places for an event."""

from zmhook.frames.sources import open_source

__all__ = ["open_source"]
