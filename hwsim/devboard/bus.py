"""The address bus of a development board: flash of the chip, RAM, and the parts in its sockets, byte by byte.

What the bootloader and the firmware's monitor reach.  Writing goes by the rules of each medium: a program of NOR flash
only clears bits, what a disk's sector holds besides is kept, and NAND flash takes whole pages (page_register.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from deltabench.hwsim.board import Board, BoardSpec
from deltabench.hwsim.devboard.page_register import PageRegister
from deltabench.hwsim.devboard.spec import ADDRESSES, PAGES_PER_PART, DevBoardFile
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_image import raw_page_bytes
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.tearing import Detail


class BusError(HardwareError):
    """Addresses at which there is nothing, or that nothing can be written to."""


class Ram:
    """Memory that forgets when power goes: the bench has nothing to say of it but that it is there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.contents = bytearray(size)

    def lose_power(self) -> None:
        self.contents = bytearray(self._size)


class Window(NamedTuple):
    """``size_bytes`` from ``address`` on are what ``device`` has; ``offset`` is where in it they begin."""

    name: str
    address: int
    size_bytes: int
    device: Medium | Ram

    @property
    def end(self) -> int:
        return self.address + self.size_bytes


class EraseBlock(NamedTuple):
    """What one page number of the bootloader erases: a sector of a NOR flash, or a block of a NAND flash."""

    page: int
    address: int
    size_bytes: int


