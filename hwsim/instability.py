"""Unstable cells: what a read of a half-programmed or half-erased cell returns.

A cut inside a NOR program or erase may leave bits that read as either value until they are erased or programmed anew
(the unstable-bits problem: Linux MTD, UBIFS documentation, "Unstable bits issue").  The values are chosen by an
adversary, one policy for each time that power is on.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple


class Unstable(NamedTuple):
    """A page of which some bits may read as in ``one`` or as in ``other``.

    ``weak``: the erase before was cut, so that whatever is programmed from now on is unstable too.
    """

    one: bytes
    other: bytes
    weak: bool = False


def settled(one: bytes, other: bytes, weak: bool) -> bytes | Unstable:
    """The cell that holds both readings: plain ``bytes`` where nothing is left to choose."""
    return one if one == other and not weak else Unstable(one, other, weak)


class Adversary:
    """Decides what unstable cells read as while power is on.

    ``policy`` is one letter: ``o`` every cell as it was before the cut operation, ``n`` every cell as after it, ``f``
    alternating from read to read (old first), ``m`` a mixture, byte by byte.  ``consulted`` counts the reads in which
    the choice made a difference: where it stays 0, every policy gives the same run.
    """

    __slots__ = ("_reads", "consulted", "policy")
    POLICIES = "onfm"
    MEANING = {
        "o": "unstable cells read as before the cut operation",
        "n": "unstable cells read as after the cut operation",
        "f": "unstable cells read differently from one read to the next",
        "m": "unstable cells read as a mixture, byte by byte",
    }

    def __init__(self) -> None:
        self.policy = "o"
        self.consulted = 0
        self._reads: dict[int, int] = {}

    def power_on(self, policy: str) -> None:
        """Begin a time of power under ``policy``."""
        self.policy = policy
        self.consulted = 0
        self._reads.clear()

    def suspend(self) -> tuple[str, int, dict[int, int]]:
        """The state of this time of power, for ``resume`` after another one in between."""
        return self.policy, self.consulted, dict(self._reads)

    def resume(self, state: tuple[str, int, dict[int, int]]) -> None:
        """Go on where ``suspend`` was called."""
        self.policy, self.consulted, self._reads = state

    def read(self, index: int, cell: Unstable) -> bytes:
        """The bytes that this read of cell ``index`` returns."""
        one, other, _ = cell
        if one == other:
            return one
        self.consulted += 1
        if self.policy == "o":
            return one
        if self.policy == "n":
            return other
        if self.policy == "f":
            count = self._reads.get(index, 0)
            self._reads[index] = count + 1
            return other if count & 1 else one
        take = zlib.crc32(index.to_bytes(4, "little"))
        return bytes(
            b if (take >> (i % 32)) & 1 else a for i, (a, b) in enumerate(zip(one, other, strict=True))
        )
