"""A NAND flash on the bus: a page is loaded into the page register, from its first byte on, and programmed when full.

What lies at its addresses are its pages with all their spare bytes, as hwsim/nand_image.py has them.
"""

from __future__ import annotations

from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_image import (
    BLANK,
    fault_of,
    put_raw_page,
    raw_page,
    raw_page_bytes,
    set_fill,
    units_from,
)
from deltabench.hwsim.nand_pages import WEAK_BLANK, UnstablePage


class PageRegisterError(HardwareError):
    """Bytes that a page cannot hold or that come out of order, or an operation that the part says has failed."""


class PageRegister:
    """The page register of ``nand``: what is loaded and not yet programmed is lost with the power.

    Bytes that come once more, because somebody did not hear that they had come, change nothing.
    """

    def __init__(self, nand: NandFlash) -> None:
        self.nand = nand
        self.page_bytes = raw_page_bytes(nand)
        self.block_bytes = self.page_bytes * nand.pages_per_block
        self._page: int | None = None
        self._loaded = bytearray()

    def clear(self) -> None:
        """What was loaded is forgotten."""
        self._page = None
        self._loaded.clear()

    def read(self, at: int, length: int) -> bytes:
        """What is programmed, not what is loaded."""
        size = self.page_bytes
        first, last = at // size, -(-(at + length) // size)
        whole = b"".join(raw_page(self.nand, page, self.nand.read(page).units) for page in range(first, last))
        return whole[at - first * size : at - first * size + length]

    def write(self, at: int, data: bytes) -> None:
        """Load, and program each page that is full; a blank one is left as it is.

        Raises PageRegisterError unless pages come whole and in order, MediaRuleError for a page that is not blank.
        """
        done = 0
        while done < len(data):
            page, offset = divmod(at + done, self.page_bytes)
            piece = data[done : done + self.page_bytes - offset]
            self._load(page, offset, piece)
            done += len(piece)

    def erase(self, at: int) -> None:
        """The block that ``at`` is in; raises HardwareError if the part reports a failure."""
        self.clear()
        block = at // self.block_bytes
        if not self.nand.erase(block):
            raise PageRegisterError(f"{self.nand.name}: the erase of block {block} failed")

    def store(self, at: int, data: bytes) -> None:
        """Put it there with whatever erases that takes; what else the blocks hold is put back.

        Of a page that cannot be corrected, that is put back, too, as no command could.
        """
        self.clear()
        end = at + len(data)
        for start in range(at - at % self.block_bytes, end, self.block_bytes):
            old = self.read(start, self.block_bytes)
            lead, rest = max(at - start, 0), max(start + self.block_bytes - end, 0)
            piece = data[max(start - at, 0) : max(start - at, 0) + self.block_bytes - lead - rest]
            self._replace(start, old, old[:lead] + piece + old[self.block_bytes - rest :])

    def _replace(self, start: int, old: bytes, new: bytes) -> None:
        nand, size = self.nand, self.page_bytes
        first = start // size
        pages = range(first, first + nand.pages_per_block)
        block = first // nand.pages_per_block
        raws = [new[n * size : (n + 1) * size] for n in range(len(pages))]
        for page, raw in zip(pages, raws, strict=True):
            _check(nand, page, raw)
        if block in nand.bad_blocks or (new == old and not self._is_shaky(pages)):
            return
        self.erase(start)
        for page, raw in zip(pages, raws, strict=True):
            units = units_from(nand, raw)
            if None in units or UNCORRECTABLE in units:
                put_raw_page(nand, page, raw)
            else:
                self._program(page, raw)
        set_fill(nand, block)

    def _is_shaky(self, pages: range) -> bool:
        """Whether a cut has left one of these that may read otherwise next time, or is blank but weak."""
        first = self.nand.first
        cells = (self.nand.cells.values[first + page] for page in pages)
        return any(isinstance(cell, UnstablePage) or cell == WEAK_BLANK for cell in cells)

    def _load(self, page: int, offset: int, piece: bytes) -> None:
        if page == self._page and self._loaded[offset : offset + len(piece)] == piece:
            return
        if not offset:
            self._page = page
            self._loaded.clear()
        if page != self._page or offset != len(self._loaded):
            expected = "its first byte" if page != self._page else f"its byte {len(self._loaded)}"
            raise PageRegisterError(
                f"{self.nand.name}: bytes from {offset} of page {page} on: a page is programmed whole, and loaded in "
                f"order; next is {expected}"
            )
        self._loaded += piece
        if len(self._loaded) == self.page_bytes:
            self._program(page, bytes(self._loaded))

    def _program(self, page: int, raw: bytes) -> None:
        if raw.count(BLANK) == len(raw):
            return
        _check(self.nand, page, raw)
        if not self.nand.program(page, units_from(self.nand, raw)):
            raise PageRegisterError(f"{self.nand.name}: the program of page {page} failed")


def _check(nand: NandFlash, page: int, raw: bytes) -> None:
    """Raises PageRegisterError for what this page cannot hold."""
    fault = fault_of(nand, page, raw)
    if fault is not None:
        raise PageRegisterError(fault)
