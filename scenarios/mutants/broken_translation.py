"""Mistakes of the translation layer while it runs: its log, checkpoints, garbage collection, blocks that fail."""

from __future__ import annotations

from collections.abc import Sequence, Set

from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import Checkpoints, Copy
from deltabench.firmware_model.translation.collection import Collector
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.log import Log, ProgramFailedError
from deltabench.firmware_model.translation.mapping import NOTHING, Mapping
from deltabench.firmware_model.translation.spare import NO_PAGE, SEQUENCES, Kind
from deltabench.hwsim.core import Core
from deltabench.hwsim.disk import ZERO_SECTOR
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units
from deltabench.scenarios.mutants.broken_part import broken_flash


@broken_flash
class AcknowledgesBeforeProgram(TranslationLayer):
    """The last page of a write is programmed together with the next write; until then it is in RAM only."""

    _held: tuple[int, list[bytes]] | None = None

    def write(self, lba: int, sectors: Sequence[bytes], *, fua: bool = True) -> None:
        if self._held is not None:
            (at, before), self._held = self._held, None
            super().write(at, before)
        self._held = (lba, list(sectors))

    def read(self, lba: int, count: int) -> list[bytes]:
        sectors = super().read(lba, count)
        at, held = self._held or (0, [])
        for number, sector in enumerate(held, at):
            if lba <= number < lba + count:
                sectors[number - lba] = sector
        return sectors


@broken_flash
class TrustsBlankBlock(Log):
    """A free block whose pages read blank is not erased once more, though nothing proves that its erase was done."""

    def _erase(self, block: int) -> bool:
        per_block = self.geometry.pages_per_block
        blank = not any(any(self.nand.read(block * per_block + page).units) for page in self.geometry.usable)
        return blank or super()._erase(block)


@broken_flash
class TrustsBlankHeader(Log):
    """A free block is not erased if its first page reads blank."""

    def _erase(self, block: int) -> bool:
        blank = not any(self.nand.read(block * self.geometry.pages_per_block).units)
        return blank or super()._erase(block)


@broken_flash
class BlockSequenceStands(Log):
    """A block that is opened gets the sequence of the one before it."""

    def open(self, kind: Kind, first: int | None = None, *, most_worn: bool = False) -> int:
        self.sequence = (self.sequence - 1) % SEQUENCES if kind is Kind.DATA_BLOCK else self.sequence
        return super().open(kind, first, most_worn=most_worn)


@broken_flash
class SaysNothingOfPageBefore(Log):
    """A page does not say what the page before it holds."""

    def append(self, kind: Kind, subject: int, extra: int, sectors: Units) -> int:
        self.before = NO_PAGE
        return super().append(kind, subject, extra, sectors)


@broken_flash
class IgnoresProgramStatus(Log):
    """That a program has failed is not looked at."""

    def _program(self, kind: Kind, subject: int, extra: int, sectors: Units = ()) -> int:
        block, number = self.block, self._next
        assert block is not None, "a page is appended to an open block"
        try:
            return super()._program(kind, subject, extra, sectors)
        except ProgramFailedError:
            self.block = block
            self.blocks.bad.discard(block)
            self.failed.clear()
            return block * self.geometry.pages_per_block + self.geometry.usable[number]


@broken_flash
class IgnoresEraseStatus(Log):
    """That an erase has failed is not looked at."""

    def _erase(self, block: int) -> bool:
        super()._erase(block)
        return True


@broken_flash
class FailedBlockStaysFree(Log):
    """A block that has failed goes back to the free ones, to be tried again."""

    def _retire(self, block: int) -> None:
        super()._retire(block)
        self.blocks.bad.discard(block)
        self.blocks.free.add(block)


@broken_flash
class ErasesBeforeCopies(Collector):
    """A block that is collected is erased as soon as its pages are in RAM, before they are programmed elsewhere."""

    def _move_all(self, block: int) -> int:
        first, owner = block * self._geometry.pages_per_block, self._mapping.owner
        copies = [self.moved(page) for page in range(first, first + self._geometry.pages_per_block) if owner[page] >= 0]
        if block not in self._blocks.bad:
            self._log.nand.erase(block)
        for copy in copies:
            self.append(*copy)
        return len(copies)


@broken_flash
class CollectsAllButOne(Collector):
    """The last valid page of a block that is collected is forgotten."""

    def _move_all(self, block: int) -> int:
        pages = [
            page
            for page in range(block * self._geometry.pages_per_block, (block + 1) * self._geometry.pages_per_block)
            if self._mapping.owner[page] >= 0
        ]
        for page in pages[:-1]:
            self.append(*self.moved(page))
        for page in pages[-1:]:
            self._mapping.pages[self._mapping.owner[page]] = self._geometry.none
            self._mapping.owner[page] = -1
            self._blocks.lose_page(block)
        return len(pages)


@broken_flash
class CopiesErrorsAway(Collector):
    """A sector that cannot be read is moved as zeros, and reads as them from then on."""

    def moved(self, page: int) -> Copy:
        return super().moved(page)._replace(lost=0)


