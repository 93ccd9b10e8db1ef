"""Delta debugging: the least part of a list that still does it.

Algorithm ddmin of Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE Transactions on
Software Engineering 28(2), 2002.  What comes out is 1-minimal: without any one of its items it does it no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")


def ddmin(items: Sequence[Item], does_it: Callable[[list[Item]], bool]) -> list[Item]:
    """A 1-minimal part of ``items``, which as a whole does it, in their order.  ``does_it`` must be deterministic."""
    kept, pieces = list(items), 2
    while len(kept) > 1:
        edges = [len(kept) * piece // pieces for piece in range(pieces + 1)]
        spans = list(pairwise(edges))
        alone = next((kept[a:b] for a, b in spans if does_it(kept[a:b])), None) if pieces < len(kept) else None
        if alone is not None:
            kept, pieces = alone, 2
            continue
        without = next((kept[:a] + kept[b:] for a, b in spans if does_it(kept[:a] + kept[b:])), None)
        if without is not None:
            kept, pieces = without, max(pieces - 1, 2)
        elif pieces < len(kept):
            pieces = min(2 * pieces, len(kept))
        else:
            break
    return kept
