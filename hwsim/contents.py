"""What a medium holds, and putting it there, past its commands: as a programmer does it with the part in its socket.

Bytes are counted from the start of the medium, on a disk, too.  Nothing of it is announced on the power rail.
"""

from __future__ import annotations

from typing import NamedTuple

from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, Disk
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram


class ContentsError(HardwareError):
    """Bytes that are no part of a medium."""


class Contents(NamedTuple):
    """``pieces`` of bytes by where they begin, without the sectors that are ``unreadable``, which the others say.

    ``unstable``: where pages of NOR flash begin that may read otherwise next time.
    """

    pieces: tuple[tuple[int, bytes], ...]
    unstable: tuple[int, ...]
    unreadable: tuple[int, ...]


def cell_bytes(medium: Medium) -> int:
    """How many bytes a cell of ``medium`` holds."""
    if isinstance(medium, Disk):
        return SECTOR_BYTES
    if isinstance(medium, NorFlash):
        return medium.page_bytes
    assert isinstance(medium, Nvram), "there are three media"
    return medium.ROW_BYTES


def size_bytes(medium: Medium) -> int:
    """How many bytes ``medium`` holds."""
    return medium.size * SECTOR_BYTES if isinstance(medium, Disk) else medium.size


def contents(medium: Medium, at: int, length: int) -> Contents:
    """``length`` bytes from ``at`` on; unstable cells read as the board's adversary wants, each once.

    Raises ContentsError outside of the medium.
    """
    assert isinstance(medium, Disk | NorFlash | Nvram), "there are three media"
    size, first, last = _cells(medium, at, length)
    pieces: list[tuple[int, bytes]] = []
    run: list[bytes] = []
    unstable, unreadable = [], []
    start = first * size
    for number, cell in enumerate(medium.cells.values[medium.first + first : medium.first + last], first):
        if cell == UNCORRECTABLE:
            pieces.append((start, b"".join(run)))
            run, start = [], (number + 1) * size
            unreadable.append(number * size)
            continue
        if isinstance(cell, Unstable):
            unstable.append(number * size)
        run.append(_reading(medium, number))
    pieces.append((start, b"".join(run)))
    end = at + length
    cut = ((max(p, at), data[max(at - p, 0) : end - p]) for p, data in pieces)
    return Contents(tuple((p, data) for p, data in cut if data), tuple(unstable), tuple(unreadable))


def put_contents(medium: Medium, at: int, data: bytes) -> None:
    """Put ``data`` at ``at``; what a first or last cell holds besides is kept.  Raises ContentsError."""
    assert isinstance(medium, Disk | NorFlash | Nvram), "there are three media"
    size, first, last = _cells(medium, at, len(data))
    cells = medium.cells
    for number in range(first, last):
        offset = number * size - at
        piece = data[max(offset, 0) : offset + size]
        if len(piece) < size:
            held, before = _reading(medium, number), max(-offset, 0)
            piece = held[:before] + piece + held[before + len(piece) :]
        if cells.values[medium.first + number] != piece:
            cells.put(medium.first + number, piece)


def make_unreadable(disk: Disk, lba: int) -> None:
    """The sector has no data any more, until it is written."""
    disk.cells.put(disk.first + lba, UNCORRECTABLE)


def _reading(medium: Disk | NorFlash | Nvram, number: int) -> bytes:
    """What a cell reads as; zeros where there is no data."""
    cell: bytes | Unstable = medium.cells.values[medium.first + number]
    if isinstance(cell, Unstable):
        assert isinstance(medium, NorFlash), "only flash has unstable cells"
        return medium.adversary.read(medium.first + number, cell)
    return bytes(SECTOR_BYTES) if cell == UNCORRECTABLE else cell


def _cells(medium: Medium, at: int, length: int) -> tuple[int, int, int]:
    """The size of a cell, and the numbers of the first and behind the last."""
    end = size_bytes(medium)
    if at < 0 or length < 0 or at + length > end:
        raise ContentsError(f"{medium.name}: {length} bytes at {at:#x} are not in the part, which ends at {end:#x}")
    size = cell_bytes(medium)
    return size, at // size, -(-(at + length) // size)