@broken_flash
class LeavesFailedBlock(Collector):
    """What is valid in a block that has failed is given up."""

    def evacuate(self) -> None:
        for block in self._log.failed:
            first = block * self._geometry.pages_per_block
            for page in range(first, first + self._geometry.pages_per_block):
                if self._mapping.owner[page] != NOTHING:
                    self._mapping.pages[self._mapping.owner[page]] = self._geometry.none
                    self._mapping.owner[page] = NOTHING


@broken_flash
class MapsBeforeData(Checkpoints):
    """A checkpoint says where a recovery is going to copy a page, which is programmed behind it."""

    def _write(self, log: Log, mapping: Mapping, copies: Sequence[Copy], blocks: list[int], spared: Set[int]) -> int:
        geometry = log.geometry
        block = self._go_on(log, blocks, None) and blocks[0]
        behind = 1 + 2 * geometry.checkpoint_pages
        for number, copy in enumerate(copies, behind):
            mapping.move(copy.logical, block * geometry.pages_per_block + geometry.usable[number])
        known_bad = super()._write(log, mapping, (), blocks, spared)
        for copy in copies:
            log.append(Kind.COPY, *copy)
        return known_bad

    def _go_on(self, log: Log, blocks: list[int], first: int | None) -> int:
        return log.sequence if blocks and first is None else super()._go_on(log, blocks, first)


class _Stale(Checkpoints):
    """Base of mistakes: what a checkpoint says is not what is so when it is written."""

    def _stale(self, log: Log, mapping: Mapping) -> None:
        raise NotImplementedError

    def _encoded(self, log: Log, mapping: Mapping, spared: Set[int]) -> bytes:
        pages, bad = list(mapping.pages), set(log.blocks.bad)
        self._stale(log, mapping)
        content = super()._encoded(log, mapping, spared)
        mapping.pages[:] = pages
        log.blocks.bad = bad
        return content


@broken_flash
class CheckpointStale(_Stale):
    """A checkpoint has the map as it was at the checkpoint before."""

    _before: list[int] | None = None

    def _stale(self, log: Log, mapping: Mapping) -> None:
        now = list(mapping.pages)
        if self._before is not None:
            mapping.pages[:] = self._before
        self._before = now


@broken_flash
class CheckpointDropsLastBlock(_Stale):
    """A checkpoint has nothing of what was written to the block that was open last."""

    def _stale(self, log: Log, mapping: Mapping) -> None:
        pages = [page for page in mapping.pages if page != mapping.geometry.none]
        last = max(pages, default=0) // mapping.geometry.pages_per_block
        mapping.pages[:] = [
            mapping.geometry.none if page // mapping.geometry.pages_per_block == last else page
            for page in mapping.pages
        ]


@broken_flash
class CheckpointDropsBadBlocks(_Stale):
    """A checkpoint does not say which blocks have failed."""

    def _stale(self, log: Log, mapping: Mapping) -> None:
        log.blocks.bad = {block for block in log.blocks.bad if log.nand.is_bad(block)}


@broken_flash
class ReleasesCheckpointEarly(TranslationLayer):
    """The blocks of the checkpoint in force are free as soon as the next one is begun."""

    def _write_checkpoint(self) -> None:
        for block in self._checkpoint:
            self.blocks.close(block)
            self.blocks.erases[block] = 0
        self._checkpoint = ()
        super()._write_checkpoint()


@broken_flash
class PairedPagesIgnored(TranslationLayer):
    """All pages of an MLC block are used, as if no two of them shared cells."""

    def __init__(self, nand: NandFlash, geometry: Geometry, checkpoint_blocks: int, core: Core) -> None:
        usable = tuple(range(geometry.pages_per_block))
        super().__init__(nand, type(geometry)(**{**vars(geometry), "usable": usable}), checkpoint_blocks, core)


@broken_flash
class PartialWriteForgetsRest(TranslationLayer):
    """Of a page of which a part is written, the rest becomes zeros."""

    def _completed(self, logical: int, offset: int, piece: Units) -> tuple[int, Units]:
        behind = self.geometry.page_sectors - offset - len(piece)
        return 0, ((ZERO_SECTOR,) * offset + tuple(piece) + (ZERO_SECTOR,) * behind)


@broken_flash
class PartialWriteHealsPage(TranslationLayer):
    """Of a page of which a part is written, the sectors that could not be read can be read again."""

    def _completed(self, logical: int, offset: int, piece: Units) -> tuple[int, Units]:
        return 0, super()._completed(logical, offset, piece)[1]


@broken_flash
class NeverScrubs(TranslationLayer):
    """That a page had nearly too many bits corrected is not looked at."""

    def _scrub(self) -> None:
        self._fading = set()


@broken_flash
class NeverReadOnly(TranslationLayer):
    """A flash without spare blocks goes on to be written to, until nothing is left."""

    def _count_bad_blocks(self) -> None:
        self.read_only = False


@broken_flash
class TakesMostWorn(BlockTable):
    """Of the free blocks the most worn is taken."""

    def take(self, *, most_worn: bool = False) -> int | None:
        return super().take(most_worn=True)
