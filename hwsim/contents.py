"""What a medium holds, and putting it there, past its commands: as a programmer does it with the part in its socket.

Bytes are counted from the start of the medium, on a disk, too; nand_image.py says what the bytes of NAND flash are.
Nothing of it is announced on the power rail.
"""

from __future__ import annotations

from typing import NamedTuple

from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, Disk
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_image import fault_of, put_raw_page, raw_page, raw_page_bytes, set_fill
from deltabench.hwsim.nand_pages import Cell, Page, UnstablePage
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram

Holder = Disk | NorFlash | NandFlash | Nvram


class ContentsError(HardwareError):
    """Bytes that are no part of a medium, or that it cannot hold."""


class Contents(NamedTuple):
    """``pieces`` of bytes by where they begin, without the sectors of a disk that are ``unreadable``.

    ``unstable``: where pages of flash begin that may read otherwise next time.  ``unreadable``: where sectors begin
    that have no data, and pages of NAND flash with a codeword beyond correction.  That is zeros, and pieces are not
    split there, as the rest of the page can be read.
    """

    pieces: tuple[tuple[int, bytes], ...]
    unstable: tuple[int, ...]
    unreadable: tuple[int, ...]


def cell_bytes(medium: Medium) -> int:
    """How many bytes a cell of ``medium`` holds."""
    match medium:
        case Disk():
            return SECTOR_BYTES
        case NorFlash():
            return medium.page_bytes
        case NandFlash():
            return raw_page_bytes(medium)
        case _:
            assert isinstance(medium, Nvram), "there are four media"
            return medium.ROW_BYTES


def size_bytes(medium: Medium) -> int:
    """How many bytes ``medium`` holds."""
    return medium.size * cell_bytes(medium) if isinstance(medium, Disk | NandFlash) else medium.size


def contents(medium: Medium, at: int, length: int) -> Contents:
    """``length`` bytes from ``at`` on; unstable cells read as the board's adversary wants, each once.

    Raises ContentsError outside of the medium.
    """
    assert isinstance(medium, Holder), "there are four media"
    size, first, last = _cells(medium, at, length)
    pieces: list[tuple[int, bytes]] = []
    run: list[bytes] = []
    unstable, unreadable = [], []
    start = first * size
    for number, cell in enumerate(medium.cells.values[medium.first + first : medium.first + last], first):
        if isinstance(cell, Unstable | UnstablePage):
            unstable.append(number * size)
        data, whole = _reading(medium, number)
        if not whole:
            unreadable.append(number * size)
        if whole or isinstance(medium, NandFlash):
            run.append(data)
        else:
            pieces.append((start, b"".join(run)))
            run, start = [], (number + 1) * size
    pieces.append((start, b"".join(run)))
    end = at + length
    cut = ((max(p, at), data[max(at - p, 0) : end - p]) for p, data in pieces)
    return Contents(tuple((p, data) for p, data in cut if data), tuple(unstable), tuple(unreadable))


def put_contents(medium: Medium, at: int, data: bytes) -> None:
    """Put ``data`` at ``at``; what a first or last cell holds besides is kept, but NAND flash takes whole pages only.

    Raises ContentsError, and then nothing has changed.
    """
    assert isinstance(medium, Holder), "there are four media"
    size, first, last = _cells(medium, at, len(data))
    if isinstance(medium, NandFlash):
        _put_pages(medium, at, data)
        return
    cells = medium.cells
    for number in range(first, last):
        offset = number * size - at
        piece = data[max(offset, 0) : offset + size]
        if len(piece) < size:
            (held, _), before = _reading(medium, number), max(-offset, 0)
            piece = held[:before] + piece + held[before + len(piece) :]
        if cells.values[medium.first + number] != piece:
            cells.put(medium.first + number, piece)


def make_unreadable(disk: Disk, lba: int) -> None:
    """The sector has no data any more, until it is written."""
    disk.cells.put(disk.first + lba, UNCORRECTABLE)


def make_uncorrectable(nand: NandFlash, page: int, codeword: int) -> None:
    """The codeword has no data any more, until its block is erased; the last codeword is that of the spare bytes."""
    index, start, end = nand.first + page, nand.edges[codeword], nand.edges[codeword + 1]
    held = nand.reading(page).units
    units = (*held[:start], *(UNCORRECTABLE,) * (end - start), *held[end:])
    old: Cell = nand.cells.values[index]
    nand.cells.put(index, old._replace(units=units) if isinstance(old, Page) else nand.stamped(units))
    set_fill(nand, page // nand.pages_per_block)


def _put_pages(nand: NandFlash, at: int, data: bytes) -> None:
    size = raw_page_bytes(nand)
    if at % size or len(data) % size:
        raise ContentsError(f"{nand.name}: {len(data)} bytes at {at:#x} are not whole pages of {size:#x} bytes")
    pages = [(at // size + n, data[n * size : (n + 1) * size]) for n in range(len(data) // size)]
    for page, raw in pages:
        fault = fault_of(nand, page, raw)
        if fault is not None:
            raise ContentsError(fault)
    for page, raw in pages:
        put_raw_page(nand, page, raw)
    for block in {page // nand.pages_per_block for page, _ in pages}:
        set_fill(nand, block)


def _reading(medium: Holder, number: int) -> tuple[bytes, bool]:
    """What a cell reads as, and whether all of it can be read; zeros where there is no data."""
    if isinstance(medium, NandFlash):
        units = medium.reading(number).units
        return raw_page(medium, number, units), UNCORRECTABLE not in units
    cell: bytes | Unstable = medium.cells.values[medium.first + number]
    if isinstance(cell, Unstable):
        assert isinstance(medium, NorFlash), "only flash has unstable cells"
        return medium.adversary.read(medium.first + number, cell), True
    return (bytes(SECTOR_BYTES), False) if cell == UNCORRECTABLE else (cell, True)


def _cells(medium: Medium, at: int, length: int) -> tuple[int, int, int]:
    """The size of a cell, and the numbers of the first and behind the last."""
    end = size_bytes(medium)
    if at < 0 or length < 0 or at + length > end:
        raise ContentsError(f"{medium.name}: {length} bytes at {at:#x} are not in the part, which ends at {end:#x}")
    size = cell_bytes(medium)
    return size, at // size, -(-(at + length) // size)
