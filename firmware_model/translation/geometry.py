"""What of a NAND flash is for data, as its parameter page and the configuration determine it.

On MLC only the pages are used whose program endangers no earlier page, so that no cut can damage what was acknowledged
(as Linux does in its SLC mode for MLC NAND, MTD_SLC_ON_MLC_EMULATION).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.formats import CRC_BYTES, NAND_CHECKPOINT
from deltabench.firmware_model.rom import Rom
from deltabench.firmware_model.translation.spare import SPARE_BYTES
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.nand import NandFlash, spare_bytes_left
from deltabench.hwsim.onfi import read_parameters
from deltabench.hwsim.pairing import lower_pages

BLOCK_ENTRY_BYTES: Final = 4


@dataclass(frozen=True)
class Geometry(Rom):
    """``usable``: pages of a block that are programmed, in their order; the first is the header.

    ``checkpoint_blocks``: what a checkpoint takes, without the data that a mount writes with it.
    ``reserve``: blocks that host writes leave free, so that wherever power is cut a mount has what it needs: two
    checkpoints, one of which might not count next time, each with what was in the open block and what the last mount
    wrote with its own; garbage collection may have two blocks in work at that moment.
    ``least_blocks``: with fewer good blocks than that the device is read-only.
    ``scrub_bits``: a page in which so many bits of a codeword had to be corrected is written anew.
    """

    blocks: int
    pages_per_block: int
    page_sectors: int
    usable: tuple[int, ...]
    logical_pages: int
    address_bytes: int
    checkpoint_pages: int
    checkpoint_blocks: int
    reserve: int
    least_blocks: int
    scrub_bits: int

    @property
    def data_pages(self) -> int:
        """Pages of a block that hold data."""
        return len(self.usable) - 1

    @property
    def checkpoint_operations(self) -> int:
        """What writing a checkpoint takes at most: erases, headers, both copies, and the data that a mount adds.

        These are what was in the open block, and what the mount before wrote with its own.
        """
        pages = 2 * self.data_pages + 2 * self.checkpoint_pages
        return 2 * -(-pages // self.data_pages) + pages

    @property
    def sectors(self) -> int:
        """The capacity."""
        return self.logical_pages * self.page_sectors

    @property
    def page_bytes(self) -> int:
        """Data bytes of a page."""
        return self.page_sectors * SECTOR_BYTES

    @property
    def none(self) -> int:
        """Stands for no page in a checkpoint."""
        return (1 << 8 * self.address_bytes) - 1


@lru_cache(maxsize=32)
def geometry_of(nand: NandFlash, over_provisioning: int) -> Geometry:
    """Of the part that ``nand`` says it is; raises ConfigurationError if it is too small."""
    part = read_parameters(nand.parameter_page())
    usable = lower_pages(part.pairing, part.pages_per_block)
    data_pages = len(usable) - 1
    if not data_pages:
        raise ConfigurationError(
            f"{nand.name}: of a block of {nand.part.name} one page can be used; a translation layer needs a header and "
            "data, which takes 2 pages, or 4 where pages share cells"
        )
    page_sectors = part.page_bytes // SECTOR_BYTES
    pages = part.blocks * part.pages_per_block
    address_bytes = 2 if pages < 1 << 16 else 4
    content = NAND_CHECKPOINT.fixed_bytes + part.blocks * BLOCK_ENTRY_BYTES + CRC_BYTES
    content += part.blocks * len(usable) * address_bytes
    checkpoint_pages = -(-content // part.page_bytes)
    checkpoint_blocks = -(-2 * checkpoint_pages // data_pages)
    reserve = 2 * checkpoint_blocks + 6
    # A checkpoint, in part of a block more, and an open block are always there besides the data and the reserve.
    blocks = part.blocks - part.most_bad_blocks - reserve - checkpoint_blocks - 2
    logical_pages = min(blocks * data_pages * 100 // (100 + over_provisioning), (blocks - 1) * data_pages)
    left = spare_bytes_left(nand.part)
    if left < SPARE_BYTES:
        raise ConfigurationError(
            f"{nand.name}: the ECC of {nand.part.name} leaves {left} spare bytes of a page; a translation layer needs "
            f"{SPARE_BYTES}; take another part"
        )
    if logical_pages < 1:
        raise ConfigurationError(
            f"{nand.name}: {nand.part.name} with {part.blocks} blocks is too small for a translation layer; it needs "
            f"{part.blocks - blocks + 2} blocks or more"
        )
    return Geometry(
        blocks=part.blocks,
        pages_per_block=part.pages_per_block,
        page_sectors=page_sectors,
        usable=usable,
        logical_pages=logical_pages,
        address_bytes=address_bytes,
        checkpoint_pages=checkpoint_pages,
        checkpoint_blocks=checkpoint_blocks,
        reserve=reserve,
        least_blocks=part.blocks - part.most_bad_blocks,
        scrub_bits=max(1, part.ecc_bits * 3 // 4),
    )


def geometry_for(nand: NandFlash, config: FirmwareConfig) -> Geometry:
    """As ``geometry_of``, with what is configured."""
    return geometry_of(nand, config.over_provisioning)
