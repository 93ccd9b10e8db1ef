"""How a NAND flash is divided: pages, blocks, and how much of it the translation layer has for sectors.

Worked out from a device entry and docs/format.md alone; the firmware has its own geometry.py for that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from deltabench.firmware_model.configuration import DeviceEntry, Spare
from deltabench.firmware_model.formats import NAND_CHECKPOINT, NAND_SPARE
from deltabench.hwsim.disk import SECTOR_BYTES

MARK_BYTES: Final = 2
"""Of the spare bytes of a page, those of the factory's mark of a bad block come first."""
CRC_BYTES: Final = 4
BLOCK_ENTRY_BYTES: Final = 4
KEPT_BLOCKS: Final = 8
"""Blocks that are never of the capacity, besides those of three checkpoints and those that may be bad."""
SPARE_BYTES: Final = NAND_SPARE.fixed_bytes + CRC_BYTES
MOST_PAGE_BYTES: Final = 1 << 14
PARITY_BITS: Final = 14
"""Of the ECC, for each bit that it corrects in a codeword."""


class Flash(NamedTuple):
    """A NAND flash with a translation layer.

    ``stride_bytes``: a page with its spare bytes.  ``usable``: the pages of a block that the layer programs.
    ``logical_pages``: what it has for sectors.  ``checkpoint_pages``: of each copy of a checkpoint, which lies in
    ``checkpoint_blocks``.
    """

    device: DeviceEntry
    blocks: int
    pages_per_block: int
    page_bytes: int
    stride_bytes: int
    usable: tuple[int, ...]
    logical_pages: int
    address_bytes: int
    checkpoint_pages: int
    checkpoint_blocks: int

    @property
    def page_sectors(self) -> int:
        return self.page_bytes // SECTOR_BYTES

    @property
    def codeword_bytes(self) -> int:
        """Data bytes of a codeword of the ECC."""
        assert self.device.spare is not None, "a NAND flash has spare bytes"
        return self.device.spare.codeword_bytes

    @property
    def parity_bytes(self) -> int:
        """Spare bytes that the ECC takes for a codeword; they are the last of a page."""
        assert self.device.spare is not None, "a NAND flash has spare bytes"
        return _parity_bytes(self.device.spare)

    @property
    def sectors(self) -> int:
        """The sectors that there are behind the layer."""
        return self.logical_pages * self.page_sectors

    @property
    def nowhere(self) -> int:
        """What a checkpoint has for a logical page that was never written."""
        return (1 << 8 * self.address_bytes) - 1

    def address(self, page: int) -> int:
        """Where a page begins on the bus."""
        return self.device.address + page * self.stride_bytes


def what_is_wrong(device: DeviceEntry) -> str:
    """Why no NAND flash is like that; empty if one could be."""
    page, block, spare = device.program_bytes, device.erase_bytes, device.spare
    assert spare is not None, "a NAND flash has spare bytes"
    data = page - spare.page_bytes
    if data < SECTOR_BYTES or data > MOST_PAGE_BYTES or data & data - 1:
        return f"a page of {page} bytes with {spare.page_bytes} spare ones has no whole sectors, a power of two of them"
    if not block or block % page or device.size_bytes % block:
        return f"{device.size_bytes} bytes are not of blocks of {block} and pages of {page}"
    if spare.codeword_bytes % SECTOR_BYTES or not spare.codeword_bytes or data % spare.codeword_bytes:
        return f"codewords of {spare.codeword_bytes} bytes do not divide pages of {data}"
    parity = data // spare.codeword_bytes * _parity_bytes(spare)
    if spare.page_bytes - MARK_BYTES - parity < SPARE_BYTES:
        return f"of {spare.page_bytes} spare bytes the ECC and the mark leave less than {SPARE_BYTES}"
    if spare.pairing != "none" and (block // page % 2 or block // page < 4):
        return f"pages of a block of {block // page} cannot be paired"
    if spare.most_bad_blocks >= device.size_bytes // block:
        return f"{spare.most_bad_blocks} of its {device.size_bytes // block} blocks may be bad"
    return ""


def flash_of(device: DeviceEntry, over_provisioning: int) -> Flash | None:
    """The division of a NAND flash with nothing wrong with it; None if it is too small for a translation layer."""
    assert isinstance(device.spare, Spare), "a NAND flash has spare bytes"
    stride, bad = device.program_bytes, device.spare.most_bad_blocks
    per_block, blocks = device.erase_bytes // stride, device.size_bytes // device.erase_bytes
    page_bytes = stride - device.spare.page_bytes
    # Of paired pages only the lower ones: 0, 1 and then each odd one but the last.
    usable = tuple(range(per_block)) if device.spare.pairing == "none" else (0, *range(1, per_block - 1, 2))
    data = len(usable) - 1
    address_bytes = 2 if blocks * per_block < 1 << 16 else 4
    most = NAND_CHECKPOINT.fixed_bytes + blocks * (BLOCK_ENTRY_BYTES + len(usable) * address_bytes) + CRC_BYTES
    pages = -(-most // page_bytes)
    if not data:
        return None
    own = -(-2 * pages // data)
    left = blocks - bad - 3 * own - KEPT_BLOCKS
    logical = min(left * data * 100 // (100 + over_provisioning), (left - 1) * data)
    if logical < 1:
        return None
    return Flash(device, blocks, per_block, page_bytes, stride, usable, logical, address_bytes, pages, own)


def _parity_bytes(spare: Spare) -> int:
    return -(-PARITY_BITS * spare.ecc_bits // 8)
