"""The translation layer of one NAND flash: a device of sectors, each write of which is atomic and durable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from deltabench.firmware_model.steps import CHECKPOINTED, PAGE, SCRUBBED, TRANSLATE
from deltabench.firmware_model.translation.checkpoint import LOST_SECTOR, Copy
from deltabench.firmware_model.translation.collection import Collector
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.mount import Mount
from deltabench.firmware_model.translation.spare import SEQUENCES, is_clean, opened
from deltabench.hwsim.core import IDLE_CORE, Core
from deltabench.hwsim.disk import UNCORRECTABLE, ZERO_SECTOR
from deltabench.hwsim.medium import UncorrectableError
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units


class TranslationLayer:
    """Sectors on ``nand``; to be formatted or mounted before anything else.

    A sector that was never written reads as zeros.
    """

    mount_type: ClassVar[type[Mount]] = Mount
    collector_type: ClassVar[type[Collector]] = Collector

    def __init__(self, nand: NandFlash, geometry: Geometry, checkpoint_blocks: int, core: Core = IDLE_CORE) -> None:
        self.nand = nand
        self.name = nand.name
        self.size = geometry.sectors
        self.geometry = geometry
        self._interval = checkpoint_blocks
        self._core = core
        kinds = self.mount_type
        self._checkpoints = kinds.checkpoints_type()
        blocks = kinds.blocks_type(geometry.blocks)
        self._begin(Mapping(geometry, blocks), kinds.log_type(nand, geometry, blocks), ())

    def _begin(self, mapping: Mapping, log: Log, checkpoint: tuple[int, ...]) -> None:
        self.mapping = mapping
        self.log = log
        self.blocks = log.blocks
        self._checkpoint = checkpoint
        self._collector = self.collector_type(log, mapping, self._core)
        self._fading: set[int] = set()
        """Logical pages that had nearly too many bits corrected when they were read."""
        self._patrolled = 0
        self.read_only = False
        """Whether more blocks have failed than there were to spare."""
        self._count_bad_blocks()

    def format(self) -> None:
        """Factory initialisation, with power assured: passes over the blocks that the factory has marked as bad."""
        for block in range(self.geometry.blocks):
            if self.nand.is_bad(block):
                self.blocks.bad.add(block)
            else:
                self.blocks.close(block)
        self._write_checkpoint()

    def mount(self) -> None:
        """Read the medium, and make firm what a cut left in doubt; raises RefusedDeviceError, NoSpareBlocksError."""
        self._begin(*self.mount_type(self.nand, self.geometry, self._core).run())
        self.log.failed = [block for block in sorted(self.blocks.bad) if self.blocks.valid_pages(block)]
        if self.log.failed:
            self._note_failures()

    @property
    def spare_blocks(self) -> int:
        """Blocks that may still fail before nothing may be written any more."""
        return max(self.geometry.blocks - len(self.blocks.bad) - self.geometry.least_blocks, 0)

    def page_of(self, lba: int) -> int | None:
        """The page that holds a sector, for observers; None if it was never written."""
        page = self.mapping.pages[lba // self.geometry.page_sectors]
        return None if page == self.geometry.none else page

    @property
    def checkpoint(self) -> tuple[int, ...]:
        """The blocks of the checkpoint in force, for observers."""
        return self._checkpoint

    def read(self, lba: int, count: int) -> list[bytes]:
        """``count`` sectors from ``lba``; raises UncorrectableError for the first that cannot be read."""
        size = self.geometry.page_sectors
        sectors: list[bytes] = []
        end = lba + count
        self._core.spend(TRANSLATE, -(-end // size) - lba // size)
        while lba < end:
            logical, offset = divmod(lba, size)
            take = min(size - offset, end - lba)
            sectors += self._read_page(logical, offset, take)
            lba += take
        if self._fading and not self.read_only:
            self._scrub()
        return sectors

    def write(self, lba: int, sectors: Sequence[bytes], *, fua: bool = True) -> None:
        """Write; every sector is old or new, and new for good when it returns, whether ``fua`` asks for it or not."""
        size, at, end = self.geometry.page_sectors, 0, len(sectors)
        collector, log = self._collector, self.log
        self._core.spend(TRANSLATE, -(-(lba + end) // size) - lba // size)
        while at < end:
            logical, offset = divmod(lba + at, size)
            take = min(size - offset, end - at)
            piece: Units = tuple(sectors[at : at + take])
            lost = 0
            if take < size:
                lost, piece = self._completed(logical, offset, piece)
            if UNCORRECTABLE in piece:
                lost, piece = _marked(lost, piece)
            if log.is_full:
                self._open_next()
            self._core.spend(PAGE, 1)
            collector.append(logical, lost, piece)
            at += take
        if log.failed:
            self._note_failures()

    def flush(self) -> None:
        """Nothing is ever held back."""

    def patrol(self) -> None:
        """Read another page, when there is nothing else to do, and write it anew if it fades."""
        geometry = self.geometry
        for _ in range(geometry.logical_pages):
            logical = self._patrolled
            self._patrolled = (logical + 1) % geometry.logical_pages
            page = self.mapping.pages[logical]
            if page != geometry.none:
                if self.nand.read(page).corrected >= geometry.scrub_bits and not self.read_only:
                    self._fading.add(logical)
                    self._scrub()
                return

    def _read_page(self, logical: int, offset: int, count: int) -> list[bytes]:
        page = self.mapping.pages[logical]
        if page == self.geometry.none:
            return [ZERO_SECTOR] * count
        units, corrected = self.nand.read(page)
        if corrected >= self.geometry.scrub_bits:
            self._fading.add(logical)
        wanted = units[offset : offset + count]
        if not is_clean(units):
            spare = opened(page, units)
            lost = spare.extra if spare is not None else 0
            for number, sector in enumerate(wanted, offset):
                if sector is None or sector == UNCORRECTABLE or lost >> number & 1:
                    raise UncorrectableError(self.name, logical * self.geometry.page_sectors + number)
        # None of them is None any more, but to check that again for the sake of types would cost on each read.
        return list(wanted)  # type: ignore[arg-type]

    def _completed(self, logical: int, offset: int, piece: Units) -> tuple[int, Units]:
        """A part of a page with the rest of it as it was; which of its sectors are uncorrectable."""
        page, size = self.mapping.pages[logical], self.geometry.page_sectors
        held = Copy(logical, 0, (ZERO_SECTOR,) * size) if page == self.geometry.none else self._collector.moved(page)
        lost = held.lost & ~(((1 << len(piece)) - 1) << offset)
        return lost, (*held.sectors[:offset], *piece, *held.sectors[offset + len(piece) :])

    def _open_next(self) -> None:
        """Write a checkpoint if the last is far behind, and make room."""
        behind = (self.log.sequence - self.log.checkpoint) % SEQUENCES
        if behind >= self._interval + len(self._checkpoint):
            self._write_checkpoint()
        self._collector.make_room()

    def _write_checkpoint(self) -> None:
        before = self._checkpoint
        self._checkpoint = self._checkpoints.write(self.log, self.mapping)
        self._core.spend(CHECKPOINTED, 2 * self.geometry.checkpoint_pages)
        for block in before:
            self.blocks.close(block)

    def _note_failures(self) -> None:
        """A block that has failed is left, and its failure made durable, before anything is acknowledged."""
        self._collector.evacuate()
        self._write_checkpoint()
        self._count_bad_blocks()
        self.log.failed.clear()

    def _count_bad_blocks(self) -> None:
        self.read_only = self.geometry.blocks - len(self.blocks.bad) < self.geometry.least_blocks

    def _scrub(self) -> None:
        """Write anew what could soon not be corrected any more."""
        fading, self._fading = self._fading, set()
        for logical in sorted(fading):
            page = self.mapping.pages[logical]
            if self.log.is_full:
                self._open_next()
            self._core.spend(SCRUBBED, 1)
            self._collector.append(*self._collector.moved(page))
        if self.log.failed:
            self._note_failures()


def _marked(lost: int, piece: Units) -> tuple[int, Units]:
    """Sectors that are to be uncorrectable, as bits and zeros."""
    for number, sector in enumerate(piece):
        if sector == UNCORRECTABLE:
            lost |= 1 << number
    return lost, tuple(LOST_SECTOR if sector == UNCORRECTABLE else sector for sector in piece)
