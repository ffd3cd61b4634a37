"""zmhook: an event comes in, its pictures are found, models look at them, a gate decides.

The package reads in the order in which an event passes through it: `event`, `frames`,
`detectors` and `chain`, `gate`, `report`; `decide` ties them together and `cli` calls it.
Importing this package imports nothing heavy.
"""

from zmhook.version import __version__

__all__ = ["__version__"]
