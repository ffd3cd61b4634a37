"""A bound on the memory of this process."""

from __future__ import annotations

import resource

MEMORY = 4 << 30


def limit_memory() -> None:
    """Have this process end rather than the machine when something eats all memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
