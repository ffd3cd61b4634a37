"""zmhook: an event comes in, its pictures are found, models look at them, a gate decides.

The package reads in the order in which an event passes through it: `event`, `frames`,
`detectors` and `chain`, `gate`, `report`; `decide` ties them together and `cli` calls it.
Importing this package imports nothing heavy.
"""

__version__ = "0.2.0"

CONFIG = "/etc/zm/objectconfig.ini"
"""The configuration that is read unless another one is named; here, because importing the settings
takes time."""
