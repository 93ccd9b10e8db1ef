"""Where an instant lies on the timeline: operations get room for their names, and what is long is drawn shorter."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

SHORT_NS = 20_000
"""What is longer than this grows with the logarithm of its length."""


class TimeMap:
    """Maps time to the ``width`` from ``left`` on; between two of ``edges`` it is to scale."""

    def __init__(self, edges: Iterable[int], wide: Sequence[tuple[int, int, float]], left: float, width: float) -> None:
        """``wide``: from when to when there must be room for how much; what is left goes by the logarithm."""
        self._edges = sorted(set(edges))
        spans = list(zip(self._edges, self._edges[1:], strict=False))
        least = [0.0] * len(spans)
        for began, ended, room in wide:
            inside = [n for n, (a, b) in enumerate(spans) if began <= a and b <= ended]
            for n in inside:
                least[n] = max(least[n], room / len(inside))
        weights = [math.log2(1 + (b - a) / SHORT_NS) for a, b in spans]
        rest = width - sum(least)
        scale = rest / (sum(weights) or 1.0)
        self._places = [left]
        for room, weight in zip(least, weights, strict=True):
            self._places.append(self._places[-1] + room + scale * weight)

    def __call__(self, ns: int) -> float:
        """The place of an instant; what is outside lies at the end."""
        edges, places = self._edges, self._places
        if ns <= edges[0] or len(edges) == 1:
            return places[0]
        if ns >= edges[-1]:
            return places[-1]
        at = bisect_right(edges, ns) - 1
        share = (ns - edges[at]) / (edges[at + 1] - edges[at])
        return places[at] + share * (places[at + 1] - places[at])
