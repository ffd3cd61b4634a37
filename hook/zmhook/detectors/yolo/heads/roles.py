"""Which output of a network is which, by what the file calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zmhook.detectors.yolo.engines.base import Network

CORNERS = 4
"""Numbers of a box."""
PAIR = 2
RANK = 3


class Pair(NamedTuple):
    """The places of the boxes `(1, n, 4)` and of what is said of each, `(1, n, classes)`."""

    boxes: int
    scores: int


def role(network: Network, *names: str) -> int | None:
    """Return the place of the output that has one of these names.

    Tools that put networks together write `graph2_` or the like before a name.
    """
    for place, known in enumerate(network.names):
        for one in known:
            if any(one == name or one.endswith(f"_{name}") for name in names):
                return place
    return None


def named_pair(network: Network, boxes: tuple[str, ...], scores: tuple[str, ...]) -> Pair | None:
    """Return the pair by its names, None where they or the shapes are others."""
    first, second = role(network, *boxes), role(network, *scores)
    if first is None or second is None:
        return None
    pair = Pair(first, second)
    return pair if _is_pair(network, pair) else None


def unnamed_pair(network: Network, *, boxes_first: bool) -> Pair | None:
    """Return the only two outputs as a pair; their order decides where both are four wide."""
    if len(network.outputs) != PAIR:
        return None
    pairs = [pair for pair in (Pair(0, 1), Pair(1, 0)) if _is_pair(network, pair)]
    return pairs[0 if boxes_first else -1] if pairs else None


def _is_pair(network: Network, pair: Pair) -> bool:
    boxes, scores = network.outputs[pair.boxes], network.outputs[pair.scores]
    return (
        len(boxes) == len(scores) == RANK
        and boxes[0] == scores[0] == 1
        and boxes[1] == scores[1]
        and boxes[2] == CORNERS
        and scores[2] > 0
    )
