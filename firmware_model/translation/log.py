"""The log: pages are only ever appended, to one open block at a time, each block with a sequence of its own.

A block begins with a header, programmed before anything else in it.  The sequence counts blocks opened; it starts
shortly before it wraps, so that there is no device whose count has never wrapped.
"""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.errors import NoSpareBlocksError
from deltabench.firmware_model.translation.blocks import HELD, BlockTable
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.spare import NO_PAGE, SEQUENCES, Kind, sealed
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units

FIRST_SEQUENCE: Final = SEQUENCES - 4
BLANK_SECTOR: Final = bytes(SECTOR_BYTES)


class ProgramFailedError(Exception):
    """The part has reported that a program in the open block failed; the block is retired, and no longer open."""


class Log:
    """Appends to a NAND flash; ``sequence`` is that of the newest block, ``checkpoint`` of the one in force."""

    def __init__(self, nand: NandFlash, geometry: Geometry, blocks: BlockTable) -> None:
        self.nand = nand
        self.geometry = geometry
        self.blocks = blocks
        self.sequence = (FIRST_SEQUENCE - 1) % SEQUENCES
        self.checkpoint = self.sequence
        self.before = NO_PAGE
        """The logical page that the last page programmed holds; NO_PAGE for any other page, or one that failed."""
        self.block: int | None = None
        self._next = 0
        self.failed: list[int] = []
        """Blocks that have failed, and that may still hold something valid."""

    @property
    def is_full(self) -> bool:
        """Whether a page needs another block."""
        return self.block is None or self._next == len(self.geometry.usable)

    def close(self) -> None:
        """Nothing is appended to the open block any more."""
        if self.block is not None:
            block, self.block = self.block, None
            self.blocks.close(block)

    def open(self, kind: Kind, first: int | None = None, *, most_worn: bool = False) -> int:
        """Go on in another block, for data or a checkpoint; ``first``: the sequence of a checkpoint's first block.

        That a free block reads blank proves nothing: it is always erased first.  Raises NoSpareBlocksError.
        """
        self.close()
        while True:
            block = self.blocks.take(most_worn=most_worn)
            if block is None:
                raise NoSpareBlocksError(f"{self.nand.name} has no free block left")
            self.blocks.erases[block] += 1
            if not self._erase(block):
                self._retire(block)
                continue
            self.sequence = (self.sequence + 1) % SEQUENCES
            extra = self.checkpoint if kind is Kind.DATA_BLOCK else self.sequence if first is None else first
            self.block, self._next = block, 0
            try:
                self._program(kind, self.blocks.erases[block], extra)
            except ProgramFailedError:
                continue
            self.before = NO_PAGE
            self.blocks.newest = {block}
            return block

    def append(self, kind: Kind, subject: int, extra: int, sectors: Units) -> int:
        """Program the next page of the open block; returns it.  Raises ProgramFailedError."""
        page = self._program(kind, subject, extra, sectors)
        self.before = subject if kind in (Kind.DATA, Kind.COPY) else NO_PAGE
        return page

    def _erase(self, block: int) -> bool:
        return self.nand.erase(block)

    def _program(self, kind: Kind, subject: int, extra: int, sectors: Units = ()) -> int:
        geometry, block = self.geometry, self.block
        assert block is not None, "a page is appended to an open block"
        page = block * geometry.pages_per_block + geometry.usable[self._next]
        self._next += 1
        if len(sectors) < geometry.page_sectors:
            sectors += (BLANK_SECTOR,) * (geometry.page_sectors - len(sectors))
        spare = sealed(page, kind, self.sequence, subject, extra, self.before)
        if not self.nand.program(page, (*sectors, spare)):
            self.before = NO_PAGE
            self.block = None
            self._retire(block)
            raise ProgramFailedError
        return page

    def _retire(self, block: int) -> None:
        if self.blocks.score[block] < HELD:
            self.blocks.hold([block])
        self.blocks.retire(block)
        self.failed.append(block)
