"""Number plates: read on this machine, by a program, or by a service that is asked.

`detector` is what the chain sees. Behind it one of `services` reads, `plates` knows which texts
are plates and whose. For reading on this machine,
`finder` finds plates with a network, `search` without one, and `ocr` reads them.
"""

from zmhook.detectors.alpr.detector import AlprDetector

__all__ = ["AlprDetector"]
