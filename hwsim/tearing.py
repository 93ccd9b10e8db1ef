"""What a cut inside a flash program or erase may leave, as data: the power-loss table, row by row.

A torn program is described by the bits that were done when power went; the possible sets are without number, so each
row of the table is generated as one or more representatives.  ``Detail.SAMPLED`` takes one position a row and lets it
wander with address and data, so that a workload visits all of them; ``Detail.EVERY`` takes every position.
"""

from __future__ import annotations

import enum
import random
from functools import lru_cache
from typing import NamedTuple


class Detail(enum.Enum):
    """How many representatives of each row of the power-loss table are generated."""

    SAMPLED = "sampled"
    EVERY = "every"


class Tear(NamedTuple):
    """A torn program of n bytes: bits done for certain, and bits that were being done (big-endian integers, n bytes).

    ``sure == maybe``: stable.  Otherwise the page reads as with ``sure`` or as with ``maybe``.
    """

    label: str
    sure: int
    maybe: int


def _span(length: int, first: int, last: int) -> int:
    """The bits of bytes first … last - 1 of ``length``."""
    return ((1 << 8 * (last - first)) - 1) << 8 * (length - last)


@lru_cache(maxsize=4096)
def torn_programs(length: int, position: int, detail: Detail) -> tuple[Tear, ...]:
    """The tears of a program of ``length`` bytes; ``position`` (0 … 8 * length - 1) picks the samples."""
    everything = _span(length, 0, length)
    tears = [Tear("nothing", 0, 0)]
    every = detail is Detail.EVERY
    positions = range(length) if every else [position // 8]
    for k in positions:
        pattern = 0x55 if (k + position) & 1 else 0xAA
        one_byte = _span(length, k, k + 1)
        halves = (0x55, 0xAA) if every else (pattern,)
        for half in halves:
            done = half << 8 * (length - 1 - k)
            if length > 1:
                others = everything ^ one_byte
                tears.append(Tear(f"all, but byte {k} half", others | done, others | done))
            before = _span(length, 0, k)
            tears.append(Tear(f"{k} bytes and half a byte", before | done, before | done))
        if k:
            tears.append(Tear(f"a prefix of {k} bytes", _span(length, 0, k), _span(length, 0, k)))
            tears.append(Tear(f"only the bytes from {k} on", _span(length, k, length), _span(length, k, length)))
            tears.append(Tear(f"a prefix of {k} bytes, unstable", 0, _span(length, 0, k)))
        if length > 1:
            tears.append(Tear(f"all, byte {k} unstable", everything ^ one_byte, everything))
    if length > 2:
        checker = int.from_bytes(bytes(0xFF if j & 1 else 0 for j in range(length)), "big")
        tears.append(Tear("every other byte", checker, checker))
    for bit in range(8 * length) if every else [position]:
        done = everything ^ 1 << bit
        tears.append(Tear(f"all but bit {bit % 8} of byte {length - 1 - bit // 8}", done, done))
    tears.append(Tear("all, unstable", 0, everything))
    tears.append(Tear("all", everything, everything))
    return tuple(tears)


@lru_cache(maxsize=1024)
def random_bits(length: int, seed: int) -> bytes:
    """Deterministic noise for an erase that stopped half-way."""
    return random.Random(seed).randbytes(length)
