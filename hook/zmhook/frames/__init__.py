"""Where an event's pictures come from. `open_source` opens the sources of an event."""

from zmhook.frames.sources import open_source

__all__ = ["open_source"]
