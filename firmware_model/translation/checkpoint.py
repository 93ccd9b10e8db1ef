"""Checkpoints: the whole map and block table, written into blocks of their own, twice.

A checkpoint has a header, data that a recovery writes once more, and both copies, in as many blocks as that takes;
nothing else is ever appended there.  The second copy is begun after the last page of the first has returned, so that
all before it is stable if a page of it can be read.  Both copies lie in other pages, so that no page that has become
unreadable harms more than itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence, Set
from typing import Final, NamedTuple

from deltabench.firmware_model.formats import CRC_BYTES, NAND_CHECKPOINT, crc32, intact
from deltabench.firmware_model.translation.geometry import BLOCK_ENTRY_BYTES, Geometry
from deltabench.firmware_model.translation.log import Log, ProgramFailedError
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.spare import Kind, Spare, is_whole, opened
from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE
from deltabench.hwsim.nand import PageRead
from deltabench.hwsim.nand_pages import Units

MAGIC: Final = b"DBT1"
ERASES: Final = (1 << 30) - 1
FREE: Final = 1 << 30
BAD: Final = 1 << 31
LOST_SECTOR: Final = bytes(SECTOR_BYTES)
"""What is programmed for a sector that cannot be read; a bit in the spare bytes says so."""


class Copy(NamedTuple):
    """A logical page that is written once more; bit n of ``lost`` says that sector n is uncorrectable."""

    logical: int
    lost: int
    sectors: Units


def copy_of(logical: int, units: Units, spare: Spare | None) -> Copy:
    """What a page holds, to be written elsewhere: a sector that cannot be read stays so."""
    lost = spare.extra if spare is not None else 0
    sectors = list(units[:-1])
    for number, sector in enumerate(sectors):
        if sector is None or sector == UNCORRECTABLE:
            lost |= 1 << number
            sectors[number] = LOST_SECTOR
    return Copy(logical, lost, tuple(sectors))


class Checkpoint(NamedTuple):
    """What was found of one: ``content`` is None if both copies of a page are gone.

    ``proved``: a page of the second copy can be read, so that all before it is stable.  ``whole``: all of both can.
    ``blocks``: those with a page of it; others are full of copies of data.  ``copies``: these, by the page where they
    are.  ``fades``: pages of it are near what can be corrected, so that it should be written anew.
    """

    content: bytes | None
    proved: bool
    whole: bool
    blocks: frozenset[int]
    copies: dict[int, Copy]
    fades: bool


class Checkpoints:
    """Writes and reads the checkpoints of a flash."""

    def write(
        self, log: Log, mapping: Mapping, copies: Sequence[Copy] = (), spared: Set[int] | None = None
    ) -> tuple[int, ...]:
        """Write one; returns its blocks, which are held.

        ``spared``: the blocks that are free also if it should not count next time; by default those free now.
        If a block fails meanwhile, of which it says nothing, it begins again elsewhere, if there is room: that block
        would fail again.  What was begun in vain may count at the next mount, and is not erased before that which takes
        its place is there.
        """
        if spared is None:
            spared = log.blocks.free - log.blocks.pinned
        in_vain: list[int] = []
        while True:
            blocks: list[int] = []
            try:
                known_bad = self._write(log, mapping, copies, blocks, spared)
            except ProgramFailedError:
                known_bad = -1
            whole, room = known_bad >= 0, len(log.blocks.available()) > len(blocks)
            if whole and (known_bad == len(log.blocks.bad) or not room):
                log.close()
                for block in in_vain:
                    log.blocks.close(block)
                return tuple(blocks)
            in_vain += blocks

    def read(self, read: Callable[[int], PageRead], geometry: Geometry, blocks: Sequence[int]) -> Checkpoint:
        """The checkpoint in ``blocks``; ``read`` reads a page."""
        pages: dict[int, Units] = {}
        held: set[int] = set()
        copies: dict[int, Copy] = {}
        fades = False
        for block in blocks:
            for number in geometry.usable[1:]:
                page = block * geometry.pages_per_block + number
                units, corrected = read(page)
                spare = opened(page, units)
                fades |= corrected >= geometry.scrub_bits
                if spare is None:
                    continue
                if spare.kind == Kind.CHECKPOINT:
                    held.add(block)
                    if is_whole(units):
                        pages[spare.subject] = units[:-1]
                elif spare.kind == Kind.COPY:
                    copies[page] = copy_of(spare.subject, units, spare)
        count = geometry.checkpoint_pages
        found = [pages.get(number, pages.get(number + count)) for number in range(count)]
        content = b"".join(sector for units in found for sector in units or () if sector is not None)
        content = content[: content_bytes(geometry)]
        head = NAND_CHECKPOINT.pack(MAGIC, geometry.blocks, geometry.logical_pages)
        good = content.startswith(head) and intact(content)
        return Checkpoint(
            content if good else None,
            proved=any(number >= count for number in pages),
            whole=len(pages) == 2 * count,
            blocks=frozenset(held),
            copies=copies,
            fades=fades,
        )

    def _write(self, log: Log, mapping: Mapping, copies: Sequence[Copy], blocks: list[int], spared: Set[int]) -> int:
        """Fills ``blocks`` as it goes; returns how many bad blocks the checkpoint knows of."""
        first = self._go_on(log, blocks, None)

        def append(kind: Kind, subject: int, extra: int, sectors: Units) -> int:
            if log.is_full:
                self._go_on(log, blocks, first)
            if kind is Kind.COPY:
                # So that a block of copies belongs to its checkpoint, even if its header should become unreadable.
                log.before = first
            return log.append(kind, subject, extra, sectors)

        for copy in copies:
            mapping.move(copy.logical, append(Kind.COPY, *copy))
        known_bad = len(log.blocks.bad)
        pages = _paged(self._encoded(log, mapping, spared), log.geometry)
        for number, page in enumerate((*pages, *pages)):
            append(Kind.CHECKPOINT, number, first, page)
        log.checkpoint = first
        return known_bad

    def _go_on(self, log: Log, blocks: list[int], first: int | None) -> int:
        """Open another block; returns its sequence."""
        block = log.open(Kind.CHECKPOINT_BLOCK, first)
        log.blocks.hold([block])
        blocks.append(block)
        return log.sequence

    def _encoded(self, log: Log, mapping: Mapping, spared: Set[int]) -> bytes:
        geometry, blocks = log.geometry, log.blocks
        entries = array("I", (erases & ERASES for erases in blocks.erases))
        for block in spared - blocks.bad:
            entries[block] |= FREE
        for block in blocks.bad:
            entries[block] |= BAD
        head = NAND_CHECKPOINT.pack(MAGIC, geometry.blocks, geometry.logical_pages)
        body = head + entries.tobytes() + array("H" if geometry.address_bytes == 2 else "I", mapping.pages).tobytes()
        return body + crc32(body)


def _paged(content: bytes, geometry: Geometry) -> list[Units]:
    whole = content.ljust(geometry.checkpoint_pages * geometry.page_bytes, b"\0")
    sectors = [whole[at : at + SECTOR_BYTES] for at in range(0, len(whole), SECTOR_BYTES)]
    return [tuple(sectors[at : at + geometry.page_sectors]) for at in range(0, len(sectors), geometry.page_sectors)]


def content_bytes(geometry: Geometry) -> int:
    """The length of a checkpoint."""
    entries = geometry.blocks * BLOCK_ENTRY_BYTES + geometry.logical_pages * geometry.address_bytes
    return NAND_CHECKPOINT.fixed_bytes + entries + CRC_BYTES


def decoded(content: bytes, geometry: Geometry) -> tuple[list[int], list[int]]:
    """The block entries and the map of a checkpoint."""
    start = NAND_CHECKPOINT.fixed_bytes
    middle = start + geometry.blocks * BLOCK_ENTRY_BYTES
    entries = array("I", content[start:middle])
    pages = array("H" if geometry.address_bytes == 2 else "I", content[middle:-CRC_BYTES])
    return list(entries), list(pages)
