"""Why valid pages are moved: to win back the space around them, to spread wear, to leave a block that has failed.

Garbage collection moves the valid pages of the block that has the fewest (greedy); static wear levelling those of the
least worn block, which holds what is never written, into the most worn free block, once they are more than
``MOST_BEHIND`` erases apart.  So the most worn block comes to rest: left among the free blocks, of which the least worn
are taken first, it would be used by checkpoints only, again and again.
"""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.steps import COLLECT, COLLECTED, EVACUATED, LEVELLED
from deltabench.firmware_model.translation.checkpoint import Copy, copy_of
from deltabench.firmware_model.translation.log import Log, ProgramFailedError
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.spare import Kind, is_clean, opened
from deltabench.hwsim.core import Core
from deltabench.hwsim.nand_pages import Units

MOST_BEHIND: Final = 8
"""A block may have been erased so many times less often than another before what it holds is moved."""


class Collector:
    """Makes room in the log by moving what counts."""

    def __init__(self, log: Log, mapping: Mapping, core: Core) -> None:
        self._log = log
        self._mapping = mapping
        self._core = core
        self._blocks = log.blocks
        self._geometry = log.geometry

    def make_room(self) -> None:
        """Until the open block has a free page, and the reserve is free as far as that can be."""
        log, free, reserve = self._log, self._blocks.free, self._geometry.reserve
        while log.is_full or len(free) < reserve:
            if log.is_full:
                self._level()
                if log.is_full:
                    log.open(Kind.DATA_BLOCK)
            elif not self._collect():
                break

    def evacuate(self) -> None:
        """Move what is valid in blocks that have failed."""
        for block in self._log.failed:  # which may grow meanwhile
            self._core.spend(EVACUATED, self._move_all(block))

    def append(self, logical: int, lost: int, sectors: Units) -> None:
        """Write a logical page, in another block if the open one fails or is full."""
        log = self._log
        while True:
            if log.is_full:
                log.open(Kind.DATA_BLOCK)
            try:
                page = log.append(Kind.DATA, logical, lost, sectors)
            except ProgramFailedError:
                continue
            self._mapping.move(logical, page)
            return

    def moved(self, page: int) -> Copy:
        """What a page holds, to be written elsewhere."""
        units = self._log.nand.read(page).units
        if is_clean(units):
            return Copy(self._mapping.owner[page], 0, units[:-1])
        return copy_of(self._mapping.owner[page], units, opened(page, units))

    def _collect(self) -> bool:
        """Win a block back; False if there is none with a page that counts no more."""
        victim = self._blocks.victim()
        if victim is None or self._blocks.valid_pages(victim) >= self._geometry.data_pages:
            return False
        valid = self._blocks.valid_pages(victim)
        self._core.spend(COLLECT, 1)
        moved = self._move_all(victim)
        assert moved == valid, "the map and the block table agree on what counts in a block"
        self._core.spend(COLLECTED, moved)
        return True

    def _level(self) -> None:
        """Static wear levelling, at most one block each time that one is opened."""
        coldest, most_worn, erases = self._blocks.coldest(), self._blocks.most_worn(), self._blocks.erases
        if coldest is None or most_worn is None:
            return
        if erases[most_worn] - erases[coldest] > MOST_BEHIND:
            self._log.open(Kind.DATA_BLOCK, most_worn=True)
            self._core.spend(LEVELLED, self._move_all(coldest))

    def _move_all(self, block: int) -> int:
        first, owner = block * self._geometry.pages_per_block, self._mapping.owner
        moved = 0
        for page in range(first, first + self._geometry.pages_per_block):
            if owner[page] >= 0:
                self.append(*self.moved(page))
                moved += 1
        return moved
