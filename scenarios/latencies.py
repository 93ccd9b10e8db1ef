"""Latencies of commands: percentiles, histograms on a logarithmic scale, and what the time went into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deltabench.scenarios.documents import Bin, Latency, Phase

PER_MILLE: Final = {"50": 500, "90": 900, "99": 990, "99.9": 999}
"""The percentiles that are said, each as so many of a thousand."""
BINS_PER_DECADE: Final = 20


class Latencies:
    """Collects the latencies of one kind of command, in nanoseconds."""

    def __init__(self) -> None:
        self._all_ns: list[int] = []
        self._phases_ns: dict[str, list[int]] = defaultdict(list)

    def add(self, ns: int, phases_ns: Mapping[str, int]) -> None:
        """One command took ``ns``; ``phases_ns`` say what they went into, and add up to them."""
        self._all_ns.append(ns)
        for phase, part_ns in phases_ns.items():
            self._phases_ns[phase].append(part_ns)

    def summary(self, command: str) -> Latency:
        """All that is said of them; a percentile is the least latency that so many commands did not exceed."""
        in_order = np.sort(np.array(self._all_ns, np.int64))
        return Latency(
            command=command,
            count=len(in_order),
            total_ns=int(in_order.sum()),
            least_ns=int(in_order[0]),
            most_ns=int(in_order[-1]),
            percentiles_ns=_percentiles(in_order),
            histogram=_histogram(in_order),
            phases_ns={phase: sum(parts_ns) for phase, parts_ns in self._phases_ns.items()},
            phases={phase: self._phase(parts_ns) for phase, parts_ns in self._phases_ns.items()},
        )

    def _phase(self, parts_ns: list[int]) -> Phase:
        """Of the commands that did not have the phase it took nothing."""
        in_order = np.zeros(len(self._all_ns), np.int64)
        in_order[len(in_order) - len(parts_ns) :] = np.sort(np.array(parts_ns, np.int64))
        return Phase(percentiles_ns=_percentiles(in_order), histogram=_histogram(in_order))


def _percentiles(in_order: NDArray[np.int64]) -> dict[str, int]:
    return {name: int(in_order[-(-len(in_order) * of // 1000) - 1]) for name, of in PER_MILLE.items()}


def edge_ns(number: int) -> int:
    """The upper edge of a bin, BINS_PER_DECADE of them to each power of ten."""
    return round(10 ** (number / BINS_PER_DECADE))


def _histogram(in_order: NDArray[np.int64]) -> tuple[Bin, ...]:
    """From the bin that holds the least latency to that which holds the longest."""
    first = last = 0
    while edge_ns(first) < in_order[0]:
        first += 1
    while edge_ns(last) < in_order[-1]:
        last += 1
    # The shortest latencies are few whole nanoseconds: several edges are one there.
    edges = list(dict.fromkeys(edge_ns(number) for number in range(first, last + 1)))
    counts = np.diff(np.searchsorted(in_order, edges, side="right"), prepend=0)
    return tuple(Bin(up_to_ns=edge, count=int(count)) for edge, count in zip(edges, counts, strict=True))
