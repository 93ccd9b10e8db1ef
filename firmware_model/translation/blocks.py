"""The blocks of a NAND flash: which are free, bad or in use, how worn each is, and how much of it still counts.

Dynamic wear levelling: of the free blocks the least worn is taken.  Garbage collection takes the block with the fewest
valid pages (greedy); static wear levelling moves the least worn into the most worn that is free.  Of equals, the one
with the lowest number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

HELD: Final = 1 << 30
"""Added to the valid pages of a block that must not be collected: open, free, bad, or with the checkpoint in force."""


class BlockTable:
    """``score[b]``: valid pages of block ``b``, with HELD where it must not be collected."""

    def __init__(self, blocks: int) -> None:
        self.erases = [0] * blocks
        self.score = [HELD] * blocks
        self.bad: set[int] = set()
        self.free: set[int] = set()
        self.pinned: set[int] = set()
        """Free as the maps are now, and not to be erased before a checkpoint says so."""
        self.newest: set[int] = set()
        """What has the newest sequence is not erased before another block has a newer one.

        If that erase were cut, the sequence could be given once more, and its pages be there again afterwards.
        """

    def take(self, *, most_worn: bool = False) -> int | None:
        """The least worn free block, or the most worn; it is free no more.  None if there is none."""
        block = self.most_worn() if most_worn else self._least_worn()
        self.free.discard(-1 if block is None else block)
        return block

    def most_worn(self) -> int | None:
        """The most worn free block; None if there is none."""
        erases = self.erases
        return min(self.available(), key=lambda block: (-erases[block], block), default=None)

    def _least_worn(self) -> int | None:
        erases = self.erases
        return min(self.available(), key=lambda block: (erases[block], block), default=None)

    def available(self) -> set[int]:
        """The free blocks that may be taken now."""
        barred = self.pinned | self.newest
        return self.free if self.free.isdisjoint(barred) else self.free - barred

    def close(self, block: int) -> None:
        """From now on it may be collected; it is free if nothing in it counts any more."""
        self.score[block] -= HELD
        if not self.score[block]:
            self._free(block)

    def hold(self, blocks: Iterable[int]) -> None:
        """They must not be collected."""
        for block in blocks:
            self.score[block] += HELD

    def lose_page(self, block: int) -> None:
        """One page of it counts no more."""
        score = self.score[block] - 1
        self.score[block] = score
        if not score:
            self._free(block)

    def retire(self, block: int) -> None:
        """It has failed: it is not used again.  What is valid in it can still be read."""
        self.bad.add(block)
        self.free.discard(block)
        if self.score[block] < HELD:
            self.score[block] += HELD

    def victim(self) -> int | None:
        """The block with the fewest valid pages; None if all are held."""
        least = min(self.score)
        return None if least >= HELD else self.score.index(least)

    def valid_pages(self, block: int) -> int:
        """How many pages of it count."""
        return self.score[block] % HELD

    def coldest(self) -> int | None:
        """The least worn block that may be collected."""
        erases, score = self.erases, self.score
        return min((block for block in range(len(score)) if score[block] < HELD), key=erases.__getitem__, default=None)

    def _free(self, block: int) -> None:
        self.score[block] = HELD
        self.free.add(block)
