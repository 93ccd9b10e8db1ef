"""A NAND flash byte by byte, as a programmer reads it: a page with its spare bytes, and then the next page.

The spare bytes are the factory's mark (FFh FFh; 00h 00h in the first page of a bad block), those of the firmware,
filled up with FFh, and those of the ECC.  What is blank is FFh.  The bytes of the ECC stand for what the device knows
of a codeword and its data do not tell: they are FFh, and 00h if the codeword was programmed with nothing but FFh, or is
beyond correction; then its data are zeros.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE
from deltabench.hwsim.nand import MARKER_BYTES, NandFlash, parity_bytes
from deltabench.hwsim.nand_pages import WEAK_BLANK, Page, Unit, Units, UnstablePage

BLANK: Final = b"\xff"


def raw_page_bytes(nand: NandFlash) -> int:
    """Bytes of a page, all its spare bytes included."""
    return nand.part.page_bytes + nand.part.spare_bytes


def raw_page(nand: NandFlash, page: int, units: Units) -> bytes:
    """The bytes of ``page`` when it reads as ``units``; zeros for what is beyond correction."""
    ecc = b""
    for start, end in pairwise(nand.edges[:-1]):
        sectors = units[start:end]
        told = UNCORRECTABLE in sectors or all(unit == BLANK * SECTOR_BYTES for unit in sectors)
        ecc += (b"\0" if told else BLANK) * parity_bytes(nand.part)
    block, in_block = divmod(page, nand.pages_per_block)
    mark = (b"\0" if block in nand.bad_blocks and not in_block else BLANK) * MARKER_BYTES
    data = b"".join(_bytes(unit, SECTOR_BYTES) for unit in units[:-1])
    return data + mark + _bytes(units[-1], nand.spare_bytes) + ecc


def put_raw_page(nand: NandFlash, page: int, raw: bytes) -> None:
    """Make ``page`` hold ``raw``, as ``raw_page`` has it: programmed just now, and stable."""
    old: Any = nand.cells.values[nand.first + page]
    plain = isinstance(old, tuple) and not isinstance(old, Page | UnstablePage) and UNCORRECTABLE not in old
    if plain and raw_page(nand, page, old) == raw:
        return
    units = units_from(nand, raw)
    cell = nand.stamped(units) if any(unit is not None for unit in units) else None
    if cell != old:
        nand.cells.put(nand.first + page, cell)


def fault_of(nand: NandFlash, page: int, raw: bytes) -> str | None:
    """Why ``page`` cannot hold ``raw``: data in a block that is marked as bad, or a mark in one that is not."""
    size = nand.part.page_bytes
    mark, rest = raw[size : size + MARKER_BYTES], raw[:size] + raw[size + MARKER_BYTES :]
    block = page // nand.pages_per_block
    if block in nand.bad_blocks:
        bad = f"{nand.name}: bytes for page {page} of block {block}, which the factory has marked as bad"
        return None if rest == BLANK * len(rest) else bad
    if mark != BLANK * MARKER_BYTES:
        return f"{nand.name}: page {page} bears the mark of a bad block, {mark.hex()}, and block {block} is a good one"
    return None


def set_fill(nand: NandFlash, block: int) -> None:
    """Nothing is to be programmed before the last page of ``block`` that is not blank."""
    first = nand.first + block * nand.pages_per_block
    pages = nand.cells.values[first : first + nand.pages_per_block]
    fill = max((n + 1 for n, page in enumerate(pages) if page is not None and page != WEAK_BLANK), default=0)
    if nand.cells.values[nand.fill_of(block)] != fill:
        nand.cells.put(nand.fill_of(block), fill)


def _bytes(unit: Unit, length: int) -> bytes:
    return bytes(length) if unit == UNCORRECTABLE else (unit or b"").ljust(length, BLANK)


def units_from(nand: NandFlash, raw: bytes) -> Units:
    """What a page with these bytes reads as."""
    data_bytes, spare_at = nand.part.page_bytes, nand.part.page_bytes + MARKER_BYTES
    spare = raw[spare_at : spare_at + nand.spare_bytes]
    units: list[Unit] = []
    size, parity = nand.part.codeword_bytes, parity_bytes(nand.part)
    for number, at in enumerate(range(0, data_bytes, size)):
        data = raw[at : at + size]
        ecc = raw[spare_at + nand.spare_bytes + number * parity :][:parity]
        told = parity > 0 and not any(ecc)
        if told and not any(data):
            units += [UNCORRECTABLE] * nand.codeword_sectors
        elif not told and data == BLANK * size:
            units += [None] * nand.codeword_sectors
        else:
            units += [data[k : k + SECTOR_BYTES] for k in range(0, size, SECTOR_BYTES)]
    return (*units, None if spare == BLANK * nand.spare_bytes else spare)
