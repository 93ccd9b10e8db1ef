"""What a serial line and the protocol on it allow.

A block of n bytes written takes n + 12 characters: command and complement (2), address and XOR (5), count, data and XOR
(n + 2), and an ACK behind each of the three (3).  Reading takes as many.  A character is a start bit, 8 data bits,
perhaps a parity bit, and a stop bit.
"""

from __future__ import annotations

from typing import Final

from deltabench.tools.stm32.transport import Parity

BLOCK_BYTES: Final = 256
"""The most that one command carries."""
OVERHEAD_CHARACTERS: Final = 2 + 5 + 2 + 3
CHARACTER_BITS: Final[dict[Parity, int]] = {"even": 11, "none": 10}


def character_s(baud: int, parity: Parity) -> float:
    """How long one character takes."""
    return CHARACTER_BITS[parity] / baud


def block_s(count: int, baud: int, parity: Parity) -> float:
    """How long a block of ``count`` bytes takes at least, written or read."""
    return (count + OVERHEAD_CHARACTERS) * character_s(baud, parity)


def most_bytes_per_s(baud: int, parity: Parity) -> float:
    """The most that whole blocks come to: 256/268 of baud/11 with even parity."""
    return BLOCK_BYTES / block_s(BLOCK_BYTES, baud, parity)