class Bus:
    """``board`` as the chip of ``file`` sees it, and the chip's own flash, whose cells lie behind the board's."""

    def __init__(self, file: DevBoardFile, board: Board, spec: BoardSpec) -> None:
        """``spec`` is what ``board`` was built from.  Raises DevBoardError for a part that has no place."""
        self.ram = Ram(file.chip.ram_bytes)
        windows = [Window("RAM", file.chip.ram_address, file.chip.ram_bytes, self.ram)]
        self.blocks: dict[int, EraseBlock] = {}
        """Erase blocks by page number: those of the chip's flash from 0, of other flash from PAGES_PER_PART on."""
        self.flash: list[NorFlash] = []
        """The banks of the chip's own flash."""
        self._registers: dict[str, PageRegister] = {}
        """Of each NAND flash."""
        address = file.chip.flash_address
        for part in file.chip.flash_as_nor():
            bank = NorFlash(part.name, part, board.cells, board.rail, board.adversary, Detail.SAMPLED)
            self.flash.append(bank)
            windows.append(Window("flash", address, part.size_bytes, bank))
            self._number(len(self.blocks), address, bank)
            address += part.size_bytes
        parts = 0
        for name, place in file.places(spec).items():
            medium = board.media[name]
            windows.append(Window(name, place.address, place.size_bytes, medium))
            if isinstance(medium, NorFlash | NandFlash):
                parts += 1
                self._number(parts * PAGES_PER_PART, place.address, medium)
            if isinstance(medium, NandFlash):
                self._registers[name] = PageRegister(medium)
        self.windows = sorted(windows, key=lambda window: window.address)
        self._starts = [window.address for window in self.windows]

    def read(self, address: int, length: int) -> bytes:
        """``length`` bytes; raises BusError outside of everything, UncorrectableError for a sector that has no data."""
        pieces = []
        for window, at, count in self._pieces(address, length):
            device = window.device
            if isinstance(device, Ram):
                pieces.append(bytes(device.contents[at : at + count]))
            elif isinstance(device, Disk):
                first, last = at // SECTOR_BYTES, -(-(at + count) // SECTOR_BYTES)
                skip = at - first * SECTOR_BYTES
                pieces.append(b"".join(device.read(first, last - first))[skip : skip + count])
            elif isinstance(device, NandFlash):
                pieces.append(self._registers[device.name].read(at, count))
            else:
                assert isinstance(device, NorFlash | Nvram), "there are four media"
                pieces.append(device.read(at, count))
        return b"".join(pieces)

    def write(self, address: int, data: bytes) -> None:
        """Write as the medium permits; raises BusError, or MediaRuleError for a bit that only an erase can set.

        Pages of NAND flash come whole and in order; raises PageRegisterError for anything else.
        """

        def program(nor: NorFlash, at: int, piece: bytes) -> None:
            for start, end in _within(at, len(piece), nor.page_bytes):
                nor.program(start, piece[start - at : end - at])

        self._write(address, data, program, PageRegister.write)

    def store(self, address: int, data: bytes) -> None:
        """As ``write``, but whatever flash it touches is erased first, and what else it holds put back.

        So that no cell is left as a cut operation left it, even one that happens to read right.
        """

        def replace(nor: NorFlash, at: int, piece: bytes) -> None:
            for start, end in _within(at, len(piece), nor.sector_bytes):
                base = start // nor.sector_bytes * nor.sector_bytes
                old = nor.read(base, nor.sector_bytes)
                new = old[: start - base] + piece[start - at : end - at] + old[end - base :]
                nor.erase(base)
                _program_what_is_not_blank(nor, base, new)

        self._write(address, data, replace, PageRegister.store)

    def erase(self, page: int) -> None:
        """Erase the block with this page number; raises BusError if there is none."""
        if page not in self.blocks:
            raise BusError(f"there is no erase block with page number {page}")
        block = self.blocks[page]
        window, at, _ = next(iter(self._pieces(block.address, 1)))
        if isinstance(window.device, NandFlash):
            self._registers[window.device.name].erase(at)
            return
        assert isinstance(window.device, NorFlash), "only flash has erase blocks"
        window.device.erase(at)

    def lose_power(self) -> None:
        """What the board itself does not see to."""
        self.ram.lose_power()
        for register in self._registers.values():
            register.clear()

    def window_at(self, address: int) -> Window | None:
        """What has this address; None if nothing does."""
        number = bisect_right(self._starts, address) - 1
        if number < 0 or address >= self.windows[number].end:
            return None
        return self.windows[number]

    def _number(self, first: int, address: int, flash: NorFlash | NandFlash) -> None:
        if isinstance(flash, NorFlash):
            size, blocks = flash.sector_bytes, flash.size // flash.sector_bytes
        else:
            size, blocks = raw_page_bytes(flash) * flash.pages_per_block, flash.blocks
        for n in range(min(blocks, PAGES_PER_PART)):
            self.blocks[first + n] = EraseBlock(first + n, address + n * size, size)

    def _write(
        self,
        address: int,
        data: bytes,
        to_nor: Callable[[NorFlash, int, bytes], None],
        to_nand: Callable[[PageRegister, int, bytes], None],
    ) -> None:
        done = 0
        for window, at, count in list(self._pieces(address, len(data))):
            device, piece = window.device, data[done : done + count]
            done += count
            if isinstance(device, Ram):
                device.contents[at : at + count] = piece
            elif isinstance(device, Disk):
                _write_disk(device, at, piece)
            elif isinstance(device, NorFlash):
                to_nor(device, at, piece)
            elif isinstance(device, NandFlash):
                to_nand(self._registers[device.name], at, piece)
            else:
                assert isinstance(device, Nvram), "there are four media"
                device.write(at, piece)

    def _pieces(self, address: int, length: int) -> list[tuple[Window, int, int]]:
        """Each window that the addresses are in, with where in it and how many; raises BusError for a hole."""
        if address < 0 or address + length > ADDRESSES:
            raise BusError(f"0x{address:08X}+{length}: addresses end at 0x{ADDRESSES - 1:08X}")
        pieces = []
        while length:
            window = self.window_at(address)
            if window is None:
                raise BusError(f"there is nothing at address 0x{address:08X}")
            count = min(length, window.end - address)
            pieces.append((window, address - window.address, count))
            address, length = address + count, length - count
        return pieces


def _within(at: int, length: int, grain: int) -> list[tuple[int, int]]:
    """The stretch cut where a multiple of ``grain`` lies inside it: (start, end) of each piece."""
    edges = [at, *range((at // grain + 1) * grain, at + length, grain), at + length]
    return list(pairwise(edges))


def _program_what_is_not_blank(nor: NorFlash, base: int, contents: bytes) -> None:
    for start, end in _within(base, len(contents), nor.page_bytes):
        page = contents[start - base : end - base]
        if page != nor.blank:
            nor.program(start, page)


def _write_disk(disk: Disk, at: int, piece: bytes) -> None:
    """Whole sectors, written past the cache; what a first or last one holds besides is read first."""
    first, last = at // SECTOR_BYTES, -(-(at + len(piece)) // SECTOR_BYTES)
    before, behind = at - first * SECTOR_BYTES, last * SECTOR_BYTES - at - len(piece)
    if before:
        piece = disk.read(first, 1)[0][:before] + piece
    if behind:
        piece += disk.read(last - 1, 1)[0][-behind:]
    sectors = [piece[n : n + SECTOR_BYTES] for n in range(0, len(piece), SECTOR_BYTES)]
    disk.write(first, sectors, fua=True)
