"""Bits that flip in NAND flash as it ages: by wear, by time without power or refresh, and by reads of its neighbours.

The raw bit error rate of a page is a sum of four terms, each a figure of the part: what a young block has, what wear
adds, what retention adds to a worn block, and what reads of the block add (the shape of Cai et al., "Error patterns in
MLC NAND flash memory", DATE 2012, and "Read disturb errors in MLC NAND flash memory", DSN 2015, linear in each).  How
many bits of a codeword have flipped is a draw from the Poisson distribution with that mean, the same whenever it is
asked for: it only grows until the block is erased.  Two parts on a board do not draw the same.
"""

from __future__ import annotations

import math
import zlib
from typing import Final

from deltabench.hwsim.clock import NS_PER_S, Clock
from deltabench.hwsim.medium import Cells
from deltabench.hwsim.nand_pages import Page
from deltabench.hwsim.parts import NandPart

NS_PER_DAY: Final = 86_400 * NS_PER_S
DAYS_A_YEAR: Final = 365
READS: Final = 1_000
"""The figure for read disturb counts so many reads."""
PER: Final = 10**12
MOST_ERRORS: Final = 256
"""More bits of a codeword than any part's ECC corrects: whether there are still more makes no difference."""


class Aging:
    """Ages the blocks of a part; each had ``cycles`` erases behind it when the bench began."""

    def __init__(self, part: NandPart, cells: Cells, clock: Clock, cycles: int) -> None:
        self._part = part
        self._cells = cells
        self._clock = clock
        self._cycles = cycles
        self._erases = cells.allocate(part.blocks, 0)
        self._reads = cells.allocate(part.blocks, 0)

    @property
    def day(self) -> int:
        """Whole days of simulated time."""
        return self._clock.now_ns // NS_PER_DAY

    def count_read(self, page: int) -> None:
        """A page was read, which disturbs the others of its block."""
        index = self._reads + page // self._part.pages_per_block
        self._cells.put(index, self._cells.values[index] + 1)

    def count_erase(self, block: int) -> None:
        """A block was erased: what was disturbed in it is gone, and it is worn once more."""
        self._cells.put(self._erases + block, self._cells.values[self._erases + block] + 1)
        self._cells.put(self._reads + block, 0)

    def disturb(self, reads: int) -> None:
        """Every block was read so many times more."""
        for block in range(self._part.blocks):
            self._cells.put(self._reads + block, self._cells.values[self._reads + block] + reads)

    def errors(self, page: int, cell: Page) -> tuple[int, ...]:
        """Bits that have flipped in each codeword of a page, the spare bytes being the last."""
        part = self._part
        block = page // part.pages_per_block
        erases: int = self._cells.values[self._erases + block]
        rate = self.rate(erases, (self.day - cell.day) / DAYS_A_YEAR, self._cells.values[self._reads + block])
        mean = rate * 8 * part.codeword_bytes / PER
        codewords = part.page_bytes // part.codeword_bytes
        return tuple(_drawn(mean, f"{self._erases} {page} {number} {erases}") for number in range(codewords + 1))

    def rate(self, erases: int, years: float, reads: int) -> float:
        """Raw bit errors in 10**12 bits, of a block that was erased so often here, after so long and so many reads."""
        part = self._part
        wear = (self._cycles + erases) / part.endurance_cycles
        by_time = part.rber_retention_e12 * years / part.retention_years
        by_reads = part.rber_disturb_e12 * reads / READS
        return part.rber_fresh_e12 + wear * (part.rber_worn_e12 + by_time + by_reads)


def _drawn(mean: float, place: str) -> int:
    """The Poisson quantile of ``mean`` at a level that is ``place``'s for good: it grows with the mean."""
    level = (zlib.crc32(place.encode()) + 0.5) / (1 << 32)
    probability = math.exp(-mean)
    total, count = probability, 0
    while total < level and count < MOST_ERRORS:
        count += 1
        probability *= mean / count
        total += probability
    return count
