"""The pages of a NAND flash in an image: their sectors, and what their spare bytes say of them.

What the bytes of a page are, hwsim/nand_image.py says; what those of the firmware are, formats.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from deltabench.firmware_model.formats import NAND_SPARE
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.flash import CRC_BYTES, MARK_BYTES, SPARE_BYTES, Flash
from deltabench.scenarios.images.memory_image import MemoryImage

BLANK: Final = 0xFF
DATA_HEADER, DATA, CHECKPOINT_HEADER, CHECKPOINT, COPY = range(1, 6)
KINDS: Final = {
    DATA_HEADER: "the header of a block of data",
    DATA: "data",
    CHECKPOINT_HEADER: "the header of a block of a checkpoint",
    CHECKPOINT: "a page of a checkpoint",
    COPY: "a copy of data",
}


class PageSpare(NamedTuple):
    """What the spare bytes of a page say, by the table "NAND spare bytes"."""

    kind: int
    sequence: int
    subject: int
    extra: int
    before: int


class Page(NamedTuple):
    """A page as it reads.

    ``sectors``: None for one that is erased or cannot be read.  ``spare``: None if it is erased, cannot be read, or
    fails its check; ``spare_bytes`` are those of the firmware, None unless they are there.  ``blank``: all of it is
    there, and erased.
    """

    number: int
    sectors: tuple[bytes | None, ...]
    spare: PageSpare | None
    spare_bytes: bytes | None
    blank: bool

    @property
    def data(self) -> bytes | None:
        """All of its sectors; None unless they can be read."""
        held = [sector for sector in self.sectors if sector is not None]
        return b"".join(held) if len(held) == len(self.sectors) else None


class Pages:
    """The pages of ``flash`` in ``image``, each decoded once."""

    def __init__(self, image: MemoryImage, flash: Flash) -> None:
        self._image = image
        self._flash = flash
        self._read: dict[int, Page] = {}

    def __getitem__(self, number: int) -> Page:
        if number not in self._read:
            self._read[number] = self._page(number)
        return self._read[number]

    def of_block(self, block: int) -> Iterator[Page]:
        """The pages that the layer programs, in their order."""
        first = block * self._flash.pages_per_block
        return (self[first + number] for number in self._flash.usable)

    def _page(self, number: int) -> Page:
        flash = self._flash
        data = self._image.read(flash.address(number), flash.stride_bytes)
        if data is None:
            return Page(number, (None,) * flash.page_sectors, None, None, blank=False)
        size, spare_at = flash.page_bytes, flash.page_bytes + MARK_BYTES
        spare = data[spare_at : spare_at + SPARE_BYTES]
        ecc = data[flash.stride_bytes - flash.parity_bytes * size // flash.codeword_bytes :]
        sectors: list[bytes | None] = []
        blank = spare.count(BLANK) == SPARE_BYTES
        for number_in_page, at in enumerate(range(0, size, flash.codeword_bytes)):
            codeword = data[at : at + flash.codeword_bytes]
            told = ecc[number_in_page * flash.parity_bytes :][: flash.parity_bytes]
            erased, lost = _erased_or_lost(codeword, told)
            blank &= erased
            sectors += [
                None if erased or lost else codeword[start : start + SECTOR_BYTES]
                for start in range(0, flash.codeword_bytes, SECTOR_BYTES)
            ]
        good = zlib.crc32(spare[:-CRC_BYTES], number).to_bytes(4, "little") == spare[-CRC_BYTES:]
        return Page(number, tuple(sectors), PageSpare(*NAND_SPARE.unpack(spare)) if good else None, spare, blank)


def _erased_or_lost(codeword: bytes, ecc: bytes) -> tuple[bool, bool]:
    """What a codeword is that holds no data: erased, or beyond correction.  Its ECC bytes say what its data do not."""
    told = bool(ecc) and not any(ecc)
    return not told and codeword.count(BLANK) == len(codeword), told and not any(codeword)
