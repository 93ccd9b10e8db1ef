"""Unstable cells: what a read of a half-programmed or half-erased cell returns.

A cut inside a NOR program or erase may leave bits that read as either value until they are erased or programmed anew
(the unstable-bits problem: Linux MTD, UBIFS documentation, "Unstable bits issue").  The values are chosen by an
adversary, one policy for each time that power is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

Reading = TypeVar("Reading")


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
    alternating from read to read (old first), ``g`` likewise (new first), ``m`` a mixture, byte by byte.  What was read
    so far tells which of the other policies could make a difference; ``policies`` yields just those.
    """

    __slots__ = ("_mixable", "_reads", "consulted", "policy")
    POLICIES: Final = "onfgm"
    FIRST_POLICY: Final = "o"
    MEANING: Final = {
        "o": "unstable cells read as before the cut operation",
        "n": "unstable cells read as after the cut operation",
        "f": "unstable cells read differently from one read to the next, first as before the cut operation",
        "g": "unstable cells read differently from one read to the next, first as after the cut operation",
        "m": "unstable cells read as a mixture, byte by byte (on NAND: codeword by codeword)",
    }

    def __init__(self) -> None:
        self.policy = "o"
        self.consulted = False
        self._mixable = False
        self._reads: dict[int, int] = {}

    def power_on(self, policy: str) -> None:
        """Begin a time of power under ``policy``."""
        self.policy = policy
        self.consulted = False
        self._mixable = False
        self._reads.clear()

    def policies(self) -> Iterator[str]:
        """``o``, and then each policy under which something would have been read that was not read before.

        To be asked for the next one when a time of power under the one before is over.
        """
        yield "o"
        consulted, twice, mixable = self.consulted, self._read_twice(), self._mixable
        if not consulted:
            return
        yield "n"
        twice = twice or self._read_twice()
        mixable = mixable or self._mixable
        if twice:
            for policy in "fg":
                yield policy
                mixable = mixable or self._mixable
        if mixable:
            yield "m"

    def suspend(self) -> tuple[str, bool, bool, dict[int, int]]:
        """The state of this time of power, for ``resume`` after another one in between."""
        return self.policy, self.consulted, self._mixable, dict(self._reads)

    def resume(self, state: tuple[str, bool, bool, dict[int, int]]) -> None:
        """Go on where ``suspend`` was called."""
        self.policy, self.consulted, self._mixable, self._reads = state

    def read(self, index: int, cell: Unstable) -> bytes:
        """The bytes that this read of cell ``index`` returns."""
        return self.choose(index, cell.one, cell.other, _mixture)

    def choose(
        self, index: int, one: Reading, other: Reading, mixture: Callable[[Reading, Reading], Reading]
    ) -> Reading:
        """What this read of cell ``index`` returns, of two readings or of their ``mixture``."""
        if one == other:
            return one
        count = self._reads.get(index, 0)
        self._reads[index] = count + 1
        if not self._mixable:
            self._mixable = len(self._reads) > 1 or mixture(one, other) not in (one, other)
        self.consulted = True
        if self.policy == "o":
            return one
        if self.policy == "n":
            return other
        if self.policy in "fg":
            return other if (count & 1) ^ (self.policy == "g") else one
        return mixture(one, other)

    def _read_twice(self) -> bool:
        return any(count > 1 for count in self._reads.values())


PATTERN: Final = bytes.fromhex("00ff ff00 ff00 00ff 00ff 00ff ff00 00ff")
"""Which bytes a mixture takes from the other reading: neither a prefix nor every second one."""


@lru_cache(maxsize=16)
def _taken(length: int) -> int:
    return int.from_bytes((PATTERN * (length // 16 + 1))[:length], "big")


def _mixture(one: bytes, other: bytes) -> bytes:
    """Both readings, mixed byte by byte."""
    first = int.from_bytes(one, "big")
    return (first ^ (first ^ int.from_bytes(other, "big")) & _taken(len(one))).to_bytes(len(one), "big")
