"""Pages of an MLC block that share cells: a program of the later one that is cut may damage the earlier one.

``dist3`` is the pairing of Linux MTD's ``dist3_pairing_scheme`` (drivers/mtd/nand/raw/nand_base.c, its ``get_wunit``):
pages 0 and 2, 1 and 4, 3 and 6 and so on, each three pages apart but for the first pair and the last.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from deltabench.hwsim.parts import Pairing

DISTANCE: Final = 3


def paired_with(pairing: Pairing, pages_per_block: int) -> dict[int, int]:
    """For each page whose program endangers an earlier one, that page; numbers are within the block."""
    if pairing == "none":
        return {}
    last = pages_per_block - 1
    uppers = [2, *range(4, pages_per_block, 2), last]
    return {upper: 0 if upper == 2 else upper - (2 if upper == last else DISTANCE) for upper in uppers}


@lru_cache(maxsize=16)
def lower_pages(pairing: Pairing, pages_per_block: int) -> tuple[int, ...]:
    """The pages of a block that may be programmed without danger to an earlier one, in ascending order."""
    uppers = paired_with(pairing, pages_per_block)
    return tuple(page for page in range(pages_per_block) if page not in uppers)
